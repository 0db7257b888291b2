#pragma once

#include <compare>
#include <map>
#include <set>
#include <utility>
#include <vector>

#include "cluster/wire/messages.hpp"

namespace chisme::cluster {

// LogPositions says of each writer's logs up to where this node has everything.
//
// Positions compare by (epoch, sequence) and never go down. A record that comes alone moves its
// log only when it is the next one of the same epoch; the first of a new epoch is not, because it
// does not say where the last epoch ended. Such records are remembered, at most `early_max` per
// log, until what is between arrives; anti-entropy's `raise` passes over the rest.
// A log may be forgotten altogether: that of a writer who has gone and of whom no record is left.
// Pure; one thread owns it.
class LogPositions {
 public:
  static constexpr std::size_t early_max = 64;

  // The record at `dot` has been merged.
  void note(LogKind log, Dot const& dot);
  // Everything up to `position` has been merged.
  void raise(LogPosition const& position);
  // As if nothing had been merged. `take_moved` then says sequence 0.
  void forget(NodeId writer, LogKind log);
  // Sequence 0 of epoch 0 when nothing is known.
  [[nodiscard]] LogPosition at(NodeId writer, LogKind log) const;
  // Those that moved since the last call.
  [[nodiscard]] std::vector<LogPosition> take_moved();
  // All, ordered by writer and log.
  [[nodiscard]] std::vector<LogPosition> list() const;

 private:
  struct Log {
    NodeId writer;
    LogKind log = LogKind::names;
    friend auto operator<=>(Log const&, Log const&) = default;
  };
  using Place = std::pair<Epoch, std::uint64_t>;
  struct Progress {
    Place contiguous{};
    std::set<Place> early;
  };
  // Sets the position and passes over early records that follow it.
  void move(Log const& log, Progress& progress, Place place);

  std::map<Log, Progress> logs_;
  std::set<Log> moved_;
};

}  // namespace chisme::cluster
