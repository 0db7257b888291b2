#pragma once

#include <map>
#include <optional>

#include "cluster/base/identity.hpp"
#include "cluster/base/random.hpp"
#include "cluster/base/strong.hpp"
#include "cluster/base/time.hpp"

namespace chisme::cluster {

// ScrubSchedule says which of this node's copies is to be read next, and when: each is read once in
// `period`, spread evenly, so that rot is found while other copies are whole.
//
// In order of digest, from a random place on: a node that restarts often would else read the same
// copies over and over. The pause between two is period / copies x a factor drawn from 0.75 .. 1.25
// (the first one from 0 .. 1), so that nodes do not fall into step. While the node is busy a copy
// that is due waits, but no longer than one more such pause: a node that is always busy must be
// scrubbed, too.
//
// Pure; one thread owns it.
class ScrubSchedule {
 public:
  ScrubSchedule(Duration period, Random random, Instant now);

  // The copy to read now, if one is due; then the next is scheduled. `local`: this node's copies.
  std::optional<Digest> take_due(std::map<Digest, ByteCount> const& local, bool busy, Instant now);
  // When to ask again.
  [[nodiscard]] std::optional<Instant> deadline(std::size_t copies, bool busy) const;

 private:
  Duration period_;
  Random random_;
  Digest next_;        // read the first copy that is not before this one
  Instant last_;       // when the last one was due
  double factor_ = 1;  // of the pause after `last_`
};

}  // namespace chisme::cluster
