#pragma once

#include <sys/socket.h>

#include <asio/executor_work_guard.hpp>
#include <asio/io_context.hpp>
#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <span>
#include <string_view>

#include "cluster/base/check.hpp"
#include "node/storage/disk_pool.hpp"
#include "node/storage/object_store.hpp"
#include "tests/fuzz/directory.hpp"

namespace chisme::fuzz {

// What a node's transfers stand on: objects in a directory of memory, a disk pool, a loop. Made
// once for a program. One thread.
class Stores {
 public:
  Stores() : objects_{std::move(node::ObjectStore::open(directory_.path()).value())} {}

  [[nodiscard]] node::ObjectStore& objects() { return *objects_; }
  [[nodiscard]] node::DiskPool& disk() { return disk_; }
  [[nodiscard]] asio::io_context& loop() { return loop_; }

  Digest keep(std::string_view bytes) {
    auto staged = objects_->stage(ByteCount{bytes.size()});
    CHECK(staged && staged->append(std::as_bytes(std::span{bytes.data(), bytes.size()})));
    Digest const digest = objects_->commit(std::move(*staged), std::nullopt).value().digest;
    objects_->settle(digest);
    return digest;
  }
  // Removes what came, so that the directory does not grow.
  void forget(Digest const& digest) {
    objects_->settle(digest);
    if (auto const copy = objects_->settled_copy(digest)) {
      CHECK(objects_->remove(digest, *copy).has_value());
    }
  }
  // Runs the loop until `done` holds, which it must within seconds.
  void run_until(std::function<bool()> const& done) {
    auto const until = std::chrono::steady_clock::now() + std::chrono::seconds{5};
    loop_.restart();
    while (!done()) {
      CHECK(std::chrono::steady_clock::now() < until);
      loop_.run_one_for(std::chrono::milliseconds{5});
    }
    loop_.poll();
  }

 private:
  Directory directory_;
  std::unique_ptr<node::ObjectStore> objects_;
  node::DiskPool disk_{1};
  asio::io_context loop_{1};
  asio::executor_work_guard<asio::io_context::executor_type> work_{loop_.get_executor()};
};

}  // namespace chisme::fuzz
