#pragma once

#include <asio/awaitable.hpp>
#include <asio/io_context.hpp>
#include <memory>
#include <optional>
#include <string>
#include <tl/expected.hpp>
#include <vector>

#include "node/http/assemblies.hpp"
#include "node/http/checksum.hpp"
#include "web/gateway.hpp"
#include "web/plan.hpp"
#include "web/s3/address.hpp"
#include "web/s3/request.hpp"
#include "web/s3/xml.hpp"

namespace chisme::node {

// S3Store is what S3's clients do over the gateway, but for the bodies that they send: buckets,
// removals, copies and multipart uploads. All of it lies in the cluster as files
// (web/s3/address.hpp), so this holds nothing, and every node can go on with every upload.
//
// One web loop's thread. A shared_ptr owns it; `gateway` must outlive its coroutines.
class S3Store : public std::enable_shared_from_this<S3Store> {
 public:
  S3Store(asio::io_context& loop, web::Gateway& gateway, std::shared_ptr<Assemblies> assemblies)
      : loop_(loop), gateway_(gateway), assemblies_(std::move(assemblies)) {}

  // Each to its answer.
  asio::awaitable<web::Reply> create_bucket(web::s3::CreateBucket wanted);
  asio::awaitable<web::Reply> delete_bucket(web::s3::DeleteBucket wanted);
  asio::awaitable<web::Reply> copy_object(web::s3::CopyObject wanted);
  asio::awaitable<web::Reply> delete_object(web::s3::DeleteObject wanted);
  asio::awaitable<web::Reply> delete_objects(std::string bucket, web::s3::DeleteList list);
  // s3_uploads.cpp, s3_completing.cpp
  asio::awaitable<web::Reply> create_upload(web::s3::CreateUpload wanted);
  asio::awaitable<web::Reply> complete_upload(web::s3::CompleteUpload wanted,
                                              std::vector<web::s3::NamedPart> parts);
  asio::awaitable<web::Reply> abort_upload(web::s3::AbortUpload wanted);
  asio::awaitable<web::Reply> list_parts(web::s3::ListParts wanted);
  asio::awaitable<web::Reply> list_uploads(web::s3::ListUploads wanted);

  // The answer when there is no such bucket, or nobody can say.
  asio::awaitable<std::optional<web::Reply>> refusal_of_bucket(std::string bucket);
  // What an upload under way was begun with, or the answer when it is not there for this object.
  using About = tl::expected<web::s3::UploadAbout, web::Reply>;
  asio::awaitable<About> find_upload(web::s3::Place place, std::string id);

 private:
  // s3_store.cpp. Faults of all: unavailable (out of touch), those of writing a small file.
  asio::awaitable<Result<std::optional<web::FileInfo>>> find(std::string name);
  asio::awaitable<Result<std::optional<web::FileInfo>>> find_everywhere(std::string name);
  // Done too when there is no such file.
  void remove_file(std::string name, web::Done<void> done);
  asio::awaitable<Result<void>> remove(std::string name);
  asio::awaitable<void> remove_all(std::vector<std::string> names);
  // All bytes of `source`; `sum` may be null.
  asio::awaitable<Result<void>> copy(web::FileInfo source, std::shared_ptr<web::Upload> into,
                                     std::shared_ptr<Checksum> sum);
  // s3_completing.cpp, but for forget_upload
  using Files = tl::expected<std::vector<web::FileInfo>, web::Reply>;
  asio::awaitable<Files> parts_of(std::string id, std::vector<web::s3::NamedPart> parts);
  asio::awaitable<std::unique_ptr<Assemblies::Turn>> turn_to_assemble(std::string id);
  // An upload whose parts are all there.
  struct Completing {
    web::s3::Place place;
    std::string id;
    web::s3::UploadAbout about;
    std::vector<web::FileInfo> parts;
    std::string etag;
    web::s3::WriteConditions conditions;
  };
  // The object's version, decided on W nodes: the same for all who complete it with these parts.
  using Decided = tl::expected<std::string, web::Reply>;
  asio::awaitable<Decided> take_turn(Completing it);
  asio::awaitable<Result<void>> assemble(Completing it, std::string version,
                                         web::Condition condition);
  static bool is_stored(std::optional<web::FileInfo> const& now, Completing const& it,
                        std::string const& version);
  // The answer when the object is not stored.
  asio::awaitable<std::optional<web::Reply>> store_once(Completing it, std::string version);
  asio::awaitable<Result<void>> mark_completed(Completing it);
  asio::awaitable<web::Reply> complete(Completing it);
  asio::awaitable<web::Reply> complete_parts(web::s3::CompleteUpload wanted,
                                             std::vector<web::s3::NamedPart> parts);
  // The answer to who completes an upload again; nullopt: it is not complete.
  asio::awaitable<std::optional<web::Reply>> completed_before(web::s3::Place place, std::string id);
  void forget_upload(std::string id);

  asio::io_context& loop_;
  web::Gateway& gateway_;
  std::shared_ptr<Assemblies> assemblies_;
};

}  // namespace chisme::node
