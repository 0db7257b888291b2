#pragma once

#include <asio/io_context.hpp>
#include <cstddef>
#include <functional>
#include <memory>

#include "cluster/base/identity.hpp"
#include "node/peer/transport.hpp"
#include "node/storage/disk_pool.hpp"
#include "node/storage/object_store.hpp"

namespace chisme::node {

struct TransferServerLimits {
  std::size_t connections_max = 512;  // more are closed at once
  Duration idle_timeout = std::chrono::seconds{60};
  Duration progress_timeout = std::chrono::seconds{30};
};

// TransferServer answers other nodes' pulls (by sendfile) and takes their pushes: a pushed object
// is staged while it arrives, and on its end verified, synced and made visible before it is
// answered.
//
// Runs on its own loop, so that large transfers do not delay the protocol. `adopt` may be called
// from any thread; the callbacks are called on the loop.
class TransferServer {
 public:
  struct Host {
    ObjectStore& objects;
    DiskPool& disk;
    // A push is answered once `known` was called, once and on any thread: who is answered may ask
    // the core about the object at once, and must not overtake the news of it.
    std::function<void(StoredObject, std::function<void()> known)> on_stored;
    std::function<void(Digest)> on_corrupt;  // a local object that is not what it was
    std::function<void(ByteCount)> on_sent;  // an answered pull's bytes went out
  };
  TransferServer(asio::io_context& loop, Host host, TransferServerLimits limits = {});
  ~TransferServer();
  TransferServer(TransferServer const&) = delete;
  TransferServer& operator=(TransferServer const&) = delete;

  // Takes the connection over, its descriptor included.
  void adopt(TransferConnection connection);

 private:
  struct State;
  std::shared_ptr<State> state_;
};

}  // namespace chisme::node
