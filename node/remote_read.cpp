#include "node/remote_read.hpp"

#include <unistd.h>

#include <algorithm>
#include <asio/awaitable.hpp>
#include <asio/co_spawn.hpp>
#include <asio/detached.hpp>
#include <asio/redirect_error.hpp>
#include <asio/steady_timer.hpp>
#include <asio/use_awaitable.hpp>
#include <cerrno>
#include <utility>

#include "node/clock.hpp"
#include "node/on_disk.hpp"
#include "node/peer/pull.hpp"
#include "node/storage/disk_pool.hpp"
#include "node/storage/object_store.hpp"

namespace chisme::node {
namespace {

constexpr Duration progress_timeout = std::chrono::seconds{2};
constexpr Duration read_retry_pause = std::chrono::seconds{1};
// Small enough that a client which stops reading leaves no holder waiting in the middle of a range.
constexpr ByteCount pull_bytes{1u << 20};

using Bytes = std::vector<std::byte>;

Result<std::shared_ptr<Bytes>> read_local(ObjectFile const& file, ByteOffset offset,
                                          std::size_t count) {
  auto const length = std::min(ByteCount{count}, file.size() - ByteCount{offset.value()});
  if (auto right = file.verify(offset, length); !right) return tl::unexpected(right.error());
  auto bytes = std::make_shared<Bytes>(count);
  ssize_t const got =
      ::pread(file.descriptor(), bytes->data(), count, static_cast<off_t>(offset.value()));
  if (got < 0) return tl::unexpected(system_failure(errno, "reading a local copy"));
  if (got == 0) return fail(Fault::corrupt, "a local copy is shorter than it was");
  bytes->resize(static_cast<std::size_t>(got));
  return bytes;
}

}  // namespace

struct SwitchingRead::State : std::enable_shared_from_this<SwitchingRead::State> {
  State(asio::io_context& its_loop, Host its_host, Range range, Sources tell)
      : loop{its_loop},
        host{std::move(its_host)},
        digest{range.digest},
        offset{range.offset},
        left{range.length},
        tell_sources{std::move(tell)},
        sources{tell_sources()},
        pause{loop} {}

  asio::awaitable<Result<std::size_t>> read(std::span<std::byte> into);
  asio::awaitable<Result<std::size_t>> read_once(std::span<std::byte> into);
  asio::awaitable<Result<std::size_t>> read_here(std::span<std::byte> into);
  asio::awaitable<Result<std::size_t>> read_there(Endpoint holder, std::span<std::byte> into);

  void note_outcome(Result<std::size_t> const& count);

  asio::io_context& loop;
  Host host;
  Digest digest;
  ByteOffset offset;
  ByteCount left;
  Sources tell_sources;
  std::vector<ReadSource> sources;
  std::size_t current = 0;
  bool told = false;  // that `current` brought something
  std::shared_ptr<PullConnection> connection;
  std::shared_ptr<ObjectFile const> file;
  asio::steady_timer pause;
  bool ended = false;  // nobody waits any more; what was to be filled may be gone
};

SwitchingRead::SwitchingRead(asio::io_context& loop, Host host, Range range, Sources sources)
    : state_{std::make_shared<State>(loop, std::move(host), range, std::move(sources))} {}

SwitchingRead::~SwitchingRead() {
  state_->ended = true;
  state_->pause.cancel();
  if (state_->connection) state_->connection->close();
}

void SwitchingRead::read(std::span<std::byte> into, web::Done<std::size_t> done) {
  auto const wanted = into.first(std::min<std::uint64_t>(into.size(), state_->left.value()));
  auto const run = [](std::shared_ptr<State> state, std::span<std::byte> fill,
                      web::Done<std::size_t> tell) -> asio::awaitable<void> {
    auto const count = co_await state->read(fill);
    if (!state->ended) tell(count);
  };
  asio::co_spawn(state_->loop, run(state_, wanted, std::move(done)), asio::detached);
}

asio::awaitable<Result<std::size_t>> SwitchingRead::State::read(std::span<std::byte> into) {
  if (into.empty()) co_return std::size_t{0};
  asio::error_code ignored;
  auto token = asio::redirect_error(asio::use_awaitable, ignored);
  for (bool again : {true, false}) {
    for (; current < sources.size(); ++current) {
      auto const count = co_await read_once(into);
      if (ended) co_return fail(Fault::cancelled, "cancelled");
      note_outcome(count);
      if (count) {
        offset += ByteCount{*count};
        left -= ByteCount{*count};
        co_return *count;
      }
      connection.reset();
      file.reset();
    }
    if (!again) break;
    pause.expires_after(read_retry_pause);
    co_await pause.async_wait(token);
    if (ended) co_return fail(Fault::cancelled, "cancelled");
    sources = tell_sources();
    current = 0;
  }
  co_return fail(Fault::unavailable, "no node that has a copy of the file answers");
}

void SwitchingRead::State::note_outcome(Result<std::size_t> const& count) {
  bool const is_first = !std::exchange(told, count.has_value());
  bool const is_missing = !count && count.error().fault == Fault::not_found;
  if (sources[current].self || is_missing || (count && !is_first)) return;
  host.tell_outcome(sources[current].node, count.has_value());
}

asio::awaitable<Result<std::size_t>> SwitchingRead::State::read_once(std::span<std::byte> into) {
  ReadSource const source = sources[current];
  if (source.self) co_return co_await read_here(into);
  Endpoint const holder = source.peer;
  bool const fresh = !connection;
  Instant const begun = steady_now();
  auto count = co_await read_there(holder, into);
  bool const stalled = steady_now() - begun >= progress_timeout;
  if (count || fresh || stalled || ended) co_return count;
  // A connection that was idle for long may have been closed for that alone.
  connection.reset();
  co_return co_await read_there(holder, into);
}

// Into a buffer of its own: the disk may answer when `into` is gone.
asio::awaitable<Result<std::size_t>> SwitchingRead::State::read_here(std::span<std::byte> into) {
  if (!file) {
    auto opened = host.objects.open_object(digest);
    if (!opened) co_return tl::unexpected(opened.error());
    file = std::move(*opened);
  }
  auto const job = [from = file, at = offset, count = into.size()] {
    return read_local(*from, at, count);
  };
  auto const bytes = co_await on_disk(&host.disk, job);
  if (!bytes) co_return tl::unexpected(bytes.error());
  if (ended) co_return fail(Fault::cancelled, "cancelled");
  std::ranges::copy(**bytes, into.begin());
  co_return (*bytes)->size();
}

asio::awaitable<Result<std::size_t>> SwitchingRead::State::read_there(Endpoint holder,
                                                                      std::span<std::byte> into) {
  if (!connection) {
    connection = std::make_shared<PullConnection>(loop, host.caller, holder, progress_timeout);
  }
  auto const pulling = connection;
  if (pulling->left().value() == 0) {
    PullRequest const request{digest, offset, std::min(left, pull_bytes)};
    auto const answer = co_await pulling->request(request);
    if (!answer) co_return tl::unexpected(answer.error());
    if (answer->length.value() == 0) co_return fail(Fault::corrupt, "a holder's copy is too short");
  }
  if (ended) co_return fail(Fault::cancelled, "cancelled");
  co_return co_await pulling->read(into);
}

}  // namespace chisme::node
