#pragma once

#include <gtest/gtest.h>

#include <asio/executor_work_guard.hpp>
#include <asio/io_context.hpp>
#include <asio/post.hpp>
#include <chrono>
#include <csignal>
#include <functional>
#include <future>
#include <optional>
#include <thread>

#include "cluster/base/check.hpp"
#include "node/http/listener.hpp"
#include "tests/node/http/client.hpp"

namespace chisme::node {

// A listener on loopback with a thread of its own, with a certificate where the test is over TLS.
// `gateway` belongs to that thread while it runs.
class Server {
 public:
  explicit Server(web::Gateway& gateway, HttpSettings settings = {})
      : listener_(std::in_place, loop_, gateway, with_tls(std::move(settings))) {
    std::signal(SIGPIPE, SIG_IGN);  // as a node does
    Endpoint where;
    where.address = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 127, 0, 0, 1};
    CHECK(listener_->listen(where).has_value());
    endpoint_ = listener_->local();
    thread_ = std::thread([this] { loop_.run(); });
  }
  ~Server() { stop(); }
  Server(Server const&) = delete;
  Server& operator=(Server const&) = delete;

  // Ends all connections and the thread; then the gateway may be looked at.
  void stop() {
    if (!thread_.joinable()) return;
    on_loop([this](HttpListener& listener) {
      listener.stop();
      work_.reset();
    });
    thread_.join();
    listener_.reset();
  }
  void on_loop(std::function<void(HttpListener&)> call) {
    std::promise<void> done;
    asio::post(loop_, [&] {
      call(*listener_);
      done.set_value();
    });
    done.get_future().wait();
  }
  // Waits until `holds` does, as seen from the loop.
  void wait_until(std::function<bool(HttpListener&)> holds) {
    auto const deadline = std::chrono::steady_clock::now() + std::chrono::seconds(20);
    bool held = false;
    while (!held && std::chrono::steady_clock::now() < deadline) {
      on_loop([&](HttpListener& listener) { held = holds(listener); });
      if (!held) std::this_thread::yield();
    }
    ASSERT_TRUE(held);
  }
  [[nodiscard]] Endpoint endpoint() const { return endpoint_; }

 private:
  static HttpSettings with_tls(HttpSettings settings) {
    if (over_of_test() == Over::tls) settings.tls = TlsFiles::of_tests().server();
    return settings;
  }
  asio::io_context loop_;
  asio::executor_work_guard<asio::io_context::executor_type> work_{loop_.get_executor()};
  std::optional<HttpListener> listener_;
  Endpoint endpoint_;
  std::thread thread_;
};

}  // namespace chisme::node
