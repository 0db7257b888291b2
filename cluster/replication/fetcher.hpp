#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <set>
#include <vector>

#include "cluster/catalogue/catalogue.hpp"
#include "cluster/effect.hpp"
#include "cluster/input.hpp"
#include "cluster/replication/situation.hpp"
#include "cluster/sizes.hpp"

namespace chisme::cluster {

// Fetcher brings objects here that a coordinator (Repairer) wants this node to hold, at most
// `transfers_in_max` at a time. At most `queued_max` (Limits::fetches) wait; more are refused.
//
// Who asked is told by a CatalogueDelta with this node's Have, once that is on disk, or by
// FetchFailed: a transfer that fails is not tried again here. A source whose bytes did not have the
// digest is told to verify its copy. While this node is busy, half as many run at a time. Of
// objects that are here already, as many are waited for as transfers: who asks for more asks again.
//
// Pure; one thread owns it.
class Fetcher {
 public:
  Fetcher(unsigned transfers_in_max, std::size_t queued_max)
      : transfers_in_max_(transfers_in_max), queued_max_(queued_max) {}

  void handle(Envelope const& from, FetchObject const& request, Catalogue const& catalogue,
              Situation const& situation, Effects& out);
  // The object, if a copy of it came.
  std::optional<Digest> handle(TransferFinished const& transfer, Catalogue const& catalogue,
                               Situation const& situation, Effects& out);
  // Starts what waits, if there is room: the load may have fallen.
  void tick(Catalogue const& catalogue, Situation const& situation, Effects& out) {
    start_next(catalogue, situation, out);
  }
  // Something became durable: says so to those who wait for it.
  void saved(Catalogue const& catalogue, Situation const& situation, Effects& out);
  void add_sizes(TableSizes& out) const {
    out.push_back({"transfers", running_.size(), transfers_in_max_, is_work});
    out.push_back({"transfers that wait", queued_.size(), queued_max_, is_work});
    out.push_back({"objects that others wait for", askers_.size(), askers_max(), is_work});
  }

 private:
  struct Wanted {
    Digest digest;
    ByteCount size;
    std::vector<NodeId> sources;
  };
  struct Run {
    Digest digest;
    NodeId source;  // the first of them
  };
  [[nodiscard]] bool is_under_way(Digest const& digest) const;
  [[nodiscard]] std::size_t askers_max() const { return 2 * (transfers_in_max_ + queued_max_); }
  void refuse(Digest const& digest, Situation const& situation, Effects& out);
  void start_next(Catalogue const& catalogue, Situation const& situation, Effects& out);
  bool start(Wanted const& wanted, Situation const& situation, Effects& out);

  unsigned transfers_in_max_;
  std::size_t queued_max_;
  TransferId last_transfer_;
  std::map<TransferId, Run> running_;
  std::deque<Wanted> queued_;
  std::map<Digest, std::set<NodeId>> askers_;  // of what is running, queued, or not durable yet
};

}  // namespace chisme::cluster
