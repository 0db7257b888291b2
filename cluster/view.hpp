#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "cluster/access/access_state.hpp"
#include "cluster/base/id_map.hpp"
#include "cluster/base/identity.hpp"
#include "cluster/base/time.hpp"
#include "cluster/catalogue/snapshot.hpp"
#include "cluster/wire/messages.hpp"

namespace chisme::cluster {

// One member as the observing node sees it now.
struct MemberView {
  AliveRecord alive;
  MemberState state = MemberState::alive;
  bool self = false;
  std::optional<LoadRecord> load;  // age as of `sampled`
  Instant sampled{};               // when the load record was received here
  Instant alive_since{};           // for slow start
  double full_at = 0;              // self only: requests it serves without slowing them; 0: unknown
  bool ejected = false;            // failing too often: takes no redirects for now
};

// ClusterView is what one node knows, frozen at one moment: immutable, cheap to copy, safe to read
// from any thread. The control loop publishes a new one whenever the core's `view_number` moved.
struct ClusterView {
  std::uint64_t number = 0;
  NodeId self;
  Instant at{};
  std::vector<MemberView> members;  // self included, ordered by id
  CatalogueSnapshot catalogue;
  unsigned copies_wanted = 1;   // R in force: 1 for a node that never had peers
  unsigned copies_durable = 1;  // W in force
  bool in_touch = true;         // with a majority of the members not known to have left
  std::uint64_t repairs_pending = 0;
  std::shared_ptr<AccessState const> access = {};  // never null in a view that a core made
};

// Members, ordered by id, for as long as one call takes. Where each is may be known: then finding
// one takes a step instead of a search, which in a large cluster waits for memory ten times.
class Members : public std::span<MemberView const> {
 public:
  using Places = IdMap<std::uint32_t>;

  Members() = default;
  Members(std::vector<MemberView> const& members, Places const* places = nullptr)  // NOLINT
      : span(members), places_(places) {}
  Members(std::span<MemberView const> members) : span(members) {}  // NOLINT

  // nullptr when `id` is none of them.
  [[nodiscard]] MemberView const* find(NodeId id) const;

 private:
  Places const* places_ = nullptr;
};

[[nodiscard]] inline MemberView const* find_member(Members members, NodeId id) {
  return members.find(id);
}

}  // namespace chisme::cluster
