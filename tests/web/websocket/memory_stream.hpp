#pragma once

#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "cluster/base/check.hpp"
#include "web/byte_stream.hpp"

namespace chisme::web {

// A loop with virtual time.
class TestLoop {
 public:
  void post(std::function<void()> call) { ready_.push_back(std::move(call)); }
  void run() {
    while (!ready_.empty()) {
      auto const next = std::move(ready_.front());
      ready_.pop_front();
      next();
    }
  }
  void advance(Duration by) {
    Duration const until = now_ + by;
    run();
    while (!timers_.empty() && timers_.begin()->first <= until) {
      auto const due = timers_.begin();
      now_ = due->first;
      auto const call = std::move(due->second);
      timers_.erase(due);
      call();
      run();
    }
    now_ = until;
  }
  void at(Duration delay, std::function<void()> call) {
    timers_.emplace(now_ + delay, std::move(call));
  }

 private:
  Duration now_{};
  std::deque<std::function<void()>> ready_;
  std::multimap<Duration, std::function<void()>> timers_;
};

// What the test's client sees of a connection.
struct ClientEnd {
  std::string received;                // from the server, to be taken by the test
  std::string to_send;                 // for the server, as it reads
  bool ended = false;                  // the client ends its side after `to_send`
  bool reads = true;                   // false: the server's writes stay pending
  std::uint64_t taken = 0;             // bytes that its system took all the same
  bool server_ended = false;           // the server ended its side, or closed
  std::size_t sent = 0;                // bytes that the server took
  std::function<void()> wake = [] {};  // after any change of the above
};

class MemoryStream final : public ByteStream {
 public:
  MemoryStream(TestLoop& loop, std::shared_ptr<ClientEnd> client)
      : loop_(loop), client_(std::move(client)) {
    client_->wake = [this] { go_on(); };
  }
  ~MemoryStream() override {
    *alive_ = false;
    client_->wake = [] {};
    client_->server_ended = true;
  }
  MemoryStream(MemoryStream const&) = delete;
  MemoryStream& operator=(MemoryStream const&) = delete;

  void read(std::span<std::byte> into, Done<std::size_t> done) override {
    CHECK(!read_done_);
    into_ = into;
    read_done_ = std::move(done);
    go_on();
  }
  void write(std::string bytes, Done<void> done) override {
    CHECK(!write_done_);
    outgoing_ = std::move(bytes);
    write_done_ = std::move(done);
    go_on();
  }
  void write_object(std::string header, std::shared_ptr<OpenObject const> object, ByteOffset offset,
                    ByteCount length, Done<void> done) override {
    std::string bytes(length.value(), '\0');
    CHECK(::pread(object->descriptor(), bytes.data(), bytes.size(),
                  static_cast<off_t>(offset.value())) == std::ssize(bytes));
    write(header + bytes, std::move(done));
  }
  std::optional<std::uint64_t> taken_bytes() const override { return client_->taken; }
  std::unique_ptr<Timer> after(Duration delay, std::function<void()> then) override {
    auto alive = std::make_shared<bool>(true);
    loop_.at(delay, [alive, call = std::move(then)] {
      if (*alive) call();
    });
    return std::make_unique<TestTimer>(std::move(alive));
  }
  void close_gently() override {
    client_->server_ended = true;
    close();
  }
  void close() override {
    client_->server_ended = true;
    closed_ = true;
    go_on();
  }

 private:
  struct TestTimer final : Timer {
    explicit TestTimer(std::shared_ptr<bool> running) : alive(std::move(running)) {}
    ~TestTimer() override { *alive = false; }
    TestTimer(TestTimer const&) = delete;
    TestTimer& operator=(TestTimer const&) = delete;
    std::shared_ptr<bool> alive;
  };

  void go_on() {
    loop_.post([this, alive = alive_] {
      if (*alive) finish_write();
      if (*alive) finish_read();
    });
  }
  void finish_write() {
    if (!write_done_ || (!closed_ && !client_->reads)) return;
    auto const done = std::exchange(write_done_, nullptr);
    if (closed_) return done(fail(Fault::cancelled, "closed"));
    client_->received += std::exchange(outgoing_, {});
    done({});
  }
  void finish_read() {
    if (!read_done_ || (!closed_ && client_->to_send.empty() && !client_->ended)) return;
    auto const done = std::exchange(read_done_, nullptr);
    if (closed_) return done(fail(Fault::cancelled, "closed"));
    std::size_t const count = std::min(into_.size(), client_->to_send.size());
    std::memcpy(into_.data(), client_->to_send.data(), count);
    client_->to_send.erase(0, count);
    client_->sent += count;
    done(count);
  }

  TestLoop& loop_;
  std::shared_ptr<ClientEnd> client_;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
  std::span<std::byte> into_;
  Done<std::size_t> read_done_;
  std::string outgoing_;
  Done<void> write_done_;
  bool closed_ = false;
};

}  // namespace chisme::web
