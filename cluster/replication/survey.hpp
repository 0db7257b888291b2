#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <set>
#include <vector>

#include "cluster/catalogue/catalogue.hpp"
#include "cluster/replication/situation.hpp"
#include "cluster/sizes.hpp"

namespace chisme::cluster {

// Survey says which objects to look at next: those whose holders or names changed, and all that
// names refer to once membership changed or a disk ran nearly full, `slice` of them every 10 ms.
//
// Holds at most one entry per object that there is. Pure; one thread owns it.
class Survey {
 public:
  static constexpr std::size_t slice = 512;
  static constexpr Duration pause = std::chrono::milliseconds{10};

  explicit Survey(Instant now) : next_slice_(now) {}

  // Takes note of `touched` objects (Catalogue::take_touched). Returns those of them that are gone,
  // to be looked at now: a horizon may forget any number at once, which are not to wait here.
  [[nodiscard]] std::vector<Digest> touched(std::set<Digest> digests, Catalogue const& catalogue);
  // Everything is to be looked at (again).
  void rescan(Instant now);
  // Rescans if something changed that decides where copies belong: which members there are, their
  // states, zones and weights, what they understand, whether they drain, and whether their disks
  // are nearly full.
  void watch(Situation const& situation);

  // The objects that are due now, to be looked at once each.
  [[nodiscard]] std::vector<Digest> take_due(Catalogue const& catalogue, Instant now);
  [[nodiscard]] std::optional<Instant> deadline() const;

  // Objects that changed and are not looked at yet.
  [[nodiscard]] std::size_t waiting() const { return touched_.size(); }
  void add_sizes(std::size_t objects, TableSizes& out) const {
    out.push_back({"objects to be looked at", touched_.size(), objects, is_work});
  }

 private:
  std::set<Digest> touched_;
  std::optional<Digest> rescan_from_;  // a rescan of all objects has come this far
  bool rescan_again_ = false;          // there was a reason for another while it was under way
  Instant next_slice_;
  std::uint64_t seen_ = 0;  // a hash of what `watch` saw
};

}  // namespace chisme::cluster
