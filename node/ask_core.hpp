#pragma once

#include <asio/async_result.hpp>
#include <asio/awaitable.hpp>
#include <asio/post.hpp>
#include <asio/this_coro.hpp>
#include <asio/use_awaitable.hpp>
#include <memory>
#include <optional>
#include <utility>

#include "node/core_driver.hpp"

namespace chisme::node {

// Asks the core for a write and continues on the coroutine's own loop with what became of it.
inline asio::awaitable<Result<cluster::WriteOutcome>> ask_core(CoreDriver* core,
                                                               cluster::WriteRequested request) {
  auto const executor = co_await asio::this_coro::executor;
  auto const outcome = std::make_shared<std::optional<Result<cluster::WriteOutcome>>>();
  auto const initiate = [&](auto&& handler) {
    using Handler = std::decay_t<decltype(handler)>;
    auto const waiting = std::make_shared<Handler>(std::forward<decltype(handler)>(handler));
    core->write(std::move(request), [waiting, executor, outcome](auto result) {
      outcome->emplace(std::move(result));
      asio::post(executor, [waiting] {
        Handler resumed = std::move(*waiting);
        resumed();
      });
    });
  };
  co_await asio::async_initiate<asio::use_awaitable_t<> const, void()>(initiate,
                                                                       asio::use_awaitable);
  co_return std::move(**outcome);
}

}  // namespace chisme::node
