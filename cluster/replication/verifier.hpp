#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <vector>

#include "cluster/base/identity.hpp"
#include "cluster/base/time.hpp"
#include "cluster/config.hpp"
#include "cluster/effect.hpp"
#include "cluster/input.hpp"
#include "cluster/sizes.hpp"

namespace chisme::cluster {

// Verifier has this node's copies read and compared with their digests, one at a time: for other
// nodes that would like to drop theirs, for those that received something else from here, and for
// the scrub.
//
// A copy that was found whole counts as that for `fresh_for`: who asks again is answered at once.
// At most Limits::reads wait, and one more that is read again, and Limits::reads_remembered are
// remembered. An answer that the host still owes
// after `patience` and the time that the bytes take at 1 MiB/s is not waited for.
//
// Pure; one thread owns it.
class Verifier {
 public:
  static constexpr Duration fresh_for = std::chrono::minutes{10};
  static constexpr Duration patience = std::chrono::minutes{5};

  explicit Verifier(Limits const& limits)
      : queued_max_(limits.reads), fresh_max_(limits.reads_remembered) {}

  // Who waits for the result.
  struct Asker {
    Endpoint peer;
    std::uint64_t number = 0;
  };

  [[nodiscard]] bool is_idle() const { return !running_ && queue_.empty(); }
  [[nodiscard]] bool is_fresh(Digest const& digest, Instant now) const;
  [[nodiscard]] bool is_reading(Digest const& digest) const {
    return running_ && running_->digest == digest;
  }
  // The copy was replaced: what was found, or is being found, says nothing of it.
  void replaced(Digest const& digest);
  // False when too many wait. Without `asker`, nobody does.
  bool add(Digest const& digest, ByteCount size, std::optional<Asker> asker);
  // Who is to be answered. nullopt: the copy was replaced while it was read and found not to be
  // whole; it is read again.
  std::optional<std::vector<Asker>> finished(ObjectVerified const& result, Instant now);
  void tick(Instant now, Effects& out);
  [[nodiscard]] std::optional<Instant> deadline() const;
  void add_sizes(TableSizes& out) const {
    out.push_back({"copies to be read", queue_.size(), queued_max_ + 1, is_work});
    out.push_back({"copies that were read", fresh_.size(), fresh_max_});
  }

 private:
  struct Job {
    Digest digest;
    ByteCount size;
    std::vector<Asker> askers;
    bool replaced = false;  // while it was read
  };
  void remember(Digest const& digest, Instant now);
  [[nodiscard]] Job* find(Digest const& digest);

  std::size_t queued_max_;
  std::size_t fresh_max_;
  std::deque<Job> queue_;
  std::optional<Job> running_;
  Instant give_up_at_{};             // while running
  std::map<Digest, Instant> fresh_;  // since when
};

}  // namespace chisme::cluster
