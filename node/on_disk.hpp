#pragma once

#include <asio/async_result.hpp>
#include <asio/awaitable.hpp>
#include <asio/post.hpp>
#include <asio/this_coro.hpp>
#include <asio/use_awaitable.hpp>
#include <functional>
#include <memory>
#include <optional>
#include <type_traits>
#include <utility>

#include "cluster/base/result.hpp"

namespace chisme::node {

// Runs `job`, which returns a Result, on the disk pool and continues on the coroutine's own loop.
// `poster` points to a DiskPool, or to one of its Lanes. Faults: busy (the pool's queue is full:
// the job did not run), and the job's own.
template <class Poster, class Job>
asio::awaitable<std::invoke_result_t<Job&>> on_disk(Poster poster, Job job) {
  using Outcome = std::invoke_result_t<Job&>;
  auto const executor = co_await asio::this_coro::executor;
  auto const outcome = std::make_shared<std::optional<Outcome>>();
  auto const shared_job = std::make_shared<Job>(std::move(job));
  auto const initiate = [&](auto&& handler) {
    using Handler = std::decay_t<decltype(handler)>;
    auto const waiting = std::make_shared<Handler>(std::forward<decltype(handler)>(handler));
    auto const resume = [waiting, executor] {
      asio::post(executor, [waiting] {
        Handler resumed = std::move(*waiting);
        resumed();
      });
    };
    bool const posted = poster->post([outcome, shared_job, resume] {
      outcome->emplace((*shared_job)());
      resume();
    });
    if (!posted) resume();
  };
  co_await asio::async_initiate<asio::use_awaitable_t<> const, void()>(initiate,
                                                                       asio::use_awaitable);
  if (!*outcome) co_return fail(Fault::busy, "the disk has too much to do");
  co_return std::move(**outcome);
}

}  // namespace chisme::node
