#pragma once

#include <asio/co_spawn.hpp>
#include <asio/detached.hpp>
#include <asio/post.hpp>
#include <chrono>
#include <filesystem>
#include <functional>
#include <future>
#include <memory>
#include <random>
#include <stdexcept>
#include <string>
#include <vector>

#include "node/config.hpp"
#include "node/event_loop.hpp"
#include "node/peer/transfer_server.hpp"
#include "node/peer/transport.hpp"
#include "node/storage/disk_pool.hpp"
#include "node/storage/object_store.hpp"

namespace chisme::node::test {

using Bytes = std::vector<std::byte>;

// A directory that goes with the test.
class Directory {
 public:
  Directory() {
    std::string name = (std::filesystem::temp_directory_path() / "chisme-test-XXXXXX").string();
    if (::mkdtemp(name.data()) == nullptr) throw std::runtime_error("mkdtemp");
    path_ = name;
  }
  ~Directory() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  Directory(Directory const&) = delete;
  Directory& operator=(Directory const&) = delete;
  [[nodiscard]] std::filesystem::path const& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

inline Bytes random_bytes(std::size_t size, std::uint32_t seed = 1) {
  std::mt19937 random{seed};
  Bytes bytes(size);
  for (std::byte& byte : bytes) byte = static_cast<std::byte>(random());
  return bytes;
}

// The future's value; fails when it does not come in time.
template <class T>
T wait_for(std::future<T> future, std::chrono::seconds limit = std::chrono::seconds{20}) {
  if (future.wait_for(limit) != std::future_status::ready) throw std::runtime_error("too late");
  return future.get();
}

// What `question` answers on the loop's thread.
template <class Question>
auto on_loop(EventLoop& loop, Question question) {
  auto const promise = std::make_shared<std::promise<decltype(question())>>();
  asio::post(loop.context(), [promise, question] {
    if constexpr (std::is_void_v<decltype(question())>) {
      question();
      promise->set_value();
    } else {
      promise->set_value(question());
    }
  });
  return wait_for(promise->get_future());
}

// A node's peer side: its objects, its port, its transfer server. Ending it is a crash to others.
class Holder {
 public:
  explicit Holder(std::filesystem::path const& data, std::span<Secret const> secrets = {})
      : objects_{open(data)} {
    if (!secrets.empty()) keys_.replace(KeyRing{secrets});
    transport_ = std::make_unique<PeerTransport>(
        loop_.context(), PeerTransport::Self{{1, 1}, Epoch{1}, NodeConfig::loopback_endpoint(0)},
        narrow_paths_, keys_);
    if (!transport_->bind()) throw std::runtime_error("bind");
    disk_ = std::make_unique<DiskPool>(2);
    server_ = std::make_unique<TransferServer>(
        loop_.context(), TransferServer::Host{*objects_, *disk_,
                                              [this](StoredObject, std::function<void()> known) {
                                                ++stored_;
                                                if (!on_stored_) return known();
                                                on_stored_(std::move(known));
                                              },
                                              [](Digest) {}, [](ByteCount) {}});
    transport_->start({[](cluster::Channel, cluster::Envelope) {}, [](Endpoint) {},
                       [this](TransferConnection taken) { server_->adopt(taken); }});
    loop_.start();
  }
  ~Holder() {
    loop_.stop_and_join();
    disk_.reset();
  }
  Holder(Holder const&) = delete;
  Holder& operator=(Holder const&) = delete;

  // Stores bytes as its own copy.
  Digest keep(Bytes const& bytes) {
    auto staged = objects_->stage(ByteCount{bytes.size()});
    if (!staged || !staged->append(bytes)) throw std::runtime_error("stage");
    return objects_->commit(std::move(*staged), std::nullopt).value().digest;
  }
  [[nodiscard]] Endpoint peer() const { return transport_->local(); }
  [[nodiscard]] ObjectStore& objects() { return *objects_; }
  [[nodiscard]] DiskPool& disk() { return *disk_; }
  // From now on the news of a pushed object goes there, and the push waits for it to be known.
  void when_stored(std::function<void(std::function<void()> known)> told) {
    on_loop(loop_, [&] { on_stored_ = std::move(told); });
  }
  [[nodiscard]] int stored() {
    return on_loop(loop_, [this] { return stored_; });
  }

 private:
  static std::unique_ptr<ObjectStore> open(std::filesystem::path const& data) {
    std::filesystem::create_directories(data);
    auto opened = ObjectStore::open(data);
    if (!opened) throw std::runtime_error(opened.error().message);
    return std::move(*opened);
  }
  std::unique_ptr<ObjectStore> objects_;
  NarrowPaths narrow_paths_;
  PeerKeys keys_;
  EventLoop loop_;
  std::unique_ptr<PeerTransport> transport_;
  std::unique_ptr<TransferServer> server_;
  std::unique_ptr<DiskPool> disk_;
  int stored_ = 0;
  std::function<void(std::function<void()>)> on_stored_;
};

}  // namespace chisme::node::test
