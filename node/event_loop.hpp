#pragma once

#include <asio/executor_work_guard.hpp>
#include <asio/io_context.hpp>
#include <thread>

namespace chisme::node {

// EventLoop is one io_context and the thread that runs it. What hangs in the loop's handlers ends
// with the loop, so whatever handlers refer to must be declared before it.
class EventLoop {
 public:
  EventLoop() : guard_{context_.get_executor()} {}
  ~EventLoop() { stop_and_join(); }
  EventLoop(EventLoop const&) = delete;
  EventLoop& operator=(EventLoop const&) = delete;

  void start() {
    thread_ = std::thread{[this] { context_.run(); }};
  }
  // What was not run by then is never run.
  void stop_and_join() {
    context_.stop();
    if (thread_.joinable()) thread_.join();
  }
  [[nodiscard]] asio::io_context& context() { return context_; }

 private:
  asio::io_context context_{1};
  asio::executor_work_guard<asio::io_context::executor_type> guard_;
  std::thread thread_;
};

}  // namespace chisme::node
