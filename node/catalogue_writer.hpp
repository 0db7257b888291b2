#pragma once

#include <asio/io_context.hpp>
#include <asio/steady_timer.hpp>
#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "cluster/base/result.hpp"
#include "cluster/effect.hpp"
#include "node/storage/catalogue_store.hpp"
#include "node/storage/disk_pool.hpp"

namespace chisme::node {

// CatalogueWriter makes a core's saves durable, in order, by group commit: while one batch is being
// synced the next one gathers, and each batch is one transaction.
//
// A batch that does not fit on the disk is tried again every second: nothing of it was answered.
// Meanwhile the catalogue is full, which `on_full` is told, and again when it no longer is. What
// gathers then, and while a sync takes long, is bounded by the catalogue (CatalogueBatch); clients'
// writes in it by cluster::Limits, which refuses more.
// After any other failure nothing is saved any more, and what is given is dropped: the store has
// closed the node's fence. The control loop's thread; the callbacks are on it too.
class CatalogueWriter {
 public:
  // This save is durable, and all before it: those of one batch are told of once.
  using OnSaved = std::function<void(cluster::SaveId)>;
  using OnFull = std::function<void(bool)>;
  // A transaction is durable, so long after it was given to the disk.
  using OnWritten = std::function<void(Duration)>;
  // `loop`, `store` and `disk` must outlive it.
  CatalogueWriter(asio::io_context& loop, CatalogueStore& store, DiskPool& disk, OnSaved on_saved,
                  OnFull on_full, OnWritten on_written = nullptr);
  ~CatalogueWriter();
  CatalogueWriter(CatalogueWriter const&) = delete;
  CatalogueWriter& operator=(CatalogueWriter const&) = delete;

  void save(cluster::SaveCatalogue save);
  void save_peers(std::vector<cluster::KnownPeer> peers);
  // Records that gather for the next batch.
  [[nodiscard]] std::size_t waiting() const;

 private:
  struct State;
  std::shared_ptr<State> state_;
};

}  // namespace chisme::node
