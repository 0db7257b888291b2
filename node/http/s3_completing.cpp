#include <asio/redirect_error.hpp>
#include <asio/steady_timer.hpp>
#include <asio/use_awaitable.hpp>
#include <chrono>
#include <span>
#include <utility>

#include "node/http/await.hpp"
#include "node/http/internal_files.hpp"
#include "node/http/s3_store.hpp"
#include "web/s3/handlers.hpp"
#include "web/s3/hash.hpp"
#include "web/s3/replies.hpp"

// How the parts of a multipart upload become an object.
namespace chisme::node {
namespace {

constexpr std::chrono::milliseconds turn_look_period{100};
// Who finds that another node has just taken a turn looks at it.
constexpr int turn_looks = 3;

std::string bytes_of_digits(std::string_view hex) {
  std::string bytes;
  for (std::size_t i = 0; i + 1 < hex.size(); i += 2) {
    auto const value = [](char c) { return c <= '9' ? c - '0' : c - 'a' + 10; };
    bytes += static_cast<char>(value(hex[i]) << 4 | value(hex[i + 1]));
  }
  return bytes;
}

// The MD5 of the parts' MD5s, and how many they are: what S3's clients expect of such an object.
std::string etag_of_parts(std::vector<web::s3::NamedPart> const& parts) {
  Checksum sum("md5");
  for (web::s3::NamedPart const& part : parts) {
    std::string const bytes = bytes_of_digits(part.etag);
    sum.update(std::as_bytes(std::span{bytes}));
  }
  return web::s3::hex(sum.finish()) + "-" + std::to_string(parts.size());
}

web::Reply invalid_part() {
  return web::s3::error(400, "InvalidPart",
                        "One or more of the specified parts could not be found. The part may not "
                        "have been uploaded, or its ETag is another one.");
}

}  // namespace

// Of a part that was acknowledged this node may not have heard yet.
asio::awaitable<S3Store::Files> S3Store::parts_of(std::string id,
                                                  std::vector<web::s3::NamedPart> parts) {
  std::vector<web::FileInfo> files;
  for (web::s3::NamedPart const& part : parts) {
    std::string const name = web::s3::part_name(id, part.number);
    web::Lookup here = gateway_.lookup(name);
    bool const is_here =
        here.status == web::LookupStatus::found && web::s3::etag_of(here.file) == part.etag;
    if (is_here) {
      files.push_back(std::move(here.file));
      continue;
    }
    auto file = co_await find_everywhere(name);
    if (!file) co_return tl::unexpected(web::s3::failed(file.error()));
    if (!*file || web::s3::etag_of(**file) != part.etag) co_return tl::unexpected(invalid_part());
    files.push_back(std::move(**file));
  }
  co_return files;
}

asio::awaitable<std::unique_ptr<Assemblies::Turn>> S3Store::turn_to_assemble(std::string id) {
  asio::steady_timer pause(loop_);
  asio::error_code ignored;
  auto token = asio::redirect_error(asio::use_awaitable, ignored);
  auto turn = assemblies_->begin(id);
  while (!turn) {
    pause.expires_after(turn_look_period);
    co_await pause.async_wait(token);
    turn = assemblies_->begin(id);
  }
  co_return turn;
}

asio::awaitable<Result<void>> S3Store::assemble(Completing it, std::string version,
                                                web::Condition condition) {
  web::UploadRequest request{it.place.name, it.about.type, ByteCount{}, std::nullopt, {}};
  for (web::FileInfo const& part : it.parts) *request.size += part.size;
  it.about.attributes.etag = it.etag;
  request.type = web::s3::kept_type(it.about.type, it.about.attributes).value_or(it.about.type);
  request.version = std::move(version);
  request.condition = std::move(condition);
  auto const into = co_await begin_upload(loop_, gateway_, std::move(request));
  if (!into) co_return tl::unexpected(into.error());
  for (web::FileInfo const& part : it.parts) {
    auto const copied = co_await copy(part, *into, nullptr);
    if (!copied) co_return copied;
  }
  auto finish = [&](web::Done<web::StoredFile> done) { (*into)->finish(std::move(done)); };
  auto const stored = co_await await_done<web::StoredFile>(loop_, finish);
  if (!stored) co_return tl::unexpected(stored.error());
  co_return Result<void>{};
}

asio::awaitable<std::optional<web::Reply>> S3Store::completed_before(web::s3::Place place,
                                                                     std::string id) {
  auto const mark = co_await find(web::s3::completed_name(id));
  if (!mark) co_return web::s3::failed(mark.error());
  if (!*mark) co_return std::nullopt;
  auto const text = co_await read_small(loop_, gateway_, **mark);
  if (!text) co_return web::s3::failed(text.error());
  auto const about = web::s3::parse_upload(*text);
  bool const is_of_place = about && about->bucket == place.bucket && about->key == place.key;
  if (!is_of_place) co_return web::s3::no_such_upload();
  co_return web::s3::upload_completed(place, web::s3::etag_of(**mark));
}

// The version that the object gets, whoever makes it, is decided before it is made: that of the
// turn, a small file.
asio::awaitable<S3Store::Decided> S3Store::take_turn(Completing it) {
  std::string const name = web::s3::turn_name(it.id);
  for (int look = 0; look < turn_looks; ++look) {
    auto const before = co_await find_everywhere(name);
    if (!before) co_return tl::unexpected(web::s3::failed(before.error()));
    if (*before && web::s3::etag_of(**before) == it.etag) co_return (*before)->version;
    // So that this node knows the version that the turn's must be newer than.
    auto const now = co_await find_everywhere(it.place.name);
    if (!now) co_return tl::unexpected(web::s3::failed(now.error()));
    auto const condition = web::s3::condition_on(it.conditions, *now ? &**now : nullptr);
    if (!condition) co_return tl::unexpected(condition.error());
    auto request = internal_file(name, {});
    request.type = web::s3::kept_type(request.type, {it.etag, {}}).value_or(request.type);
    request.newer_than = it.place.name;
    request.condition.must_be_absent = !*before;
    auto const turn = co_await put_small(loop_, gateway_, std::move(request), "");
    if (turn) co_return turn->version;
    bool const is_late = turn.error().fault == Fault::precondition_failed;
    if (!is_late) co_return tl::unexpected(web::s3::failed(turn.error()));
  }
  co_return tl::unexpected(
      web::s3::failed({Fault::busy, "the upload is being completed at other nodes; ask again"}));
}

// A later version is as good without a condition: the object was overtaken.
bool S3Store::is_stored(std::optional<web::FileInfo> const& now, Completing const& it,
                        std::string const& version) {
  if (!now) return false;
  return it.conditions.empty() ? now->version >= version : now->version == version;
}

// The object is there then, or was overtaken by a later write or removal of its name.
asio::awaitable<std::optional<web::Reply>> S3Store::store_once(Completing it, std::string version) {
  auto const now = co_await find_everywhere(it.place.name);
  if (!now) co_return web::s3::failed(now.error());
  if (is_stored(*now, it, version)) co_return std::nullopt;
  auto condition = web::s3::condition_on(it.conditions, *now ? &**now : nullptr);
  if (!condition) co_return condition.error();
  auto const made = co_await assemble(it, version, std::move(*condition));
  if (made) co_return std::nullopt;
  if (made.error().fault != Fault::precondition_failed) co_return web::s3::failed(made.error());
  auto const then = co_await find_everywhere(it.place.name);
  bool const is_done = it.conditions.empty() || (then && is_stored(*then, it, version));
  co_return is_done ? std::nullopt : std::optional{web::s3::failed(made.error())};
}

asio::awaitable<Result<void>> S3Store::mark_completed(Completing it) {
  auto mark = internal_file(web::s3::completed_name(it.id), {});
  mark.type = web::s3::kept_type(mark.type, {it.etag, {}}).value_or(mark.type);
  std::string text = web::s3::to_json(it.about);
  auto const marked = co_await put_small(loop_, gateway_, std::move(mark), std::move(text));
  if (!marked) co_return tl::unexpected(marked.error());
  co_return Result<void>{};
}

// Two nodes that complete an upload at the same moment may both take a turn. Each looks for the
// mark after it took its own, and for a newer turn after it set the mark, so one of them sees the
// other, as in ResumableUploads; who sees a newer turn makes the object of that version too.
asio::awaitable<web::Reply> S3Store::complete(Completing it) {
  auto version = co_await take_turn(it);
  if (!version) co_return version.error();
  if (auto before = co_await completed_before(it.place, it.id)) co_return std::move(*before);
  for (bool is_newest = false; !is_newest;) {
    if (auto refusal = co_await store_once(it, *version)) co_return std::move(*refusal);
    auto const marked = co_await mark_completed(it);
    if (!marked) co_return web::s3::failed(marked.error());
    auto const turn = co_await find_everywhere(web::s3::turn_name(it.id));
    if (!turn) co_return web::s3::failed(turn.error());
    // A newer one of other parts is another's to store.
    bool const is_same = *turn && web::s3::etag_of(**turn) == it.etag;
    is_newest = !is_same || (*turn)->version == *version;
    if (is_same) version = (*turn)->version;
  }
  forget_upload(it.id);
  co_return web::s3::upload_completed(it.place, it.etag);
}

asio::awaitable<web::Reply> S3Store::complete_parts(web::s3::CompleteUpload wanted,
                                                    std::vector<web::s3::NamedPart> parts) {
  if (auto before = co_await completed_before(wanted.place, wanted.id)) {
    co_return std::move(*before);
  }
  auto const about = co_await find_upload(wanted.place, wanted.id);
  if (!about) co_return about.error();
  auto const files = co_await parts_of(wanted.id, parts);
  if (!files) co_return files.error();
  Completing it{wanted.place, wanted.id, *about, *files, etag_of_parts(parts), wanted.conditions};
  co_return co_await complete(std::move(it));
}

// A client that does not hear that its upload is complete asks again, here or at another node: so
// that it was is kept for as long as an upload under way.
asio::awaitable<web::Reply> S3Store::complete_upload(web::s3::CompleteUpload wanted,
                                                     std::vector<web::s3::NamedPart> parts) {
  auto const turn = co_await turn_to_assemble(wanted.id);
  auto answer = co_await complete_parts(wanted, std::move(parts));
  if (answer.status == 200) co_return answer;
  // Who completed it meanwhile has removed the parts.
  auto before = co_await completed_before(wanted.place, wanted.id);
  co_return before && before->status == 200 ? std::move(*before) : std::move(answer);
}

}  // namespace chisme::node
