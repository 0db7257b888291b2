#pragma once

#include <cstddef>
#include <map>
#include <optional>

#include "cluster/base/identity.hpp"
#include "cluster/base/random.hpp"
#include "cluster/base/time.hpp"
#include "cluster/sizes.hpp"
#include "cluster/wire/messages.hpp"

namespace chisme::cluster {

// Discovery decides when a node announces itself to its whole network, and whom of those that it
// hears it joins; so that nodes find one another that were told no address.
//
// Alone it announces itself every `period_alone`, in company every `period_in_company`, each up to
// a tenth more or less. So a new node is heard at once by all, two clusters of one secret on one
// network meet as well, and a large cluster says little.
//
// Whoever is heard, lives not among the members, speaks our versions and is reached as we are (over
// loopback, or not) is joined: called by push-pull, like a seed, where it proves who it is. Of a
// cluster of many, about `PeerCalls::callers_wanted` call. An announcement changes nothing else:
// one that was recorded and is played again causes a call at most, which nobody answers or who is a
// member. It is not remembered, nor missed as a seed would be.
//
// Bounds: nobody is joined again within `join_pause`, `joining_max` at most in that time, and of
// what arrives `heard_max` datagrams a second are looked at. Pure; one thread owns it. Never
// throws.
class Discovery {
 public:
  static constexpr Duration period_alone = std::chrono::seconds{5};
  static constexpr Duration period_in_company = std::chrono::minutes{1};
  static constexpr Duration join_pause = std::chrono::seconds{5};
  static constexpr Duration refused_pause = std::chrono::minutes{10};  // other versions are told of
  static constexpr std::size_t joining_max = 64;
  static constexpr std::size_t heard_max = 128;

  Discovery(Announcement self, Random random, Instant now);

  // When `is_due` must next be called.
  [[nodiscard]] Instant deadline() const { return next_look_; }
  // The deadline has passed: whether this node, which knows so many other live members, is to be
  // announced now.
  [[nodiscard]] bool is_due(std::size_t others, Instant now);

  // Something arrived: whether it is to be looked at. Counts as looked at if so.
  [[nodiscard]] bool may_look(Instant now);

  enum class Verdict {
    join,
    known,
    later,          // it was joined just now, or others do it, or too many are being joined
    out_of_reach,   // its address means something else here
    other_version,  // nothing is in common; said once in `refused_pause`
  };
  // How the cluster looks from here.
  struct Sight {
    std::optional<Epoch> lives_in;  // of the announced node, if it is a live member
    std::size_t others = 0;         // live members besides this node
  };
  [[nodiscard]] Verdict hear(Announcement const& heard, Sight const& sight, Instant now);

  [[nodiscard]] Announcement const& self() const { return self_; }
  void add_sizes(TableSizes& out) const {
    out.push_back({"announced nodes that are left alone for a while", pauses_.size(), joining_max});
  }

 private:
  [[nodiscard]] bool pause(NodeId node, Duration duration, Instant now);

  Announcement self_;
  Random random_;
  Instant next_look_;
  std::optional<Instant> announced_;
  std::map<NodeId, Instant> pauses_;  // until when nothing is done about each
  Instant second_began_;
  std::size_t looked_ = 0;  // in that second
};

}  // namespace chisme::cluster
