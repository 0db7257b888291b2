#include "node/http/resumable_uploads.hpp"

#include <algorithm>
#include <asio/co_spawn.hpp>
#include <asio/redirect_error.hpp>
#include <asio/steady_timer.hpp>
#include <asio/use_awaitable.hpp>
#include <functional>
#include <random>
#include <utility>

#include "cluster/config.hpp"
#include "node/failpoint.hpp"
#include "node/http/await.hpp"
#include "node/http/internal_files.hpp"
#include "node/keeping.hpp"

namespace chisme::node {
namespace {

constexpr std::size_t uploads_listed_at_once = 1000;
// How long a node waits for news of bytes that a client says were taken by another one: two
// seconds, looking less and less often.
constexpr std::chrono::milliseconds first_news_period{30};
constexpr int news_looks = 6;
constexpr std::chrono::seconds news_time{2};

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

}  // namespace

Error no_such_upload() {
  return {Fault::not_found, "there is no such upload; it was ended, or not gone on with for a day"};
}

Error overtaken() {
  return {Fault::precondition_failed, "another request goes on with the upload"};
}

Error too_many_parts() {
  return {Fault::too_large,
          "the upload came in too many parts; begin it anew, with more bytes in each request"};
}

// ---- What an upload is -------------------------------------------------------------------------

std::optional<ByteCount> ResumableUploads::Upload::length() const {
  return about.length ? about.length : progress.told_length;
}

ByteCount ResumableUploads::Upload::offset() const {
  return progress.done && length() ? *length() : web::tus::covered(progress.parts);
}

bool ResumableUploads::Upload::waits_for_file() const {
  if (progress.done || about.concat == web::tus::Concat::partial) return false;
  return about.concat == web::tus::Concat::final || is_complete();
}

web::tus::Told ResumableUploads::told(Upload const& upload) const {
  bool const is_final = upload.about.concat == web::tus::Concat::final;
  auto const kept = std::chrono::duration_cast<std::chrono::milliseconds>(limits_.kept);
  web::tus::Told told{upload.id, upload.about, upload.length(), upload.offset(),
                      upload.progress.newest + kept};
  if (is_final && !upload.progress.done) told.offset.reset();
  return told;
}

std::vector<web::FileInfo> ResumableUploads::files_with(std::string const& prefix) const {
  std::vector<web::FileInfo> files;
  std::optional<std::string> after{""};
  while (after) {
    web::Listing page = gateway_.list(prefix, *after, uploads_listed_at_once);
    std::ranges::move(page.files, std::back_inserter(files));
    after = std::move(page.next);
  }
  return files;
}

web::tus::Progress ResumableUploads::progress_of(std::string const& id) const {
  return web::tus::progress_of(id, files_with(web::tus::files_prefix(id)));
}

// All nodes are asked for all names at once.
asio::awaitable<Result<ResumableUploads::Files>> ResumableUploads::newest_of(
    std::vector<std::string> names) {
  struct Answers {
    Result<Files> files;
    std::size_t missing;
  };
  auto const answers = std::make_shared<Answers>(Answers{Files(names.size()), names.size()});
  auto start = [&](web::Done<Files> done) {
    for (std::size_t i = 0; i < names.size(); ++i) {
      gateway_.lookup_everywhere(names[i], [answers, i, done](Result<web::Lookup> found) {
        auto file = known_file(std::move(found));
        if (!file) answers->files = tl::unexpected(file.error());
        if (answers->files && file) (*answers->files)[i] = std::move(*file);
        if (--answers->missing == 0) done(std::move(answers->files));
      });
    }
  };
  co_return co_await await_done<Files>(loop_, start);
}

asio::awaitable<Result<ResumableUploads::Upload>> ResumableUploads::find(std::string id) {
  std::vector<std::string> names{web::tus::about_name(id), web::tus::done_name(id),
                                 web::tus::writer_name(id)};
  auto const files = co_await newest_of(std::move(names));
  if (!files) co_return tl::unexpected(files.error());
  auto const& file = (*files)[0];
  if (!file) co_return tl::unexpected(no_such_upload());
  auto const text = co_await read_small(loop_, gateway_, *file);
  if (!text) co_return tl::unexpected(text.error());
  auto about = web::tus::parse_about(*text);
  if (!about) co_return fail(Fault::corrupt, "an upload's description cannot be read");
  Upload upload{id, std::move(*about), file->version, progress_of(id), (*files)[2]};
  upload.progress.done = (*files)[1].has_value();
  co_return upload;
}

// Waits a moment for news of bytes that a client was told are safe: so many, or all, and those
// before the last turn.
asio::awaitable<Result<ResumableUploads::Upload>> ResumableUploads::find_with(
    std::string id, std::optional<ByteCount> bytes) {
  auto upload = co_await find(id);
  if (!upload) co_return upload;
  std::uint64_t const before_turn =
      upload->writer ? web::tus::number_of(*upload->writer).value_or(0) : 0;
  ByteCount const least = std::max(bytes.value_or(ByteCount{}), ByteCount{before_turn});
  asio::steady_timer pause(loop_);
  asio::error_code ignored;
  auto token = asio::redirect_error(asio::use_awaitable, ignored);
  auto period = first_news_period;
  for (int look = 0; !upload->progress.done && look < news_looks; ++look, period *= 2) {
    if (upload->offset() >= least && (bytes || upload->is_complete())) break;
    pause.expires_after(period);
    co_await pause.async_wait(token);
    upload->progress = progress_of(id);
  }
  co_return upload;
}

// ---- What is asked for -------------------------------------------------------------------------

// The parts and the file of them need room at the same time. REQUIRES: its size is known.
asio::awaitable<Result<void>> ResumableUploads::check_room(std::string name,
                                                           web::UploadRequest::PartOf file) {
  ByteCount const length = *file.size;
  auto request = internal_file(std::move(name), std::min(length + length, limits_.max_file_size));
  request.part_of = std::move(file);
  auto const room = co_await begin_upload(loop_, gateway_, std::move(request));
  if (!room) co_return tl::unexpected(room.error());
  co_return Result<void>{};
}

asio::awaitable<Result<ResumableUploads::Upload>> ResumableUploads::create(
    web::tus::Create create) {
  auto const upload = co_await describe(std::move(create));
  if (!upload || !upload->waits_for_file()) co_return upload;
  co_return co_await finish(upload->id);
}

asio::awaitable<Result<ResumableUploads::Upload>> ResumableUploads::describe(
    web::tus::Create create) {
  Upload upload{random_hex(4), web::tus::about(create), {}, {}, {}};
  auto const marker_name = web::tus::live_name(upload.about.name, upload.id);
  if (upload.about.live && marker_name.size() > cluster::name_bytes_max) {
    co_return fail(Fault::invalid, "the name is too long for a file that is read while it comes");
  }
  for (std::string const& id : upload.about.partials) {
    auto const partial = co_await find_with(id, std::nullopt);
    if (!partial) co_return tl::unexpected(partial.error());
    if (partial->about.concat != web::tus::Concat::partial || !partial->is_complete()) {
      co_return fail(Fault::invalid, "the upload " + id + " is not partial, or not complete");
    }
    upload.about.length = upload.about.length.value_or(ByteCount{}) + partial->offset();
  }
  if (upload.about.length && *upload.about.length > limits_.max_file_size) {
    co_return fail(Fault::too_large, "the file is larger than this cluster takes");
  }
  auto request = internal_file(web::tus::about_name(upload.id), {});
  request.newer_than = upload.about.name;
  if (upload.about.length) {
    web::UploadRequest::PartOf file{upload.about.name, ByteCount{}, *upload.about.length};
    auto const room = co_await check_room(request.name, std::move(file));
    if (!room) co_return tl::unexpected(room.error());
  }
  auto const put =
      co_await put_small(loop_, gateway_, std::move(request), web::tus::to_json(upload.about));
  if (!put) co_return tl::unexpected(put.error());
  FAILPOINT("resumable.created");
  if (upload.about.live) {
    auto marker = internal_file(marker_name, {});
    auto const shown = co_await put_small(loop_, gateway_, std::move(marker), "");
    if (!shown) co_return tl::unexpected(shown.error());
  }
  co_return upload;
}

std::optional<web::Reply> ResumableUploads::refusal(web::tus::Patch const& patch,
                                                    Upload const& upload) const {
  if (upload.about.concat == web::tus::Concat::final) return web::tus::is_final();
  std::uint64_t const at = upload.offset().value();
  if (at != patch.offset.value()) {
    return web::tus::failed({Fault::precondition_failed,
                             "The upload has " + std::to_string(at) + " bytes; go on from there"});
  }
  bool const brings_bytes = patch.body_size != ByteCount{0};
  if (brings_bytes && upload.progress.parts.size() >= limits_.parts_max) {
    return web::tus::failed(too_many_parts());
  }
  auto const length = upload.length();
  if (length && patch.length && *length != *patch.length) {
    return web::tus::failed({Fault::invalid, "the upload's length is known, and another one"});
  }
  std::uint64_t const end = length.value_or(patch.length.value_or(limits_.max_file_size)).value();
  if (at <= end && patch.body_size.value_or(ByteCount{}).value() <= end - at) return std::nullopt;
  return web::tus::failed(
      {Fault::too_large, "these are more bytes than the upload's length allows"});
}

// From here on the requests before this one are over: none of them is told that bytes are safe.
// What was safe before the turn changed must be known, or this one would write it again: who was
// told so had stored a part at its offset.
asio::awaitable<Result<std::string>> ResumableUploads::take_turn(Upload upload, ByteOffset at) {
  auto const& before = upload.writer;
  if (before && web::tus::number_of(*before).value_or(0) > at.value()) {
    co_return tl::unexpected(overtaken());
  }
  auto request = internal_file(web::tus::writer_name(upload.id), {});
  request.type = web::tus::number_type(at.value());
  auto const turn = co_await put_small(loop_, gateway_, std::move(request), "");
  FAILPOINT("resumable.turn_taken");
  if (!turn) co_return tl::unexpected(turn.error());
  if (!before) co_return turn->version;
  std::vector<std::string> names{web::tus::part_name(upload.id, at, before->version)};
  auto const part = co_await newest_of(std::move(names));
  if (!part) co_return tl::unexpected(part.error());
  if (part->front()) co_return tl::unexpected(overtaken());
  co_return turn->version;
}

// The first word counts.
asio::awaitable<Result<void>> ResumableUploads::tell_length(Upload upload, ByteCount length) {
  std::string const name = web::tus::length_name(upload.id);
  std::vector<std::string> names{name};
  auto const told = co_await newest_of(std::move(names));
  if (!told) co_return tl::unexpected(told.error());
  if (told->front()) {
    if (web::tus::number_of(*told->front()) == length.value()) co_return Result<void>{};
    co_return fail(Fault::invalid, "the upload's length is known, and another one");
  }
  auto request = internal_file(name, {});
  request.type = web::tus::number_type(length.value());
  request.newer_than = upload.about.name;
  auto const put = co_await put_small(loop_, gateway_, std::move(request), "");
  if (!put) co_return tl::unexpected(put.error());
  co_return Result<void>{};
}

asio::awaitable<tl::expected<std::shared_ptr<ResumableUploads::Writer>, web::Reply>>
ResumableUploads::begin(web::tus::Patch patch) {
  auto upload = co_await find_with(patch.id, ByteCount{patch.offset.value()});
  if (!upload) co_return tl::unexpected(web::tus::failed(upload.error()));
  if (auto refused = refusal(patch, *upload)) co_return tl::unexpected(std::move(*refused));
  std::string turn;
  if (patch.body_size != ByteCount{0}) {
    auto const taken = co_await take_turn(*upload, patch.offset);
    if (!taken) co_return tl::unexpected(web::tus::failed(taken.error()));
    turn = *taken;
  }
  if (patch.length && !upload->length()) {
    auto const told = co_await tell_length(*upload, *patch.length);
    if (!told) co_return tl::unexpected(web::tus::failed(told.error()));
    upload->progress.told_length = patch.length;
  }
  co_return std::make_shared<Writer>(shared_from_this(), std::move(*upload), patch, turn);
}

asio::awaitable<Result<std::shared_ptr<ResumableUploads::Writer>>> ResumableUploads::begin_live(
    web::UploadRequest request) {
  web::tus::Create create;
  create.name = request.name;
  create.type = request.type;
  create.length = request.size;
  create.live = true;
  create.ttl = request.ttl;
  auto const upload = co_await describe(std::move(create));
  if (!upload) co_return tl::unexpected(upload.error());
  auto const turn = co_await take_turn(*upload, ByteOffset{0});
  if (!turn) co_return tl::unexpected(turn.error());
  co_return std::make_shared<Writer>(shared_from_this(), *upload, web::tus::Patch{}, *turn);
}

asio::awaitable<Result<void>> ResumableUploads::terminate(std::string id) {
  std::string const name = web::tus::about_name(id);
  std::vector<std::string> asked{name};
  auto const about = co_await newest_of(std::move(asked));
  if (!about) co_return tl::unexpected(about.error());
  auto const file = about->front();
  if (!file) co_return tl::unexpected(no_such_upload());
  auto const text = co_await read_small(loop_, gateway_, *file);
  auto const told = text ? web::tus::parse_about(*text) : std::nullopt;
  auto start = [&](web::Done<web::RemovedFile> done) {
    gateway_.remove(name, {}, std::move(done));
  };
  auto const removed = co_await await_done<web::RemovedFile>(loop_, start);
  if (!removed) co_return tl::unexpected(removed.error());
  if (told && told->live) forget({web::tus::live_name(told->name, id)});
  asio::co_spawn(loop_, remove_rest(id), keeping(shared_from_this()));
  co_return Result<void>{};
}

// All that is left of an upload that is over; once more when this node has heard of parts that were
// stored elsewhere just before.
asio::awaitable<void> ResumableUploads::remove_rest(std::string id) {
  asio::steady_timer pause(loop_);
  asio::error_code ignored;
  auto token = asio::redirect_error(asio::use_awaitable, ignored);
  for (auto const after : {Clock::duration{}, Clock::duration{news_time}}) {
    pause.expires_after(after);
    co_await pause.async_wait(token);
    std::vector<std::string> names;
    for (web::FileInfo const& rest : files_with(web::tus::files_prefix(id))) {
      names.push_back(rest.name);
    }
    co_await remove_all(std::move(names));
  }
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

// ---- Uploads that nobody goes on with ----------------------------------------------------------

// All uploads, each with the time since which it has been as it is.
std::map<std::string, ResumableUploads::Seen> ResumableUploads::survey(
    Clock::time_point now) const {
  std::string const root = web::tus::uploads_prefix();
  std::map<std::string, Seen> uploads;
  for (web::FileInfo const& file : files_with(root)) {
    std::size_t const end = file.name.find('/', root.size());
    Seen& seen = uploads[file.name.substr(root.size(), end - root.size())];
    seen.mark ^= std::hash<std::string>{}(file.version);
    seen.names.push_back(file.name);
  }
  // A live upload's second name goes with it; what is left of one goes alone.
  for (web::FileInfo const& marker : files_with(web::tus::live_prefix(""))) {
    Seen& seen = uploads[marker.name.substr(marker.name.rfind('/') + 1)];
    seen.mark ^= std::hash<std::string>{}(marker.version);
    seen.names.push_back(marker.name);
  }
  for (auto& [id, seen] : uploads) {
    auto const before = seen_.find(id);
    bool const same = before != seen_.end() && before->second.mark == seen.mark;
    seen.since = same ? before->second.since : now;
  }
  return uploads;
}

asio::awaitable<void> ResumableUploads::collect(Clock::time_point now, Clock::duration later) {
  seen_ = survey(now);
  auto const uploads = seen_;
  for (auto const& [id, upload] : uploads) {
    if (now - upload.since < limits_.kept + later) continue;
    // This node may have missed that somebody goes on with it.
    std::vector<std::string> names{web::tus::writer_name(id)};
    auto const writer = co_await newest_of(std::move(names));
    auto const after = survey(now);
    auto const found = after.find(id);
    bool const same = found != after.end() && found->second.since == upload.since;
    if (writer && same) co_await remove_all(upload.names);
  }
}

}  // namespace chisme::node
