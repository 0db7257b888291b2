#include "node/storage/access_file.hpp"

#include <asio/awaitable.hpp>
#include <asio/co_spawn.hpp>
#include <asio/steady_timer.hpp>
#include <asio/use_awaitable.hpp>
#include <span>
#include <string>
#include <utility>

#include "cluster/wire/codec.hpp"
#include "node/keeping.hpp"
#include "node/log.hpp"
#include "node/on_disk.hpp"
#include "node/storage/posix.hpp"
#include "node/storage/sha256.hpp"

namespace chisme::node {
namespace {

namespace fs = std::filesystem;

constexpr auto access_retry_pause = std::chrono::seconds{1};

fs::path access_path(fs::path const& data) {
  return data / "access";
}

std::span<std::byte const> bytes_of_access(std::string_view text) {
  return std::as_bytes(std::span{text.data(), text.size()});
}

std::string sum_of_access(std::string_view text) {
  Sha256 sum;
  sum.update(bytes_of_access(text));
  return to_hex(sum.finish());
}

}  // namespace

Result<cluster::AccessNews> read_access_file(fs::path const& data) {
  fs::path const path = access_path(data);
  auto const text = read_file(path);
  if (!text && text.error().fault == Fault::not_found) return cluster::AccessNews{};
  if (!text) return tl::unexpected(text.error());
  std::size_t const end = text->find('\n');
  std::string_view const rest =
      end == std::string::npos ? std::string_view{} : std::string_view{*text}.substr(end + 1);
  if (end != std::string::npos && text->substr(0, end) == sum_of_access(rest)) {
    if (auto all = cluster::decode_access(bytes_of_access(rest))) return all;
  }
  return fail(
      Fault::corrupt,
      path.string() +
          ", in which revoked tokens and links are remembered, is damaged. Move it away: the "
          "node learns anew what it held from the other nodes, if one of them is up");
}

Result<void> write_access_file(fs::path const& data, cluster::AccessNews const& all) {
  std::string const bytes = cluster::encode(all);
  return replace_file(access_path(data), sum_of_access(bytes) + "\n" + bytes);
}

struct AccessWriter::State {
  asio::awaitable<void> run(cluster::SaveAccess save);

  asio::io_context& loop;
  fs::path data;
  DiskPool& disk;
  std::shared_ptr<Fence> fence;
  OnSaved on_saved;
};

AccessWriter::AccessWriter(asio::io_context& loop, fs::path data, DiskPool& disk,
                           std::shared_ptr<Fence> fence, OnSaved on_saved)
    : state_{std::make_shared<State>(
          State{loop, std::move(data), disk, std::move(fence), std::move(on_saved)})} {}

AccessWriter::~AccessWriter() = default;

void AccessWriter::save(cluster::SaveAccess save) {
  asio::co_spawn(state_->loop, state_->run(std::move(save)), keeping(state_));
}

asio::awaitable<void> AccessWriter::State::run(cluster::SaveAccess save) {
  auto const all = std::make_shared<cluster::AccessNews const>(std::move(save.all));
  asio::steady_timer pause{loop};
  for (;;) {
    if (fence->is_closed()) co_return;
    auto const job = [all, where = data] { return write_access_file(where, *all); };
    auto const written = co_await on_disk(&disk, job);
    if (written) break;
    bool const may_pass =
        written.error().fault == Fault::no_space || written.error().fault == Fault::busy;
    if (!may_pass) {
      fence->close(written.error());
      co_return;
    }
    log::error(LogComponent::storage,
               "what was revoked is not saved, trying again: " + written.error().message);
    pause.expires_after(access_retry_pause);
    co_await pause.async_wait(asio::use_awaitable);
  }
  on_saved(save.save);
}

}  // namespace chisme::node
