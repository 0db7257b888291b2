#pragma once

#include <asio/async_result.hpp>
#include <asio/awaitable.hpp>
#include <asio/io_context.hpp>
#include <asio/post.hpp>
#include <asio/use_awaitable.hpp>
#include <memory>
#include <utility>

#include "cluster/base/result.hpp"
#include "web/gateway.hpp"

namespace chisme::node {

// Waits for a call that answers by a `web::Done<T>`: `start` is given the Done. The coroutine goes
// on from the loop, even when the Done is called from within `start`. If the Done is destroyed
// without a call, so is the coroutine.
template <class T, class Start>
asio::awaitable<Result<T>> await_done(asio::io_context& loop, Start start) {
  auto initiate = [&loop, &start](auto handler) {
    auto const held = std::make_shared<decltype(handler)>(std::move(handler));
    start(web::Done<T>([&loop, held](Result<T> result) {
      asio::post(loop, [held, answer = std::move(result)]() mutable {
        std::move (*held)(std::move(answer));
      });
    }));
  };
  co_return co_await asio::async_initiate<asio::use_awaitable_t<> const, void(Result<T>)>(
      initiate, asio::use_awaitable);
}

// `Gateway::begin_upload`, in a handle that a coroutine can share.
inline asio::awaitable<Result<std::shared_ptr<web::Upload>>> begin_upload(
    asio::io_context& loop, web::Gateway& gateway, web::UploadRequest request) {
  auto start = [&gateway, &request](web::Done<std::shared_ptr<web::Upload>> done) {
    gateway.begin_upload(request, [done](Result<std::unique_ptr<web::Upload>> upload) {
      if (!upload) return done(tl::unexpected(upload.error()));
      done(std::shared_ptr<web::Upload>(std::move(*upload)));
    });
  };
  co_return co_await await_done<std::shared_ptr<web::Upload>>(loop, start);
}

}  // namespace chisme::node
