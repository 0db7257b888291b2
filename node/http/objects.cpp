#include <algorithm>
#include <asio/buffer.hpp>
#include <asio/post.hpp>
#include <asio/redirect_error.hpp>
#include <asio/use_awaitable.hpp>
#include <asio/write.hpp>
#include <string_view>
#include <utility>

#include "node/http/await.hpp"
#include "node/http/connection.hpp"

// Bodies that go out: local objects by sendfile, others' objects through a buffer.
namespace chisme::node {

// Head and bytes go out in one packet, if they fit.
asio::awaitable<HttpConnection::After> HttpConnection::send_from_memory(
    web::SendObject plan, std::shared_ptr<std::string const> object) {
  auto const head = head_of(plan.head, plan.length.value());
  auto const bytes = std::string_view{*object}.substr(plan.offset.value(), plan.length.value());
  bool const whole = co_await write_all(head, bytes);
  if (!whole) co_return After::close;
  host_->gateway.delivered(plan.length);
  co_return co_await settle_body(After::linger);
}

asio::awaitable<HttpConnection::After> HttpConnection::send_object(web::SendObject plan) {
  if (auto bytes = head_only_ ? nullptr : host_->gateway.in_memory(plan.file.digest)) {
    co_return co_await send_from_memory(std::move(plan), std::move(bytes));
  }
  std::shared_ptr<web::OpenObject const> object;
  if (!head_only_) {
    auto opened = host_->gateway.open(plan.file.digest);
    if (!opened) {
      // The copy went after the plan was made, or is damaged; other holders still have the file.
      web::RelayObject instead{std::move(plan.head), std::move(plan.file), plan.offset,
                               plan.length};
      co_return co_await relay_object(std::move(instead));
    }
    object = std::move(*opened);
    auto const first = std::min(plan.length, web::OpenObject::verified_at_once);
    bool const right = co_await are_right(object, plan.offset, first);
    if (!right) {
      web::RelayObject instead{std::move(plan.head), std::move(plan.file), plan.offset,
                               plan.length};
      co_return co_await relay_object(std::move(instead));
    }
  }
  auto const head = head_of(plan.head, plan.length.value());
  bool whole = false;
  if (object && plan.length.value() > 0) {
    whole = co_await send_bytes(head, object, plan.offset, plan.length);
  } else {
    whole = co_await write_all(head);
  }
  if (!whole) co_return After::close;
  co_return co_await settle_body(After::linger);
}

// Bytes that rotted must not leave; the copy is then looked at, and others may have the file.
asio::awaitable<bool> HttpConnection::are_right(std::shared_ptr<web::OpenObject const> object,
                                                ByteOffset offset, ByteCount length) {
  if (object->is_trusted(offset, length)) co_return true;
  auto start = [&](web::Done<void> done) { object->verify(offset, length, std::move(done)); };
  auto const verified = co_await await_done<void>(host_->loop, start);
  co_return verified.has_value();
}

asio::awaitable<bool> HttpConnection::send_bytes(std::string_view head,
                                                 std::shared_ptr<web::OpenObject const> object,
                                                 ByteOffset offset, ByteCount length) {
  while (length.value() > 0) {
    auto const step = std::min(length, web::OpenObject::verified_at_once);
    bool const right = co_await are_right(object, offset, step);
    if (!right) own_fault_ = true;
    if (!right) co_return false;
    bool const sent = co_await send_verified(head, object, offset, step);
    if (!sent) co_return false;
    head = {};
    offset = offset + step;
    length -= step;
  }
  co_return true;
}

asio::awaitable<bool> HttpConnection::send_verified(std::string_view head,
                                                    std::shared_ptr<web::OpenObject const> object,
                                                    ByteOffset offset, ByteCount length) {
  SendingObject sending{object->descriptor(), static_cast<std::int64_t>(offset.value()),
                        length.value()};
  asio::error_code error;
  auto token = asio::redirect_error(asio::use_awaitable, error);
  while (socket_.is_open()) {
    std::uint64_t const before = sending.left;
    Sent const sent = socket_.send_object(head, sending);
    host_->gateway.delivered(ByteCount{before - sending.left});
    if (sent == Sent::all) co_return true;
    if (sent == Sent::failed) co_return false;
    if (sent == Sent::some) {
      co_await asio::post(host_->loop, asio::use_awaitable);
    } else {
      expect_progress(Moving::out);
      co_await socket_.tcp().async_wait(asio::ip::tcp::socket::wait_write, token);
      expect_nothing();
      if (error) co_return false;
    }
  }
  co_return false;
}

asio::awaitable<HttpConnection::After> HttpConnection::relay_object(web::RelayObject plan) {
  std::shared_ptr<web::RemoteRead> source;
  if (is_short_of_memory()) {
    host_->settings.counters->refuse(Refused::memory);
    Error const busy{Fault::busy, "this node relays as much as it has memory for"};
    auto answer = host_->service.failed(parser_.request(), busy);
    co_return co_await reply(std::move(answer));
  }
  LargeBuffer buffer(host_->buffers);
  std::size_t first = 0;
  if (!head_only_ && plan.length.value() > 0) {
    // The first bytes come before the head, so that a file without a source in reach is an error
    // that the client can understand.
    source = host_->gateway.relay(plan.file, plan.offset, plan.length);
    auto start = [&](web::Done<std::size_t> done) { source->read(buffer.span(), std::move(done)); };
    auto const read = co_await await_done<std::size_t>(host_->loop, start);
    if (!read || *read == 0) {
      auto const error =
          read ? Error{Fault::unavailable, "the file's holders sent nothing"} : read.error();
      auto answer = host_->service.failed(parser_.request(), error);
      co_return co_await reply(std::move(answer));
    }
    first = *read;
  }
  auto const head = head_of(plan.head, plan.length.value());
  bool whole = co_await write_all(head);
  if (whole && source) whole = co_await relay_bytes(source, buffer.span(), first, plan.length);
  if (!whole) co_return After::close;
  co_return co_await settle_body(After::linger);
}

// Writes the `first` bytes of `buffer` and then what `source` still has; false when it has fewer
// than `length`: the client then sees the connection end early.
asio::awaitable<bool> HttpConnection::relay_bytes(std::shared_ptr<web::RemoteRead> source,
                                                  std::span<std::byte> buffer, std::size_t first,
                                                  ByteCount length) {
  std::uint64_t left = length.value();
  std::size_t count = first;
  auto start = [&](web::Done<std::size_t> done) { source->read(buffer, std::move(done)); };
  while (true) {
    count = static_cast<std::size_t>(std::min<std::uint64_t>(count, left));
    std::string_view const piece(reinterpret_cast<char const*>(buffer.data()), count);
    bool const written = co_await write_all(piece);
    if (!written) co_return false;
    host_->gateway.delivered(ByteCount{count});
    left -= count;
    if (left == 0) co_return true;
    auto const read = co_await await_done<std::size_t>(host_->loop, start);
    if (!read || *read == 0) {
      own_fault_ = true;
      co_return false;
    }
    count = *read;
  }
}

}  // namespace chisme::node
