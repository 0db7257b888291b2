#include <algorithm>
#include <asio/co_spawn.hpp>
#include <asio/redirect_error.hpp>
#include <asio/steady_timer.hpp>
#include <asio/use_awaitable.hpp>
#include <chrono>
#include <utility>

#include "node/http/await.hpp"
#include "node/http/internal_files.hpp"
#include "node/http/resumable_uploads.hpp"
#include "node/http/s3_store.hpp"
#include "node/keeping.hpp"
#include "node/security/access_token.hpp"
#include "web/s3/hash.hpp"
#include "web/s3/replies.hpp"
#include "web/tus/upload.hpp"

// Multipart uploads: their parts are files, acknowledged as all others.
namespace chisme::node {
namespace {

constexpr std::size_t uploads_looked_at_max = 10'000;
constexpr std::chrono::milliseconds turn_look_period{100};

// 128 random bits.
std::string new_upload_id() {
  std::string bytes;
  for (int i = 0; i < 2; ++i) {
    std::uint64_t number = new_credential_number();
    for (int j = 0; j < 8; ++j, number >>= 8) bytes += static_cast<char>(number & 255);
  }
  return web::s3::hex(bytes);
}

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

asio::awaitable<S3Store::About> S3Store::find_upload(web::s3::Place place, std::string id) {
  auto const file = co_await find(web::s3::upload_name(id));
  if (!file) co_return tl::unexpected(web::s3::failed(file.error()));
  if (!*file) co_return tl::unexpected(web::s3::no_such_upload());
  auto const text = co_await read_small(loop_, gateway_, **file);
  if (!text) co_return tl::unexpected(web::s3::failed(text.error()));
  auto about = web::s3::parse_upload(*text);
  bool const is_of_place = about && about->bucket == place.bucket && about->key == place.key;
  if (!is_of_place) co_return tl::unexpected(web::s3::no_such_upload());
  co_return std::move(*about);
}

asio::awaitable<web::Reply> S3Store::create_upload(web::s3::CreateUpload wanted) {
  if (auto refusal = co_await refusal_of_bucket(wanted.place.bucket)) co_return std::move(*refusal);
  std::string const id = new_upload_id();
  web::s3::UploadAbout const about{wanted.place.bucket, wanted.place.key, wanted.type,
                                   wanted.attributes};
  auto request = internal_file(web::s3::upload_name(id), {});
  auto const begun =
      co_await put_small(loop_, gateway_, std::move(request), web::s3::to_json(about));
  if (!begun) co_return web::s3::failed(begun.error());
  co_return web::s3::upload_begun(wanted.place, id);
}

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

asio::awaitable<Result<void>> S3Store::assemble(web::s3::Place place, web::s3::UploadAbout about,
                                                std::vector<web::FileInfo> parts,
                                                std::string etag) {
  web::UploadRequest request{place.name, about.type, ByteCount{}, std::nullopt, {}};
  for (web::FileInfo const& part : parts) *request.size += part.size;
  about.attributes.etag = etag;
  request.type = web::s3::kept_type(about.type, about.attributes).value_or(about.type);
  auto const into = co_await begin_upload(loop_, gateway_, std::move(request));
  if (!into) co_return tl::unexpected(into.error());
  for (web::FileInfo const& part : parts) {
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

// A client that does not hear that its upload is complete asks again, here or at another node: so
// that it was is kept for as long as an upload under way.
asio::awaitable<web::Reply> S3Store::complete_upload(web::s3::CompleteUpload wanted,
                                                     std::vector<web::s3::NamedPart> parts) {
  auto const turn = co_await turn_to_assemble(wanted.id);
  if (auto before = co_await completed_before(wanted.place, wanted.id)) {
    co_return std::move(*before);
  }
  auto const about = co_await find_upload(wanted.place, wanted.id);
  if (!about) co_return about.error();
  auto const files = co_await parts_of(wanted.id, parts);
  if (!files) co_return files.error();
  std::string const etag = etag_of_parts(parts);
  auto const made = co_await assemble(wanted.place, *about, *files, etag);
  if (!made) co_return web::s3::failed(made.error());
  auto mark = internal_file(web::s3::completed_name(wanted.id), {});
  mark.type = web::s3::kept_type(mark.type, {etag, {}}).value_or(mark.type);
  auto const marked =
      co_await put_small(loop_, gateway_, std::move(mark), web::s3::to_json(*about));
  // The object is there: without the mark, to complete it again makes it again.
  if (marked) forget_upload(wanted.id);
  co_return web::s3::upload_completed(wanted.place, etag);
}

// All of it but the mark that it was completed.
void S3Store::forget_upload(std::string id) {
  std::vector<std::string> names{web::s3::upload_name(id)};
  std::optional<std::string> after{""};
  while (after) {
    web::Listing page = gateway_.list(web::s3::parts_prefix(id), *after, 1000);
    for (web::FileInfo& part : page.files) names.push_back(std::move(part.name));
    after = std::move(page.next);
  }
  asio::co_spawn(loop_, remove_all(std::move(names)), keeping(shared_from_this()));
}

asio::awaitable<web::Reply> S3Store::abort_upload(web::s3::AbortUpload wanted) {
  auto const about = co_await find_upload(wanted.place, wanted.id);
  if (!about) co_return about.error();
  auto const removed = co_await remove(web::s3::upload_name(wanted.id));
  if (!removed) co_return web::s3::failed(removed.error());
  forget_upload(wanted.id);
  co_return web::s3::done(204);
}

asio::awaitable<web::Reply> S3Store::list_parts(web::s3::ListParts wanted) {
  auto const about = co_await find_upload(wanted.place, wanted.id);
  if (!about) co_return about.error();
  auto const after =
      web::s3::part_name(wanted.id, std::min(wanted.after, web::s3::part_number_max));
  web::Listing const page =
      gateway_.list(web::s3::parts_prefix(wanted.id), after, wanted.parts_max + 1);
  std::vector<web::s3::StoredPart> parts;
  for (web::FileInfo const& file : page.files) {
    auto const number = web::s3::part_number(file.name);
    if (number) parts.push_back({*number, web::s3::etag_of(file), file.size, file.modified});
  }
  co_return web::s3::parts_listed(wanted, parts);
}

asio::awaitable<web::Reply> S3Store::list_uploads(web::s3::ListUploads wanted) {
  if (auto refusal = co_await refusal_of_bucket(wanted.bucket)) co_return std::move(*refusal);
  std::string const root = web::tus::uploads_prefix();
  std::vector<web::s3::OpenUpload> uploads;
  std::string after;
  for (std::size_t looked = 0; looked < uploads_looked_at_max; ++looked) {
    web::Listing const next = gateway_.list(root, after, 1);
    if (next.files.empty()) break;
    std::string const rest = next.files.front().name.substr(root.size());
    std::string const id = rest.substr(0, rest.find('/'));
    after = root + id + "/\xff";  // behind all of this upload's
    auto const file = gateway_.lookup(web::s3::upload_name(id));
    if (file.status != web::LookupStatus::found) continue;
    auto const text = co_await read_small(loop_, gateway_, file.file);
    auto const about = text ? web::s3::parse_upload(*text) : std::nullopt;
    if (!about || about->bucket != wanted.bucket || !about->key.starts_with(wanted.prefix)) {
      continue;
    }
    auto const place = std::pair{about->key, id};
    bool const is_told = wanted.id_after.empty()
                             ? about->key <= wanted.key_after
                             : place <= std::pair{wanted.key_after, wanted.id_after};
    if (!is_told || wanted.key_after.empty()) {
      uploads.push_back({about->key, id, file.file.modified});
    }
  }
  std::ranges::sort(uploads, {},
                    [](auto const& upload) { return std::pair{upload.key, upload.id}; });
  bool const truncated = uploads.size() > wanted.uploads_max;
  if (truncated) uploads.resize(wanted.uploads_max);
  co_return web::s3::uploads_listed(wanted, uploads, truncated);
}

}  // namespace chisme::node
