#include "node/http/s3_store.hpp"

#include <algorithm>
#include <asio/use_awaitable.hpp>
#include <span>
#include <utility>

#include "node/http/await.hpp"
#include "node/http/internal_files.hpp"
#include "node/http/resumable_uploads.hpp"
#include "web/s3/handlers.hpp"
#include "web/s3/hash.hpp"
#include "web/s3/replies.hpp"

// Buckets, removals and copies.
namespace chisme::node {
namespace {

constexpr std::size_t s3_copy_bytes = 256u << 10;
// Of the objects of one request, so many are removed at once.
constexpr std::size_t removals_at_once = 64;

}  // namespace

asio::awaitable<Result<std::optional<web::FileInfo>>> S3Store::find_everywhere(std::string name) {
  auto start = [&](web::Done<web::Lookup> done) {
    gateway_.lookup_everywhere(name, std::move(done));
  };
  co_return known_file(co_await await_done<web::Lookup>(loop_, start));
}

asio::awaitable<Result<std::optional<web::FileInfo>>> S3Store::find(std::string name) {
  web::Lookup here = gateway_.lookup(name);
  if (here.status == web::LookupStatus::found) co_return std::optional{std::move(here.file)};
  co_return co_await find_everywhere(std::move(name));
}

void S3Store::remove_file(std::string name, web::Done<void> done) {
  auto const begin = [self = shared_from_this(), name, done] {
    self->gateway_.remove(name, {}, [done](Result<web::RemovedFile> removed) {
      bool const is_gone = removed || removed.error().fault == Fault::not_found;
      done(is_gone ? Result<void>{} : tl::unexpected(removed.error()));
    });
  };
  if (gateway_.lookup(name).status == web::LookupStatus::found) return begin();
  gateway_.lookup_everywhere(name, [begin, done](Result<web::Lookup> found) {
    auto const file = known_file(std::move(found));
    if (!file) return done(tl::unexpected(file.error()));
    *file ? begin() : done({});
  });
}

asio::awaitable<Result<void>> S3Store::remove(std::string name) {
  auto start = [&](web::Done<void> done) { remove_file(name, std::move(done)); };
  co_return co_await await_done<void>(loop_, start);
}

// What is not removed now is collected a day later.
asio::awaitable<void> S3Store::remove_all(std::vector<std::string> names) {
  for (std::string const& name : names) (void)co_await remove(name);
}

asio::awaitable<Result<void>> S3Store::copy(web::FileInfo source, std::shared_ptr<web::Upload> into,
                                            std::shared_ptr<Checksum> sum) {
  std::vector<std::byte> buffer(std::min<std::uint64_t>(s3_copy_bytes, source.size.value()));
  std::shared_ptr<web::RemoteRead> const from = gateway_.relay(source, ByteOffset{0}, source.size);
  for (std::uint64_t left = source.size.value(); left > 0;) {
    std::span<std::byte> const room{buffer};
    auto read = [&](web::Done<std::size_t> done) { from->read(room, std::move(done)); };
    auto const count = co_await await_done<std::size_t>(loop_, read);
    if (!count) co_return tl::unexpected(count.error());
    if (*count == 0) co_return fail(Fault::corrupt, "an object is cut short");
    std::span<std::byte const> const bytes = room.first(std::min<std::uint64_t>(*count, left));
    auto write = [&](web::Done<void> done) { into->write(bytes, std::move(done)); };
    auto const written = co_await await_done<void>(loop_, write);
    if (!written) co_return written;
    if (sum) sum->update(bytes);
    left -= bytes.size();
  }
  co_return Result<void>{};
}

asio::awaitable<std::optional<web::Reply>> S3Store::refusal_of_bucket(std::string bucket) {
  if (web::s3::knows_bucket(gateway_, bucket)) co_return std::nullopt;
  auto const made = co_await find_everywhere(web::s3::bucket_name(bucket));
  if (!made) co_return web::s3::failed(made.error());
  if (*made) co_return std::nullopt;
  co_return web::s3::no_such_bucket(bucket);
}

asio::awaitable<web::Reply> S3Store::create_bucket(web::s3::CreateBucket wanted) {
  web::Reply answer = web::s3::done(200);
  answer.headers.add("Location", "/", wanted.bucket);
  if (web::s3::knows_bucket(gateway_, wanted.bucket)) co_return answer;
  auto request = internal_file(web::s3::bucket_name(wanted.bucket), {});
  auto const made = co_await put_small(loop_, gateway_, std::move(request), "");
  if (!made) co_return web::s3::failed(made.error());
  co_return answer;
}

asio::awaitable<web::Reply> S3Store::delete_bucket(web::s3::DeleteBucket wanted) {
  if (!gateway_.list(wanted.bucket + "/", "", 1).files.empty()) {
    co_return web::s3::error(409, "BucketNotEmpty", "The bucket you tried to delete is not empty");
  }
  auto const removed = co_await remove(web::s3::bucket_name(wanted.bucket));
  co_return removed ? web::s3::done(204) : web::s3::failed(removed.error());
}

asio::awaitable<web::Reply> S3Store::delete_object(web::s3::DeleteObject wanted) {
  if (wanted.condition == web::Condition{}) {
    auto const gone = co_await remove(wanted.place.name);
    co_return gone ? web::s3::done(204) : web::s3::failed(gone.error());
  }
  auto start = [&](web::Done<web::RemovedFile> done) {
    gateway_.remove(wanted.place.name, wanted.condition, std::move(done));
  };
  auto const removed = co_await await_done<web::RemovedFile>(loop_, start);
  if (removed) co_return web::s3::done(204);
  bool const was_gone = removed.error().fault == Fault::not_found;
  co_return was_gone ? web::s3::failed_condition() : web::s3::failed(removed.error());
}

asio::awaitable<web::Reply> S3Store::delete_objects(std::string bucket, web::s3::DeleteList list) {
  if (auto refusal = co_await refusal_of_bucket(bucket)) co_return std::move(*refusal);
  std::vector<web::s3::Removal> removals(list.keys.size());
  for (std::size_t begin = 0; begin < list.keys.size(); begin += removals_at_once) {
    std::size_t const end = std::min(list.keys.size(), begin + removals_at_once);
    auto const missing = std::make_shared<std::size_t>(end - begin);
    auto start = [&](web::Done<void> done) {
      for (std::size_t i = begin; i < end; ++i) {
        auto const tell = [&removals, i, missing, done](Result<void> result) {
          if (!result) removals[i].error = result.error();
          if (--*missing == 0) done({});
        };
        removals[i].key = list.keys[i];
        auto place = web::s3::place_of({bucket, list.keys[i]});
        // No object has a key that cannot be a file's.
        place ? remove_file(std::move(place->name), tell) : tell({});
      }
    };
    (void)co_await await_done<void>(loop_, start);
  }
  co_return web::s3::removed(removals, list.quiet);
}

asio::awaitable<web::Reply> S3Store::copy_object(web::s3::CopyObject wanted) {
  if (auto refusal = co_await refusal_of_bucket(wanted.place.bucket)) co_return std::move(*refusal);
  auto const source = co_await find(wanted.source);
  if (!source) co_return web::s3::failed(source.error());
  if (!*source) co_return web::s3::no_such_key(wanted.source);
  web::s3::Attributes attributes = wanted.attributes;
  std::string type = wanted.upload.type;
  if (!wanted.replaces) {
    attributes = web::s3::parse_attributes((*source)->attributes);
    type = (*source)->type;
  }
  wanted.upload.size = (*source)->size;
  wanted.upload.expected = (*source)->digest;
  auto const into = co_await begin_upload(loop_, gateway_, std::move(wanted.upload));
  if (!into) co_return web::s3::failed(into.error());
  auto const sum = std::make_shared<Checksum>("md5");
  auto const copied = co_await copy(**source, *into, sum);
  if (!copied) co_return web::s3::failed(copied.error());
  std::string const etag = attributes.etag = web::s3::hex(sum->finish());
  (*into)->retype(web::s3::kept_type(type, attributes).value_or(type));
  auto finish = [&](web::Done<web::StoredFile> done) { (*into)->finish(std::move(done)); };
  auto const stored = co_await await_done<web::StoredFile>(loop_, finish);
  if (!stored) co_return web::s3::failed(stored.error());
  co_return web::s3::copied(etag, gateway_.now());
}

}  // namespace chisme::node
