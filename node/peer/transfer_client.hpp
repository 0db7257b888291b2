#pragma once

#include <asio/io_context.hpp>
#include <functional>
#include <memory>
#include <vector>

#include "cluster/base/identity.hpp"
#include "cluster/base/result.hpp"
#include "cluster/effect.hpp"
#include "node/peer/caller.hpp"
#include "node/storage/disk_pool.hpp"
#include "node/storage/object_store.hpp"

namespace chisme::node {

// TransferClient fetches objects from other holders for repair: it pulls from the first source that
// answers, goes on at the next from where the last one failed, and verifies the whole by its digest
// before it becomes visible. Bytes that do not match are thrown away and fetched anew from the
// sources not tried yet.
//
// Runs on the transfer loop; `start` and `cancel` may be called from any thread. The callbacks are
// called on the loop: `on_stored` for each object that was stored, even by a transfer that was
// cancelled too late; then `on_finished`, once for each transfer that was not cancelled.
class TransferClient {
 public:
  struct Finished {
    cluster::TransferId transfer;
    Result<StoredObject> result;
    std::vector<NodeId> corrupt;  // took part in bytes that had not the digest
  };
  struct Host {
    ObjectStore& objects;
    DiskPool& disk;
    Caller caller;
    std::function<void(StoredObject)> on_stored;
    std::function<void(Finished)> on_finished;
  };
  // `limit`: how long a source may make no progress.
  TransferClient(asio::io_context& loop, Host host, Duration limit = std::chrono::seconds{5});
  ~TransferClient();
  TransferClient(TransferClient const&) = delete;
  TransferClient& operator=(TransferClient const&) = delete;

  void start(cluster::StartTransfer transfer);
  void cancel(cluster::TransferId transfer);
  // How many are under way. From any thread.
  [[nodiscard]] std::size_t running() const;

 private:
  struct State;
  std::shared_ptr<State> state_;
};

}  // namespace chisme::node
