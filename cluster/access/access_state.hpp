#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <utility>
#include <vector>

#include "cluster/base/identity.hpp"
#include "cluster/base/time.hpp"
#include "cluster/wire/messages.hpp"

namespace chisme::cluster {

// AccessState is what a cluster remembers of its clients' credentials: which were revoked, and how
// often each counted link was used at which node (a grow-only counter for each; Shapiro et al.,
// RR-7506, 2011). Everything in it has an end, after which it says nothing any more.
//
// A join semilattice: `merge` is commutative, associative and idempotent, so that nodes that have
// heard the same, in whatever order and however often, have the same state. That holds for full
// tables too: of what there is too much, the greatest by an order of their own remain (of
// revocations and links those that end last, of a link's nodes those with the greatest counts), and
// the k greatest of a union are those of the k greatest of its parts.
//
// A value. One thread at a time.
class AccessState {
 public:
  // A node begins no more revocations and counts no more links than these; what it hears of others,
  // that did so while it was cut off from them, it takes up to `merged_factor` times that.
  static constexpr std::size_t revoked_max = 4096;
  static constexpr std::size_t links_max = 4096;
  static constexpr std::size_t merged_factor = 4;
  static constexpr std::size_t counters_max = 64;  // nodes of one link

  // True when it was news.
  bool merge(Revocation const& revocation);
  bool merge(LinkUses const& uses);
  // Forgets what ended before that. True when there was something.
  bool forget(WallTime before);

  [[nodiscard]] bool is_revoked(CredentialKind kind, std::uint64_t id) const {
    return revoked_.contains({kind, id});
  }
  // At all nodes together; at all but one; at one.
  [[nodiscard]] std::uint64_t uses(std::uint64_t link) const;
  [[nodiscard]] std::uint64_t uses_elsewhere(std::uint64_t link, NodeId than) const;
  [[nodiscard]] std::uint32_t uses_at(std::uint64_t link, NodeId node) const;
  [[nodiscard]] bool has_link(std::uint64_t link) const { return links_.contains(link); }

  // One of them, by what names it; nothing that is news to anybody when there is none.
  [[nodiscard]] Revocation revocation(CredentialKind kind, std::uint64_t id) const;
  [[nodiscard]] LinkUses uses_of(std::uint64_t link, NodeId node) const;

  [[nodiscard]] bool empty() const { return revoked_.empty() && links_.empty(); }
  [[nodiscard]] std::size_t revoked_count() const { return revoked_.size(); }
  [[nodiscard]] std::size_t link_count() const { return links_.size(); }
  // All of it, in order.
  [[nodiscard]] AccessNews all() const;
  // Equal for equal states; 0 for the empty one.
  [[nodiscard]] std::uint64_t fingerprint() const;

  friend bool operator==(AccessState const&, AccessState const&) = default;

 private:
  using Key = std::pair<CredentialKind, std::uint64_t>;
  struct Link {
    WallTime until{};
    std::map<NodeId, std::uint32_t> counts;
    friend bool operator==(Link const&, Link const&) = default;
  };

  std::map<Key, WallTime> revoked_;
  std::map<std::uint64_t, Link> links_;
};

}  // namespace chisme::cluster
