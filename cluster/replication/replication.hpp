#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "cluster/catalogue/anti_entropy.hpp"
#include "cluster/catalogue/catalogue.hpp"
#include "cluster/config.hpp"
#include "cluster/effect.hpp"
#include "cluster/input.hpp"
#include "cluster/replication/expiry_sweeper.hpp"
#include "cluster/replication/fetcher.hpp"
#include "cluster/replication/lookups.hpp"
#include "cluster/replication/outages.hpp"
#include "cluster/replication/rebalancer.hpp"
#include "cluster/replication/repairer.hpp"
#include "cluster/replication/situation.hpp"
#include "cluster/replication/survey.hpp"
#include "cluster/replication/upkeep.hpp"
#include "cluster/replication/write_coordinator.hpp"
#include "cluster/replication/write_participant.hpp"
#include "cluster/sizes.hpp"

namespace chisme::cluster {

// Replication is the half of a core that deals with files: the catalogue, its anti-entropy, writes,
// lookups, repair, and the upkeep of this node's copies. It routes what happens to whichever of
// these it concerns, and saves the catalogue when they changed it; it holds no policy.
//
// How the core uses it: every call below with the Situation of the moment; after any of them,
// `take_fresh` into the dissemination queue. Single records that come by gossip go to `gossiped`,
// a Gossip's fingerprint to `heard`, and `fingerprint` into each Gossip sent.
//
// Pure; one thread owns it. Never throws.
class Replication {
 public:
  Replication(CoreConfig const& config, Self const& self, StoredCatalogue stored, Instant now);

  // What is about the catalogue, writes, lookups and copies. False, and nothing done, when it is
  // any other message.
  bool received(Envelope const& envelope, Situation const& situation, Effects& out);
  // A record of the catalogue among those of a Gossip, Ping or Ack.
  void gossiped(CatalogueRecord const& record, Situation const& situation, Effects& out);
  // The fingerprint of a Gossip.
  void heard(NodeId peer, std::uint64_t fingerprint, Situation const& situation, Effects& out);

  void handle(PeerUnreachable const& input, Situation const& situation, Effects& out);
  void handle(LoadSampled const& input, Situation const& situation, Effects& out);
  void handle(ObjectStored const& input, Situation const& situation, Effects& out);
  void handle(ObjectRemoved const& input, Situation const& situation, Effects& out);
  void handle(ObjectVerified const& input, Situation const& situation, Effects& out);
  void handle(TransferFinished const& input, Situation const& situation, Effects& out);
  void handle(WriteRequested const& input, Situation const& situation, Effects& out);
  void handle(CatalogueSaved const& input, Situation const& situation, Effects& out);
  void handle(LookupRequested const& input, Situation const& situation, Effects& out);
  // Nothing can be saved any more: writes are refused, and so are those of others that ask this
  // node to take part. What waits for the disk waits for ever; its writers call it unknown.
  void fence();
  // This node leaves, or has left. Appends what it has to say before, if anything is new.
  void say_farewell(Situation const& situation, Effects& out) {
    anti_entropy_.say_farewell(catalogue_, situation, out);
  }
  // A member's disk is nearly full now, or is not any more.
  void disk_changed(Situation const& situation);
  // A member came, went, was suspected or cleared, or changed what it says of itself.
  void members_changed(Situation const& situation, Effects& out);

  // The deadline has passed. Calling it early is harmless.
  void tick(Situation const& situation, Effects& out);
  [[nodiscard]] std::optional<Instant> deadline() const;

  // Records to spread by gossip, once each.
  [[nodiscard]] std::vector<CatalogueRecord> take_fresh() { return catalogue_.take_fresh(); }
  [[nodiscard]] std::uint64_t fingerprint() const { return catalogue_.fingerprint(); }
  [[nodiscard]] bool is_filling() const { return catalogue_.is_filling(); }
  [[nodiscard]] bool is_outlived() const { return catalogue_.is_outlived(); }
  [[nodiscard]] CatalogueSnapshot const& snapshot() const { return catalogue_.snapshot(); }
  // Moves whenever the snapshot does.
  [[nodiscard]] std::uint64_t changes() const { return catalogue_.changes(); }
  [[nodiscard]] std::uint64_t repairs_pending() const { return repairer_.repairs_pending(); }
  // More is wrong than a dead node or two: nothing that others may need is to be removed.
  [[nodiscard]] bool is_braked() const { return outages_.is_braked(); }
  void add_sizes(std::size_t members, TableSizes& out) const;

 private:
  // What follows every call: touched objects are looked at, what must be saved soon is.
  void examine(std::vector<Digest> const& digests, Situation const& situation, Effects& out);
  void settle(Situation const& situation, Effects& out);
  void sweep(Situation const& situation, Effects& out);

  Catalogue catalogue_;
  AntiEntropy anti_entropy_;
  WriteCoordinator writes_;
  WriteParticipant participant_;
  Lookups lookups_;
  Fetcher fetcher_;
  Outages outages_;
  Survey survey_;
  Repairer repairer_;
  Upkeep upkeep_;
  ExpirySweeper sweeper_;
  Rebalancer rebalancer_;
  bool fenced_ = false;
};

}  // namespace chisme::cluster
