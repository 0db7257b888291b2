#include <algorithm>
#include <asio/co_spawn.hpp>
#include <asio/use_awaitable.hpp>
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

// For one page of uploads under way: each is read.
constexpr std::size_t uploads_looked_at_max = 1000;

// Behind all files of the upload that is before it.
constexpr std::string_view behind_upload = "/\xff";

// 128 random bits.
std::string new_upload_id() {
  std::string bytes;
  for (int i = 0; i < 2; ++i) {
    std::uint64_t number = new_credential_number();
    for (int j = 0; j < 8; ++j, number >>= 8) bytes += static_cast<char>(number & 255);
  }
  return web::s3::hex(bytes);
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
  web::s3::UploadsMarker last{wanted.key_after, wanted.id_after};
  std::string after;
  if (!wanted.id_after.empty()) after.append(root).append(wanted.id_after).append(behind_upload);
  for (std::size_t looked = 0; looked < uploads_looked_at_max; ++looked) {
    if (uploads.size() == wanted.uploads_max) break;
    web::Listing const next = gateway_.list(root, after, 1);
    if (next.files.empty()) break;
    std::string const rest = next.files.front().name.substr(root.size());
    std::string const id = last.id = rest.substr(0, rest.find('/'));
    after.assign(root).append(id).append(behind_upload);
    auto const file = gateway_.lookup(web::s3::upload_name(id));
    if (file.status != web::LookupStatus::found) continue;
    auto const text = co_await read_small(loop_, gateway_, file.file);
    auto const about = text ? web::s3::parse_upload(*text) : std::nullopt;
    bool const is_asked =
        about && about->bucket == wanted.bucket && about->key.starts_with(wanted.prefix);
    bool const is_told = is_asked && wanted.id_after.empty() && about->key <= wanted.key_after;
    if (!is_asked || is_told) continue;
    last.key = about->key;
    uploads.push_back({about->key, id, file.file.modified});
  }
  std::optional<web::s3::UploadsMarker> next;
  if (!gateway_.list(root, after, 1).files.empty()) next = std::move(last);
  if (next && next->key.empty()) next->key = next->id;
  std::ranges::sort(uploads, {},
                    [](auto const& upload) { return std::pair{upload.key, upload.id}; });
  co_return web::s3::uploads_listed(wanted, uploads, next);
}

}  // namespace chisme::node
