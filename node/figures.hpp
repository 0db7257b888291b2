#pragma once

#include <memory>
#include <mutex>
#include <vector>

#include "cluster/base/strong.hpp"
#include "cluster/base/time.hpp"
#include "cluster/effect.hpp"
#include "cluster/input.hpp"
#include "node/http/client_counters.hpp"
#include "node/http/clients.hpp"

namespace prometheus {
struct MetricFamily;
}

namespace chisme::node {

// NodeFigures is what is counted of what happens seldom: in Prometheus' own registry, by handles
// that are found once. What happens often has plain counters, of which this one knows where those
// of the web loops are. Thread-safe, but for `watch`.
class NodeFigures {
 public:
  NodeFigures();
  ~NodeFigures();
  NodeFigures(NodeFigures const&) = delete;
  NodeFigures& operator=(NodeFigures const&) = delete;

  void happened(cluster::Event const& event, NodeId self);
  // From when a batch of records was given to the disk until it was synced.
  void committed(Duration waited);
  void sampled(cluster::LoadSampled const& sample);
  // A copy came, because this node asked for it, or by another node's push of an upload.
  void copied(ByteCount size);
  void pushed_here(ByteCount size);

  // Before the loops run: one more of them.
  void watch(std::shared_ptr<ClientCounters const> loop);
  // Who the clients of all loops are from now on; those of before count until they have gone. Any
  // thread.
  void watch(std::shared_ptr<Clients const> const& clients);
  [[nodiscard]] std::vector<std::shared_ptr<ClientCounters const>> const& loops() const;
  [[nodiscard]] std::size_t connections() const;

  // What the registry has.
  [[nodiscard]] std::vector<prometheus::MetricFamily> collect() const;

 private:
  struct Handles;
  std::unique_ptr<Handles> handles_;
  std::vector<std::shared_ptr<ClientCounters const>> loops_;
  mutable std::mutex mutex_;  // of what follows
  std::vector<std::weak_ptr<Clients const>> clients_;
};

}  // namespace chisme::node
