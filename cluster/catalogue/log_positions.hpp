#pragma once

#include <cstdint>
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
  using Place = std::pair<Epoch, std::uint64_t>;
  // Logs lie side by side, in order: each digest of another node walks over all of them.
  struct Progress {
    NodeId writer;
    LogKind log = LogKind::names;
    bool moved = false;
    Place contiguous{};
    std::vector<Place> early{};  // in order
    [[nodiscard]] std::pair<NodeId, LogKind> key() const { return {writer, log}; }
    [[nodiscard]] LogPosition position() const {
      return {
          .writer = writer, .log = log, .epoch = contiguous.first, .sequence = contiguous.second};
    }
  };
  Progress& progress_of(NodeId writer, LogKind log);
  // Sets the position and passes over early records that follow it.
  static void move(Progress& progress, Place place);

  std::vector<Progress> logs_;          // ordered by writer and log
  std::vector<LogPosition> forgotten_;  // since `take_moved`, as what they are now: nothing
};

}  // namespace chisme::cluster
