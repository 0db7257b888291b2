#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <string>

#include "cluster/base/time.hpp"
#include "cluster/effect.hpp"
#include "cluster/view.hpp"

namespace chisme::cluster {

// Departure decides when a draining node may go: once each file of which it has a copy has R copies
// on nodes that stay, or one on each of them where there are fewer than R. Copies on a suspect do
// not count; as it may live, it is waited for until it does or is dead.
//
// It walks over the catalogue, `slice` files at a time, and counts those that are not handed over;
// the next walk leaves out what comes before the first of them. A walk over all that finds none,
// during which the nodes that stay remained the same, ends it: who dies takes copies along.
//
// It waits as long as that takes while there is progress, and reports what is left every
// `report_period`. It gives up when `patience` passes in which no file was handed over, or when it
// is told to hurry (the operator asks a second time): then it reports what is left, and goes.
// Nothing is lost by that for good: the copies stay on this node's disk, and come back with it.
//
// Pure; one thread owns it.
class Departure {
 public:
  static constexpr std::size_t slice = 4000;
  static constexpr Duration period = std::chrono::milliseconds{200};
  // What other nodes write with this one in mind, because they do not know yet, comes within this.
  static constexpr Duration notice = std::chrono::seconds{1};
  static constexpr Duration report_period = std::chrono::seconds{30};

  explicit Departure(Duration patience) : patience_(patience) {}

  void begin(Instant now);
  [[nodiscard]] bool has_begun() const { return begun_; }
  // The node goes, or has gone.
  [[nodiscard]] bool is_over() const { return begun_ && !next_; }
  // Goes at the next tick, whatever is left. REQUIRES: has_begun().
  void hurry(Instant now);
  // True when the node may go: then it is over. Appends an Announce{DepartureReport} when it is
  // time for one. `view` is of `now`.
  bool tick(ClusterView const& view, Effects& out);
  // nullopt when it has not begun, or is over.
  [[nodiscard]] std::optional<Instant> deadline() const { return next_; }

 private:
  // Walks on, or anew where other nodes stay by now; true if it came to the end.
  bool walk(ClusterView const& view);
  void finish_walk(Instant now);
  void begin_walk(std::string after);
  bool give_up(Effects& out);

  Duration patience_;
  bool begun_ = false;
  bool hurries_ = false;
  std::optional<Instant> next_;
  std::string passed_;       // the last file of those at the beginning that are handed over
  std::string cursor_;       // how far this walk has come
  std::uint64_t count_ = 0;  // files found in this walk that are not handed over
  bool is_full_ = true;      // this walk began with the first file
  std::set<NodeId> staying_;
  std::optional<std::uint64_t> left_;  // what the last whole walk found
  Instant last_progress_{};
  Instant next_report_{};
};

}  // namespace chisme::cluster
