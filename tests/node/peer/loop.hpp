#pragma once

#include <asio/io_context.hpp>
#include <chrono>
#include <functional>

namespace chisme::node::test {

// Runs the loop until `condition` holds; false when it does not in time.
inline bool run_until(asio::io_context& loop, std::function<bool()> const& condition,
                      std::chrono::seconds limit = std::chrono::seconds{10}) {
  auto const deadline = std::chrono::steady_clock::now() + limit;
  while (!condition()) {
    if (std::chrono::steady_clock::now() > deadline) return false;
    loop.restart();
    loop.run_one_for(std::chrono::milliseconds{10});
  }
  return true;
}

}  // namespace chisme::node::test
