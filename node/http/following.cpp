#include <array>
#include <asio/co_spawn.hpp>
#include <asio/redirect_error.hpp>
#include <asio/use_awaitable.hpp>
#include <charconv>
#include <utility>

#include "node/http/await.hpp"
#include "node/http/connection.hpp"
#include "node/http/follower.hpp"
#include "node/keeping.hpp"

// Files that are read while they come.
namespace chisme::node {

namespace {
std::string chunk_head(std::size_t bytes) {
  std::array<char, 16> digits;
  auto const end = std::to_chars(digits.data(), digits.data() + digits.size(), bytes, 16).ptr;
  return std::string(digits.data(), end) + "\r\n";
}
}  // namespace

// An upload that is given up ends the answer early: fewer bytes than announced, or no last chunk.
asio::awaitable<HttpConnection::After> HttpConnection::follow_upload(web::FollowUpload plan) {
  auto const upload = co_await host_->resumable->find(plan.id);
  bool const chunked = upload && !upload->length();
  Result<void> possible;
  if (!upload) possible = tl::unexpected(upload.error());
  if (chunked && parser_.request().http_1_0) {
    possible = fail(Fault::unavailable, "the file is not complete, and HTTP/1.0 cannot tell");
  }
  if (!possible) {
    auto answer = host_->service.failed(parser_.request(), possible.error());
    co_return co_await reply(std::move(answer));
  }
  auto answer =
      host_->service.incomplete(parser_.request(), upload->about.name, upload->about.type);
  std::optional<std::uint64_t> length;
  if (chunked) {
    answer.headers.add("Transfer-Encoding", "chunked");
  } else {
    length = upload->length()->value();
  }
  auto const head = head_of(answer, length);
  bool whole = co_await write_all(head);
  if (whole && !head_only_) whole = co_await send_following(plan.id, upload->length());
  if (!whole) co_return After::close;
  co_return co_await settle_body(After::linger);
}

asio::awaitable<bool> HttpConnection::send_following(std::string id,
                                                     std::optional<ByteCount> length) {
  Follower follower(host_->loop, host_->gateway, std::move(id), length);
  LargeBuffer buffer(host_->buffers);
  std::string framing;
  while (true) {
    std::span<std::byte> const into = buffer.span();
    auto const count = co_await follower.read(into);
    if (!count) co_return false;
    if (!length) {
      framing = chunk_head(*count);
      bool const announced = co_await write_all(framing);
      if (!announced) co_return false;
    }
    std::string_view const bytes(reinterpret_cast<char const*>(into.data()), *count);
    bool written = co_await write_all(bytes);
    if (written && !length) written = co_await write_all("\r\n");
    if (!written) co_return false;
    if (*count == 0) co_return true;
    host_->gateway.delivered(ByteCount{*count});
  }
}

// What came of an upload that fails is forgotten, and who reads it sees it end early.
asio::awaitable<HttpConnection::After> HttpConnection::receive_live(web::ReceiveFile plan) {
  using Stored = Result<web::StoredFile>;
  auto const uploads = host_->resumable;
  auto const writer = co_await uploads->begin_live(plan.upload);
  if (!writer) {
    Stored const refused = tl::unexpected(writer.error());
    auto answer = host_->service.stored(parser_.request(), refused);
    co_return co_await reply(std::move(answer));
  }
  bool const going = co_await continue_expected();
  Result<void> written = fail(Fault::cancelled, "the client went away");
  if (going) written = co_await write_parts(*writer);
  bool const whole = going && state_ == web::ParseState::complete;
  if (written && whole) written = co_await (*writer)->finish(true);
  Stored stored = fail(Fault::incomplete, "the upload ended before all of its bytes had come");
  if (written && whole) stored = co_await uploads->store_live((*writer)->id(), plan.upload);
  if (!written) stored = tl::unexpected(written.error());
  if (!stored) {
    asio::co_spawn(host_->loop, uploads->terminate((*writer)->id()), keeping_result(uploads));
  }
  if (state_ == web::ParseState::failed) {
    auto answer = host_->service.malformed(parser_.failure());
    co_return co_await reply(std::move(answer));
  }
  if (written && !whole) co_return After::close;
  auto answer = host_->service.stored(parser_.request(), stored);
  co_return co_await reply(std::move(answer));
}

}  // namespace chisme::node
