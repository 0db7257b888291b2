#include "node/http/follower.hpp"

#include <algorithm>
#include <asio/redirect_error.hpp>
#include <asio/use_awaitable.hpp>
#include <utility>
#include <vector>

#include "node/http/await.hpp"
#include "node/http/internal_files.hpp"
#include "node/http/resumable_uploads.hpp"

namespace chisme::node {
namespace {

constexpr std::chrono::milliseconds part_look_period{50};
constexpr std::chrono::seconds far_look_after{1};
constexpr std::size_t parts_listed_at_once = 1000;

}  // namespace

Follower::Follower(asio::io_context& loop, web::Gateway& gateway, std::string id,
                   std::optional<ByteCount> length)
    : loop_(loop), gateway_(gateway), id_(std::move(id)), length_(length), pause_(loop) {}

asio::awaitable<Result<std::size_t>> Follower::read(std::span<std::byte> into) {
  asio::error_code ignored;
  auto token = asio::redirect_error(asio::use_awaitable, ignored);
  auto const since = std::chrono::steady_clock::now();
  while (left_ == 0) {
    if (length_ && at_ == length_->value()) co_return std::size_t{0};
    auto const waited = std::chrono::steady_clock::now() - since;
    auto const opened = co_await open_next(waited > far_look_after);
    if (!opened) co_return tl::unexpected(opened.error());
    if (*opened) continue;
    if (waited > patience) {
      co_return fail(Fault::cancelled, "nothing more of the upload has come");
    }
    pause_.expires_after(part_look_period);
    co_await pause_.async_wait(token);
  }
  auto const wanted = into.first(std::min<std::uint64_t>(into.size(), left_));
  auto start = [&](web::Done<std::size_t> done) { source_->read(wanted, std::move(done)); };
  auto const count = co_await await_done<std::size_t>(loop_, start);
  if (!count) co_return count;
  if (*count == 0) co_return fail(Fault::corrupt, "a part of an upload is cut short");
  at_ += *count;
  left_ -= *count;
  co_return count;
}

// Parts of the usual size that reach further than this byte begin not far before it. A part that
// does not (its client sent a checksum of much at once) is found by the far look.
std::optional<web::tus::Piece> Follower::next_piece(bool far) const {
  std::uint64_t const reach = ResumableUploads::Writer::part_bytes_max;
  std::uint64_t const first = far || at_ < reach ? 0 : at_ - reach;
  std::vector<web::FileInfo> files;
  std::optional<std::string> after = web::tus::part_name(id_, ByteOffset{first}, "");
  while (after) {
    web::Listing page = gateway_.list(web::tus::files_prefix(id_), *after, parts_listed_at_once);
    std::ranges::move(page.files, std::back_inserter(files));
    after = std::move(page.next);
  }
  auto const progress = web::tus::progress_of(id_, std::move(files));
  return web::tus::piece_at(progress.parts, ByteOffset{at_});
}

asio::awaitable<Result<bool>> Follower::open_next(bool far) {
  if (auto const piece = next_piece(far)) {
    source_ = gateway_.relay(piece->file, piece->from, piece->size);
    left_ = piece->size.value();
    co_return true;
  }
  if (gateway_.lookup(web::tus::about_name(id_)).status != web::LookupStatus::found) {
    co_return fail(Fault::cancelled, "the upload was given up");
  }
  web::Lookup const marker = gateway_.lookup(web::tus::done_name(id_));
  if (marker.status != web::LookupStatus::found) co_return false;
  auto const text = co_await read_small(loop_, gateway_, marker.file);
  if (!text) co_return tl::unexpected(text.error());
  auto const done = web::tus::parse_done(*text);
  if (!done || done->size.value() < at_) {
    co_return fail(Fault::corrupt, "the file is shorter than what came of it");
  }
  length_ = done->size;
  left_ = done->size.value() - at_;
  if (left_ == 0) co_return true;
  web::FileInfo file;
  file.digest = done->digest;
  file.size = done->size;
  source_ = gateway_.relay(file, ByteOffset{at_}, ByteCount{left_});
  co_return true;
}

}  // namespace chisme::node
