#pragma once

#include <cstddef>
#include <deque>
#include <map>
#include <optional>
#include <span>
#include <vector>

#include "cluster/load/balancer.hpp"
#include "cluster/load/load_probes.hpp"
#include "cluster/load/load_table.hpp"
#include "cluster/load/redirect_tally.hpp"
#include "cluster/view.hpp"
#include "tests/simulation/balance/server.hpp"
#include "tests/simulation/balance/setting.hpp"

namespace chisme::simulation::balance {

[[nodiscard]] NodeId node_id(std::size_t index);
[[nodiscard]] std::size_t index_of(NodeId node);
// Moments of the model on the line of time that `cluster/` knows. Its slow start is over at 0.
[[nodiscard]] Instant instant(double now);

// Knowledge is what each node knows of the others' load: samples that are `sample_age` old, its own
// redirects since, answers to its probes, and its own state as it is now. Everything is kept by the
// classes that a node keeps it by.
class Knowledge {
 public:
  static constexpr double sample_period = 0.1;  // as the node's own probe measures

  Knowledge(Setting const& setting, std::vector<Server> const& servers);

  // Every node measures itself; samples that have become old enough are known to all.
  void sample(double now);
  // A stream began on `node`.
  void arrived(std::size_t node) { ++meters_[node].arrivals; }

  // The cluster as `observer` sees it, right as far as `holders` are concerned. Valid until the
  // next call.
  [[nodiscard]] cluster::ClusterView const& view(std::size_t observer,
                                                 std::span<NodeId const> holders, double now);
  // What `observer` can choose from.
  [[nodiscard]] std::vector<cluster::Candidate> candidates(std::size_t observer,
                                                           std::span<NodeId const> holders,
                                                           double now);
  // `observer` sends a client to `target`.
  void redirected(std::size_t observer, std::size_t target, double now);
  // `observer` asks those holders whose samples are too old. Returns how many it asked.
  std::size_t probe(std::size_t observer, std::span<NodeId const> holders, double now);

 private:
  // A node's own figures, as the host measures them.
  struct Meter {
    double arrivals = 0;       // since the last sample
    double arrival_rate = 0;   // EWMA 10 s
    double delivered = 0;      // seconds of work until the last sample
    double delivery_rate = 0;  // EWMA 2 s
  };
  struct Sample {
    cluster::LoadRecord record;
    double measured = 0;
  };
  [[nodiscard]] Sample const* known(std::size_t observer, std::size_t node, double now) const;

  double sample_age_;
  std::vector<Server> const& servers_;
  std::vector<Meter> meters_;
  std::vector<cluster::LoadTable> tables_;
  std::vector<std::deque<Sample>> gossiped_;  // the first is known to all, the others are not yet
  std::vector<std::map<std::size_t, Sample>> answered_;  // by observer: to its probes
  std::vector<cluster::RedirectTally> tallies_;
  std::vector<cluster::WantedLoads> wanted_;
  std::vector<cluster::LoadProbes> probes_;
  cluster::ClusterView view_;
};

}  // namespace chisme::simulation::balance
