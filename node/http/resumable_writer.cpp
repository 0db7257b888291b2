#include <algorithm>
#include <utility>

#include "node/clock.hpp"
#include "node/failpoint.hpp"
#include "node/http/await.hpp"
#include "node/http/internal_files.hpp"
#include "node/http/resumable_uploads.hpp"

// The bytes of one request.
namespace chisme::node {

ResumableUploads::Writer::Writer(std::shared_ptr<ResumableUploads> uploads, Upload upload,
                                 web::tus::Patch const& patch, std::string turn)
    : uploads_(std::move(uploads)),
      upload_(std::move(upload)),
      turn_(std::move(turn)),
      at_(patch.offset.value()),
      end_(upload_.length().value_or(uploads_->limits_.max_file_size).value()),
      expected_(patch.checksum),
      parts_(upload_.progress.parts.size()) {
  if (patch.body_size) body_left_ = patch.body_size->value();
  if (expected_) sum_.emplace(expected_->algorithm);
}

web::tus::Told ResumableUploads::Writer::told() const {
  auto told = uploads_->told(upload_);
  told.offset = ByteCount{at_};
  told.expires =
      wall_now() + std::chrono::duration_cast<std::chrono::milliseconds>(uploads_->limits_.kept);
  return told;
}

asio::awaitable<Result<void>> ResumableUploads::Writer::begin_part() {
  if (is_overtaken()) co_return tl::unexpected(overtaken());
  if (parts_ >= uploads_->limits_.parts_max) co_return tl::unexpected(too_many_parts());
  auto request = internal_file(web::tus::part_name(upload_.id, ByteOffset{at_}, turn_), {});
  if (body_left_ && !upload_.about.live) {
    std::uint64_t const room = std::min(end_ - at_, *body_left_);
    request.size = ByteCount{expected_ ? room : std::min(room, part_bytes_max)};
  }
  request.newer_than = upload_.about.name;
  auto begun = co_await begin_upload(uploads_->loop_, uploads_->gateway_, std::move(request));
  if (!begun) co_return tl::unexpected(begun.error());
  part_ = std::move(*begun);
  part_bytes_ = 0;
  part_begun_ = Clock::now();
  co_return Result<void>{};
}

// As far as this node knows: a later request has its turn, or somebody stored what this one has.
// (If the request before did, it was not told that this is safe.)
bool ResumableUploads::Writer::is_overtaken() const {
  web::Gateway& gateway = uploads_->gateway_;
  web::Lookup const writer = gateway.lookup(web::tus::writer_name(upload_.id));
  if (writer.status == web::LookupStatus::found && writer.file.version > turn_) return true;
  ByteOffset const begin{at_ - part_bytes_};
  web::Listing const next = gateway.list(web::tus::parts_prefix(upload_.id),
                                         web::tus::part_name(upload_.id, begin, ""), 2);
  std::string const before = upload_.writer ? upload_.writer->version : "";
  auto const parts = web::tus::progress_of(upload_.id, next.files).parts;
  return std::ranges::any_of(parts, [&](web::tus::Part const& part) {
    return part.offset < ByteOffset{at_} && part.writer != before;
  });
}

// Only who finds after storing the part that it is still its turn may call the bytes safe: a
// request that takes its turn later finds the part.
asio::awaitable<Result<void>> ResumableUploads::Writer::settle() {
  auto const part = std::exchange(part_, nullptr);
  if (is_overtaken()) co_return tl::unexpected(overtaken());
  auto finish = [&](web::Done<web::StoredFile> done) { part->finish(std::move(done)); };
  auto const stored = co_await await_done<web::StoredFile>(uploads_->loop_, finish);
  FAILPOINT("resumable.part_stored");
  if (!stored) co_return tl::unexpected(stored.error());
  ++parts_;
  part_bytes_ = 0;
  std::vector<std::string> names{web::tus::writer_name(upload_.id),
                                 web::tus::about_name(upload_.id)};
  auto const files = co_await uploads_->newest_of(std::move(names));
  if (!files) co_return tl::unexpected(files.error());
  auto const& writer = (*files)[0];
  if (!(*files)[1]) co_return tl::unexpected(no_such_upload());
  if (writer && writer->version == turn_) co_return Result<void>{};
  // Its bytes count all the same, and the other request may find that they are all.
  if (is_complete()) uploads_->see_to_file(upload_.id);
  co_return tl::unexpected(overtaken());
}

asio::awaitable<Result<void>> ResumableUploads::Writer::write(std::span<std::byte const> bytes) {
  bool const is_over = bytes.size() > end_ - at_;
  if (is_over) bytes = bytes.first(end_ - at_);
  while (!bytes.empty()) {
    if (!part_) {
      auto const begun = co_await begin_part();
      if (!begun) co_return begun;
    }
    std::uint64_t const room = expected_ ? bytes.size() : part_bytes_max - part_bytes_;
    auto const now = bytes.first(std::min<std::uint64_t>(room, bytes.size()));
    auto write = [&](web::Done<void> done) { part_->write(now, std::move(done)); };
    auto const written = co_await await_done<void>(uploads_->loop_, write);
    if (!written) co_return written;
    if (sum_) sum_->update(now);
    at_ += now.size();
    part_bytes_ += now.size();
    if (body_left_) *body_left_ -= std::min<std::uint64_t>(*body_left_, now.size());
    bytes = bytes.subspan(now.size());
    bool const is_old = Clock::now() - part_begun_ >= patience();
    if (expected_ || (part_bytes_ < part_bytes_max && !is_old)) continue;
    auto const settled = co_await settle();
    if (!settled) co_return settled;
  }
  if (is_over) co_return fail(Fault::too_large, "these are more bytes than the upload's length");
  co_return Result<void>{};
}

asio::awaitable<Result<void>> ResumableUploads::Writer::finish(bool whole) {
  bool const is_right = !expected_ || (whole && sum_->finish() == expected_->digest);
  if (!is_right) {
    part_.reset();
    co_return fail(Fault::digest_mismatch,
                   "the bytes have not the announced checksum; none of them was kept");
  }
  if (!part_) co_return Result<void>{};
  co_return co_await settle();
}

}  // namespace chisme::node
