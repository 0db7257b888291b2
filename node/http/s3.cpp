#include <algorithm>
#include <asio/use_awaitable.hpp>
#include <utility>

#include "cluster/base/overloaded.hpp"
#include "node/http/await.hpp"
#include "node/http/body_sum.hpp"
#include "node/http/connection.hpp"
#include "node/http/internal_files.hpp"
#include "web/s3/chunks.hpp"
#include "web/s3/hash.hpp"
#include "web/s3/replies.hpp"

// What S3's clients want besides reading, and the bodies that they send.
namespace chisme::node {

namespace {

// Nobody is there to be answered.
web::Reply nobody_waits() {
  return web::Reply{.status = 0, .headers = {}, .body = {}, .close = true};
}

std::optional<web::s3::ChunkReader> reader_of(web::s3::Payload const& payload) {
  if (!payload.chunks) return std::nullopt;
  return web::s3::ChunkReader(payload.chunks->signing, payload.chunks->trailers);
}

}  // namespace

// A body on its way in: into an upload, or into `text`.
struct HttpConnection::S3Body {
  S3Body(web::s3::Payload announced, BufferPool& pool)
      : payload(std::move(announced)), chunks(reader_of(payload)), held(pool) {
    if (!payload.sum_algorithm.empty()) further.emplace(payload.sum_algorithm);
  }

  web::s3::Payload payload;
  std::optional<web::s3::ChunkReader> chunks;
  Checksum sum{"md5"};
  std::optional<BodySum> further;
  std::string md5;  // once all has come
  std::uint64_t size = 0;
  HeldBytes held;  // of `text`
  std::string text;
  std::size_t text_bytes_max = 0;

  // The answer to a body that came to its end and is not what was announced.
  std::optional<web::Reply> refusal() {
    if (chunks && !chunks->ended()) {
      return web::s3::error(400, "IncompleteBody",
                            "The body ended before its last chunk. Nothing was stored.");
    }
    if (payload.size && payload.size->value() != size) {
      return web::s3::error(400, "IncompleteBody",
                            "The body has another length than was announced. Nothing was stored.");
    }
    md5 = sum.finish();
    if (payload.md5 && *payload.md5 != md5) return web::s3::bad_digest("Content-MD5");
    std::string const name = "x-amz-checksum-" + payload.sum_algorithm;
    if (further && further->finish() != announced_sum(name)) return web::s3::bad_digest(name);
    return std::nullopt;
  }
  std::string announced_sum(std::string const& name) const {
    if (!payload.sum.empty() || !chunks) return payload.sum;
    auto const& trailers = chunks->trailers();
    auto const found = std::ranges::find(
        trailers, name, [](auto const& trailer) -> std::string const& { return trailer.first; });
    return found == trailers.end() ? "" : found->second;
  }
  void take(std::span<std::byte const> data) {
    sum.update(data);
    if (further) further->update(data);
    size += data.size();
  }
};

asio::awaitable<HttpConnection::After> HttpConnection::serve_s3(web::s3::Wanted wanted) {
  auto const store = host_->s3;
  auto work =
      std::visit(Overloaded{
                     [&](web::s3::CreateBucket& it) { return store->create_bucket(std::move(it)); },
                     [&](web::s3::DeleteBucket& it) { return store->delete_bucket(std::move(it)); },
                     [&](web::s3::PutObject& it) { return put_object(std::move(it)); },
                     [&](web::s3::CopyObject& it) { return store->copy_object(std::move(it)); },
                     [&](web::s3::DeleteObject& it) { return store->delete_object(std::move(it)); },
                     [&](web::s3::DeleteObjects& it) { return delete_objects(std::move(it)); },
                     [&](web::s3::CreateUpload& it) { return store->create_upload(std::move(it)); },
                     [&](web::s3::PutPart& it) { return put_part(std::move(it)); },
                     [&](web::s3::CompleteUpload& it) { return complete_upload(std::move(it)); },
                     [&](web::s3::AbortUpload& it) { return store->abort_upload(std::move(it)); },
                     [&](web::s3::ListParts& it) { return store->list_parts(std::move(it)); },
                     [&](web::s3::ListUploads& it) { return store->list_uploads(std::move(it)); },
                 },
                 wanted);
  auto answer = co_await std::move(work);
  co_return co_await reply(host_->service.resumed(parser_.request(), std::move(answer)));
}

asio::awaitable<std::optional<web::Reply>> HttpConnection::read_payload(
    std::shared_ptr<S3Body> body, std::shared_ptr<web::Upload> upload) {
  std::span<std::byte const> data;
  auto write = [&](web::Done<void> done) { upload->write(data, std::move(done)); };
  while (state_ == web::ParseState::body) {
    auto run = co_await next_body_run();
    if (run.empty()) break;
    while (!run.empty()) {
      data = run;
      if (body->chunks) {
        auto const progress = body->chunks->feed(run);
        if (body->chunks->is_forged()) co_return web::s3::bad_signature_of_chunk();
        if (body->chunks->failed()) {
          co_return web::s3::error(400, "InvalidRequest", "The body is not aws-chunked.");
        }
        data = progress.data;
        run = run.subspan(progress.consumed);
      } else {
        run = {};
      }
      if (data.empty()) continue;
      body->take(data);
      if (!upload) {
        if (body->size > body->text_bytes_max) {
          co_return web::s3::error(400, "MalformedXML", "The document is too long.");
        }
        if (is_short_of_memory()) {
          host_->settings.counters->refuse(Refused::memory);
          co_return web::s3::slow_down();
        }
        body->text.append(reinterpret_cast<char const*>(data.data()), data.size());
        body->held.set(body->text.capacity());
        continue;
      }
      auto const written = co_await await_done<void>(host_->loop, write);
      if (!written) co_return web::s3::failed(written.error());
    }
  }
  if (state_ == web::ParseState::failed) co_return host_->service.malformed(parser_.failure());
  if (state_ != web::ParseState::complete) co_return nobody_waits();
  co_return body->refusal();
}

asio::awaitable<tl::expected<std::string, web::Reply>> HttpConnection::store_payload(
    web::UploadRequest request, web::s3::Attributes attributes, web::s3::Payload payload) {
  auto const begun = co_await begin_upload(host_->loop, host_->gateway, request);
  if (!begun) co_return tl::unexpected(web::s3::failed(begun.error()));
  bool const going = co_await continue_expected();
  if (!going) co_return tl::unexpected(nobody_waits());
  auto const body = std::make_shared<S3Body>(std::move(payload), host_->buffers);
  auto const refused = co_await read_payload(body, *begun);
  if (refused) co_return tl::unexpected(*refused);
  attributes.etag = web::s3::hex(body->md5);
  (*begun)->retype(web::s3::kept_type(request.type, attributes).value_or(request.type));
  auto finish = [&](web::Done<web::StoredFile> done) { (*begun)->finish(std::move(done)); };
  auto const stored = co_await await_done<web::StoredFile>(host_->loop, finish);
  if (!stored) co_return tl::unexpected(web::s3::failed(stored.error()));
  co_return attributes.etag;
}

asio::awaitable<web::Reply> HttpConnection::put_object(web::s3::PutObject wanted) {
  if (auto refusal = co_await host_->s3->refusal_of_bucket(wanted.place.bucket)) {
    co_return std::move(*refusal);
  }
  auto const etag = co_await store_payload(std::move(wanted.upload), std::move(wanted.attributes),
                                           std::move(wanted.payload));
  co_return etag ? web::s3::stored(*etag) : etag.error();
}

asio::awaitable<web::Reply> HttpConnection::put_part(web::s3::PutPart wanted) {
  auto const about = co_await host_->s3->find_upload(wanted.place, wanted.id);
  if (!about) co_return about.error();
  auto request = internal_file(web::s3::part_name(wanted.id, wanted.number), wanted.payload.size);
  request.expected = wanted.payload.sha256;
  request.part_of = {wanted.place.name, ByteCount{}, wanted.payload.size};
  auto const etag = co_await store_payload(std::move(request), {}, std::move(wanted.payload));
  co_return etag ? web::s3::stored(*etag) : etag.error();
}

asio::awaitable<HttpConnection::Document> HttpConnection::read_document(web::s3::Payload payload,
                                                                        std::size_t bytes_max) {
  bool const going = co_await continue_expected();
  if (!going) co_return tl::unexpected(nobody_waits());
  auto const body = std::make_shared<S3Body>(std::move(payload), host_->buffers);
  body->text_bytes_max = bytes_max;
  auto const refused = co_await read_payload(body, nullptr);
  if (refused) co_return tl::unexpected(*refused);
  auto const& sha256 = body->payload.sha256;
  bool const differs = sha256 && web::s3::hex(web::s3::sha256(body->text)) != to_hex(*sha256);
  if (differs) co_return tl::unexpected(web::s3::failed({Fault::digest_mismatch, ""}));
  co_return body;
}

asio::awaitable<web::Reply> HttpConnection::delete_objects(web::s3::DeleteObjects wanted) {
  auto const body = co_await read_document(std::move(wanted.payload), web::s3::delete_bytes_max);
  if (!body) co_return body.error();
  auto const list = web::s3::parse_delete((*body)->text);
  if (!list) co_return web::s3::error(400, "MalformedXML", list.error().message + ".");
  co_return co_await host_->s3->delete_objects(std::move(wanted.bucket), *list);
}

asio::awaitable<web::Reply> HttpConnection::complete_upload(web::s3::CompleteUpload wanted) {
  auto const body = co_await read_document(std::move(wanted.payload), web::s3::complete_bytes_max);
  if (!body) co_return body.error();
  auto const parts = web::s3::parse_complete((*body)->text);
  if (!parts) {
    bool const unordered = parts.error().fault == Fault::precondition_failed;
    co_return web::s3::error(400, unordered ? "InvalidPartOrder" : "MalformedXML",
                             parts.error().message + ".");
  }
  co_return co_await host_->s3->complete_upload(std::move(wanted), *parts);
}

}  // namespace chisme::node
