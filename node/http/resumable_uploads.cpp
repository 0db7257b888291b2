#include "node/http/resumable_uploads.hpp"

#include <algorithm>
#include <asio/co_spawn.hpp>
#include <asio/redirect_error.hpp>
#include <asio/steady_timer.hpp>
#include <asio/use_awaitable.hpp>
#include <map>
#include <random>
#include <utility>

#include "node/failpoint.hpp"
#include "node/http/await.hpp"
#include "node/keeping.hpp"

namespace chisme::node {
namespace {

constexpr std::size_t listed_at_once = 1000;
// An upload's description: its metadata, and at most `concatenated_max` ids.
constexpr std::uint64_t about_bytes_max = 256u << 10;
constexpr std::size_t copy_bytes = 256u << 10;
// How long a node waits for news of bytes that a client says were taken by another one.
constexpr std::chrono::milliseconds news_period{100};
constexpr int news_looks = 20;

std::string random_hex(int words) {
  constexpr std::string_view digits = "0123456789abcdef";
  std::random_device device;
  std::string text;
  for (int i = 0; i < words; ++i) {
    std::uint32_t word = device();
    for (int j = 0; j < 8; ++j, word >>= 4) text.push_back(digits[word & 15]);
  }
  return text;
}

web::UploadRequest internal_file(std::string name, std::optional<ByteCount> size) {
  return {std::move(name), "application/octet-stream", size, std::nullopt, {}};
}

Error no_such_upload() {
  return {Fault::not_found, "there is no such upload; it was ended, or not gone on with for a day"};
}

}  // namespace

asio::awaitable<Result<std::string>> read_small(asio::io_context& loop, web::Gateway& gateway,
                                                web::FileInfo file) {
  std::string bytes(std::min(file.size.value(), about_bytes_max), '\0');
  std::shared_ptr<web::RemoteRead> const source =
      gateway.relay(file, ByteOffset{0}, ByteCount{bytes.size()});
  std::size_t filled = 0;
  while (filled < bytes.size()) {
    auto const into = std::as_writable_bytes(std::span{bytes}).subspan(filled);
    auto read = [&](web::Done<std::size_t> done) { source->read(into, std::move(done)); };
    auto const count = co_await await_done<std::size_t>(loop, read);
    if (!count) co_return tl::unexpected(count.error());
    if (*count == 0) co_return fail(Fault::corrupt, "an upload's description is cut short");
    filled += *count;
  }
  co_return bytes;
}

// ---- What an upload is -------------------------------------------------------------------------

std::optional<ByteCount> ResumableUploads::Upload::length() const {
  return about.length ? about.length : progress.told_length;
}

ByteCount ResumableUploads::Upload::offset() const {
  return progress.done && length() ? *length() : web::tus::covered(progress.parts);
}

web::tus::Told ResumableUploads::Upload::told() const {
  bool const is_final = about.concat == web::tus::Concat::final;
  web::tus::Told told{id, about, length(), offset(), progress.newest};
  if (is_final && !progress.done) told.offset.reset();
  return told;
}

std::vector<web::FileInfo> ResumableUploads::files_with(std::string const& prefix) const {
  std::vector<web::FileInfo> files;
  std::optional<std::string> after{""};
  while (after) {
    web::Listing page = gateway_.list(prefix, *after, listed_at_once);
    std::ranges::move(page.files, std::back_inserter(files));
    after = std::move(page.next);
  }
  return files;
}

web::tus::Progress ResumableUploads::progress_of(std::string const& id) const {
  return web::tus::progress_of(id, files_with(web::tus::files_prefix(id)));
}

asio::awaitable<ResumableUploads::File> ResumableUploads::find_file(std::string name) {
  Result<web::Lookup> found = gateway_.lookup(name);
  if (found->status != web::LookupStatus::found) {
    auto start = [this, &name](web::Done<web::Lookup> done) {
      gateway_.lookup_everywhere(name, std::move(done));
    };
    found = co_await await_done<web::Lookup>(loop_, start);
  }
  if (!found) co_return tl::unexpected(found.error());
  switch (found->status) {
    case web::LookupStatus::found:
      co_return found->file;
    case web::LookupStatus::absent:
      co_return tl::unexpected(no_such_upload());
    case web::LookupStatus::lost:
      co_return fail(Fault::lost, "no copy of this upload's description is left");
    case web::LookupStatus::out_of_touch:
      break;
  }
  co_return fail(Fault::unavailable, "this node is out of touch with most of its cluster");
}

asio::awaitable<Result<void>> ResumableUploads::put_small(std::string name, std::string bytes) {
  auto request = internal_file(std::move(name), ByteCount{bytes.size()});
  auto const upload = co_await begin_upload(loop_, gateway_, std::move(request));
  if (!upload) co_return tl::unexpected(upload.error());
  auto write = [&](web::Done<void> done) {
    (*upload)->write(std::as_bytes(std::span{bytes}), std::move(done));
  };
  auto const written = co_await await_done<void>(loop_, write);
  if (!written) co_return written;
  auto finish = [&](web::Done<web::StoredFile> done) { (*upload)->finish(std::move(done)); };
  auto const stored = co_await await_done<web::StoredFile>(loop_, finish);
  if (!stored) co_return tl::unexpected(stored.error());
  co_return Result<void>{};
}

asio::awaitable<Result<ResumableUploads::Upload>> ResumableUploads::find(std::string id) {
  auto const file = co_await find_file(web::tus::about_name(id));
  if (!file) co_return tl::unexpected(file.error());
  auto const text = co_await read_small(loop_, gateway_, *file);
  if (!text) co_return tl::unexpected(text.error());
  auto about = web::tus::parse_about(*text);
  if (!about) co_return fail(Fault::corrupt, "an upload's description cannot be read");
  co_return Upload{id, std::move(*about), progress_of(id)};
}

// Waits a moment for news of bytes that the client was told are safe: so many, or all.
asio::awaitable<Result<ResumableUploads::Upload>> ResumableUploads::find_with(
    std::string id, std::optional<ByteCount> bytes) {
  auto upload = co_await find(id);
  asio::steady_timer pause(loop_);
  asio::error_code ignored;
  auto token = asio::redirect_error(asio::use_awaitable, ignored);
  for (int look = 0; upload && look < news_looks; ++look) {
    bool const has_them = bytes ? upload->offset() >= *bytes : upload->is_complete();
    if (has_them) break;
    pause.expires_after(news_period);
    co_await pause.async_wait(token);
    upload->progress = progress_of(id);
  }
  co_return upload;
}

// ---- What is asked for -------------------------------------------------------------------------

asio::awaitable<Result<ResumableUploads::Upload>> ResumableUploads::create(
    web::tus::Create create) {
  auto const made = co_await make(std::move(create));
  if (!made) co_return made;
  co_return co_await ask(made->id);
}

asio::awaitable<Result<ResumableUploads::Upload>> ResumableUploads::make(web::tus::Create create) {
  Upload upload{random_hex(4), web::tus::about(create), {}};
  for (std::string const& id : upload.about.partials) {
    auto const partial = co_await find_with(id, std::nullopt);
    if (!partial) co_return tl::unexpected(partial.error());
    if (partial->about.concat != web::tus::Concat::partial || !partial->is_complete()) {
      co_return fail(Fault::invalid, "the upload " + id + " is not partial, or not complete");
    }
    upload.about.length = upload.about.length.value_or(ByteCount{}) + partial->offset();
  }
  if (upload.about.length && *upload.about.length > max_file_size_) {
    co_return fail(Fault::too_large, "the file is larger than this cluster takes");
  }
  auto const put =
      co_await put_small(web::tus::about_name(upload.id), web::tus::to_json(upload.about));
  if (!put) co_return tl::unexpected(put.error());
  FAILPOINT("resumable.created");
  if (upload.about.live) {
    auto const shown = co_await put_small(web::tus::live_name(upload.about.name, upload.id), "");
    if (!shown) co_return tl::unexpected(shown.error());
  }
  co_return upload;
}

asio::awaitable<Result<ResumableUploads::Upload>> ResumableUploads::ask(std::string id) {
  auto upload = co_await find(id);
  if (!upload) co_return upload;
  bool const is_final = upload->about.concat == web::tus::Concat::final;
  bool const waits =
      is_final || (upload->is_complete() && upload->about.concat == web::tus::Concat::none);
  if (!waits || upload->progress.done) co_return upload;
  co_return co_await assembled(std::move(*upload));
}

std::optional<web::Reply> ResumableUploads::refusal(web::tus::Patch const& patch,
                                                    Upload const& upload) const {
  if (upload.about.concat == web::tus::Concat::final) return web::tus::is_final();
  std::uint64_t const at = upload.offset().value();
  if (at != patch.offset.value()) {
    return web::tus::failed({Fault::precondition_failed,
                             "The upload has " + std::to_string(at) + " bytes; go on from there"});
  }
  auto const length = upload.length();
  if (length && patch.length && *length != *patch.length) {
    return web::tus::failed({Fault::invalid, "the upload's length is known, and another one"});
  }
  std::uint64_t const end = length.value_or(patch.length.value_or(max_file_size_)).value();
  if (at <= end && patch.body_size.value_or(ByteCount{}).value() <= end - at) return std::nullopt;
  return web::tus::failed(
      {Fault::too_large, "these are more bytes than the upload's length allows"});
}

asio::awaitable<tl::expected<std::shared_ptr<ResumableUploads::Writer>, web::Reply>>
ResumableUploads::begin(web::tus::Patch patch) {
  auto const upload = co_await find_with(patch.id, ByteCount{patch.offset.value()});
  if (!upload) co_return tl::unexpected(web::tus::failed(upload.error()));
  if (auto refused = refusal(patch, *upload)) co_return tl::unexpected(std::move(*refused));
  if (patch.length && !upload->length()) {
    auto const told = co_await put_small(web::tus::length_name(patch.id, *patch.length), "");
    if (!told) co_return tl::unexpected(web::tus::failed(told.error()));
  }
  auto const length = upload->length() ? upload->length() : patch.length;
  co_return std::make_shared<Writer>(shared_from_this(), patch, length, upload->about.live);
}

asio::awaitable<Result<std::shared_ptr<ResumableUploads::Writer>>> ResumableUploads::begin_live(
    web::UploadRequest request) {
  web::tus::Create create;
  create.name = request.name;
  create.type = request.type;
  create.length = request.size;
  create.live = true;
  auto const upload = co_await make(std::move(create));
  if (!upload) co_return tl::unexpected(upload.error());
  web::tus::Patch patch;
  patch.id = upload->id;
  co_return std::make_shared<Writer>(shared_from_this(), patch, request.size, true);
}

asio::awaitable<Result<web::StoredFile>> ResumableUploads::store_live(std::string id,
                                                                      web::UploadRequest request) {
  auto const upload = co_await find(id);
  if (!upload) co_return tl::unexpected(upload.error());
  request.size = upload->offset();
  co_return co_await store(*upload, std::move(request));
}

asio::awaitable<Result<void>> ResumableUploads::terminate(std::string id) {
  std::string const name = web::tus::about_name(id);
  auto const file = co_await find_file(name);
  if (!file) co_return tl::unexpected(file.error());
  auto const text = co_await read_small(loop_, gateway_, *file);
  auto const about = text ? web::tus::parse_about(*text) : std::nullopt;
  auto start = [&](web::Done<web::RemovedFile> done) {
    gateway_.remove(name, {}, std::move(done));
  };
  auto const removed = co_await await_done<web::RemovedFile>(loop_, start);
  if (!removed) co_return tl::unexpected(removed.error());
  std::vector<std::string> names;
  if (about && about->live) names.push_back(web::tus::live_name(about->name, id));
  for (web::FileInfo const& rest : files_with(web::tus::files_prefix(id))) {
    names.push_back(rest.name);
  }
  forget(std::move(names));
  co_return Result<void>{};
}

// ---- The file ----------------------------------------------------------------------------------

asio::awaitable<Result<std::vector<web::tus::Piece>>> ResumableUploads::pieces_of(Upload upload) {
  if (upload.about.concat != web::tus::Concat::final) {
    co_return web::tus::pieces(upload.progress.parts);
  }
  std::vector<web::tus::Piece> all;
  for (std::string const& id : upload.about.partials) {
    auto const partial = co_await find(id);
    if (!partial) co_return tl::unexpected(partial.error());
    std::ranges::move(web::tus::pieces(partial->progress.parts), std::back_inserter(all));
  }
  co_return all;
}

asio::awaitable<Result<void>> ResumableUploads::copy(web::tus::Piece piece,
                                                     std::shared_ptr<web::Upload> into) {
  std::vector<std::byte> buffer(std::min<std::uint64_t>(copy_bytes, piece.size.value()));
  std::shared_ptr<web::RemoteRead> const source =
      gateway_.relay(piece.file, piece.from, piece.size);
  for (std::uint64_t left = piece.size.value(); left > 0;) {
    std::span<std::byte> const room{buffer};
    auto read = [&](web::Done<std::size_t> done) { source->read(room, std::move(done)); };
    auto const count = co_await await_done<std::size_t>(loop_, read);
    if (!count) co_return tl::unexpected(count.error());
    if (*count == 0) co_return fail(Fault::corrupt, "a part of an upload is cut short");
    std::span<std::byte const> const bytes = room.first(*count);
    auto write = [&](web::Done<void> done) { into->write(bytes, std::move(done)); };
    auto const written = co_await await_done<void>(loop_, write);
    if (!written) co_return written;
    left -= *count;
  }
  co_return Result<void>{};
}

asio::awaitable<Result<ResumableUploads::Upload>> ResumableUploads::assembled(Upload upload) {
  web::UploadRequest request{upload.about.name, upload.about.type, upload.length(), {}, {}};
  auto const stored = co_await store(upload, std::move(request));
  if (!stored) co_return tl::unexpected(stored.error());
  upload.progress = progress_of(upload.id);
  upload.progress.done = true;
  co_return upload;
}

asio::awaitable<Result<web::StoredFile>> ResumableUploads::store(Upload upload,
                                                                 web::UploadRequest request) {
  auto const pieces = co_await pieces_of(upload);
  if (!pieces) co_return tl::unexpected(pieces.error());
  auto const into = co_await begin_upload(loop_, gateway_, std::move(request));
  if (!into) co_return tl::unexpected(into.error());
  for (web::tus::Piece const& piece : *pieces) {
    auto const copied = co_await copy(piece, *into);
    if (!copied) co_return tl::unexpected(copied.error());
  }
  FAILPOINT("resumable.assembled");
  auto finish = [&](web::Done<web::StoredFile> done) { (*into)->finish(std::move(done)); };
  auto const stored = co_await await_done<web::StoredFile>(loop_, finish);
  if (!stored) co_return stored;
  FAILPOINT("resumable.stored");
  web::tus::Done const done{stored->digest, stored->size};
  auto const marked = co_await put_small(web::tus::done_name(upload.id), web::tus::to_text(done));
  if (!marked) co_return tl::unexpected(marked.error());
  FAILPOINT("resumable.done");
  std::vector<std::string> names;
  if (upload.about.live) names.push_back(web::tus::live_name(upload.about.name, upload.id));
  for (web::tus::Part const& part : upload.progress.parts) names.push_back(part.file.name);
  forget(std::move(names));
  co_return stored;
}

void ResumableUploads::forget(std::vector<std::string> names) {
  asio::co_spawn(loop_, remove_all(std::move(names)), keeping(shared_from_this()));
}

// What is not removed now is collected a day later.
asio::awaitable<void> ResumableUploads::remove_all(std::vector<std::string> names) {
  for (std::string const& name : names) {
    auto start = [&](web::Done<web::RemovedFile> done) {
      gateway_.remove(name, {}, std::move(done));
    };
    (void)co_await await_done<web::RemovedFile>(loop_, start);
  }
}

asio::awaitable<void> ResumableUploads::collect(WallTime before) {
  std::string const prefix = web::tus::files_prefix("");
  std::string const root = prefix.substr(0, prefix.size() - 1);
  std::map<std::string, std::pair<WallTime, std::vector<std::string>>> uploads;
  for (web::FileInfo const& file : files_with(root)) {
    auto& [newest, names] = uploads[file.name.substr(0, file.name.find('/', root.size()))];
    newest = std::max(newest, file.modified);
    names.push_back(file.name);
  }
  std::vector<std::string> stale;
  for (auto const& [upload, files] : uploads) {
    if (files.first < before) std::ranges::copy(files.second, std::back_inserter(stale));
  }
  // A live upload's second name goes after the upload itself.
  for (web::FileInfo const& marker : files_with(web::tus::live_prefix(""))) {
    std::string const id = marker.name.substr(marker.name.rfind('/') + 1);
    bool const is_left = !uploads.contains(root + id);
    if (is_left && marker.modified < before) stale.push_back(marker.name);
  }
  co_await remove_all(std::move(stale));
}

// ---- Writer ------------------------------------------------------------------------------------

ResumableUploads::Writer::Writer(std::shared_ptr<ResumableUploads> uploads,
                                 web::tus::Patch const& patch, std::optional<ByteCount> length,
                                 bool live)
    : uploads_(std::move(uploads)),
      id_(patch.id),
      at_(patch.offset.value()),
      end_(length.value_or(uploads_->max_file_size_).value()),
      live_(live),
      expected_(patch.checksum) {
  if (expected_) sum_.emplace(expected_->algorithm);
}

asio::awaitable<Result<void>> ResumableUploads::Writer::begin_part() {
  web::Lookup const done = uploads_->gateway_.lookup(web::tus::done_name(id_));
  bool const overtaken = !is_first_ && done.status == web::LookupStatus::found;
  if (overtaken) co_return fail(Fault::precondition_failed, "another request ended the upload");
  is_first_ = false;
  auto request = internal_file(web::tus::part_name(id_, ByteOffset{at_}, random_hex(1)), {});
  auto begun = co_await begin_upload(uploads_->loop_, uploads_->gateway_, std::move(request));
  if (!begun) co_return tl::unexpected(begun.error());
  part_ = std::move(*begun);
  part_bytes_ = 0;
  part_begun_ = std::chrono::steady_clock::now();
  co_return Result<void>{};
}

asio::awaitable<Result<void>> ResumableUploads::Writer::end_part() {
  auto const part = std::exchange(part_, nullptr);
  auto finish = [&](web::Done<web::StoredFile> done) { part->finish(std::move(done)); };
  auto const stored = co_await await_done<web::StoredFile>(uploads_->loop_, finish);
  FAILPOINT("resumable.part_stored");
  if (!stored) co_return tl::unexpected(stored.error());
  co_return Result<void>{};
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
    bytes = bytes.subspan(now.size());
    bool const is_old =
        std::chrono::steady_clock::now() - part_begun_ >= (live_ ? live_part_time : part_time);
    if (expected_ || (part_bytes_ < part_bytes_max && !is_old)) continue;
    auto const ended = co_await end_part();
    if (!ended) co_return ended;
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
  co_return co_await end_part();
}

}  // namespace chisme::node
