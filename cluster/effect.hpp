#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "cluster/base/identity.hpp"
#include "cluster/base/result.hpp"
#include "cluster/base/strong.hpp"
#include "cluster/input.hpp"
#include "cluster/known_peer.hpp"
#include "cluster/wire/messages.hpp"

// What a core wants done: everything that the host does for it, in order.
namespace chisme::cluster {

// The host wraps `message` into an Envelope. Datagrams fit `datagram_bytes_max` when encoded.
struct Send {
  Endpoint to;
  Channel channel = Channel::datagram;
  Message message;
};

struct Source {
  NodeId node;
  Endpoint peer;
};
// Fetch an object from any of the sources, in this order; answered by ObjectStored (if it worked)
// and TransferFinished.
struct StartTransfer {
  TransferId transfer;
  Digest digest;
  ByteCount size;
  std::vector<Source> sources;
};
// Give up; no answer is owed any more.
struct CancelTransfer {
  TransferId transfer;
};
// Remove the local copy; answered by ObjectRemoved.
struct RemoveObject {
  Digest digest;
};
// Read the local copy, slowly if there is much to do, and compare it with its digest; a copy that
// differs or cannot be read goes to the quarantine. Answered by ObjectVerified; not at all when the
// host has thousands of copies to verify already.
struct VerifyObject {
  Digest digest;
  bool urgent = false;  // somebody waits for it: read it faster than a scrub
};
// Make these records durable, in this order, all or nothing; answered by CatalogueSaved once they
// are synced.
struct SaveCatalogue {
  SaveId save;
  std::vector<CatalogueRecord> records;
  // What the log positions become with them, be it less; sequence 0: forget that log.
  std::vector<LogPosition> positions;
  // Then: forget these, wherever the record with just this dot is what is kept.
  std::vector<CatalogueRecord> forgotten;
  std::optional<StoredHorizon> horizon;  // replaces the last
};

struct WriteOutcome {
  Version version;
  std::vector<NodeId> copies;  // nodes on which it is durable now
  bool created = false;        // there was no such name before
};
struct WriteFinished {
  WriteId write;
  Result<WriteOutcome> outcome;
};
// The newest records that any member has told: a Put or Delete, and its holders' Haves. They are
// merged already. An error is `unavailable`: too few members answered to say that it is absent.
struct LookupFinished {
  LookupId lookup;
  Result<bool> found;
};

// Something that an operator or a page would like to know. Logged and shown, never acted on.
struct MemberChanged {
  NodeId node;
  MemberState state = MemberState::alive;
  Endpoint http;
};
struct FileChanged {
  std::string name;
  bool removed = false;
};
enum class RepairStage : std::uint8_t { queued, started, finished, failed };
struct RepairProgress {
  Digest digest;
  NodeId source;  // who sends it; after a failure, the first of those who are asked
  NodeId target;
  RepairStage stage = RepairStage::queued;
};
struct CopiesLost {  // no live holder is left
  Digest digest;
};
// A node that speaks no version of the protocol that this one speaks: it is not taken as a member.
struct PeerRefused {
  NodeId node;
  Endpoint peer;
  ProtocolVersions versions;
};
// A leaving node has files of which too few copies are on nodes that stay.
struct DepartureReport {
  std::uint64_t files_left = 0;
  bool leaves_anyway = false;  // it goes now: those copies come back only if it does
};
using Event = std::variant<MemberChanged, FileChanged, RepairProgress, CopiesLost, PeerRefused,
                           DepartureReport>;
struct Announce {
  Event event;
};

// Remember these peers for the next start (the newest list replaces the last).
struct SavePeers {
  std::vector<KnownPeer> peers;
};
// Make this durable instead of the last such; answered by AccessSaved once it is synced. One is
// under way at a time.
struct SaveAccess {
  AccessSaveId save;
  AccessNews all;
};
// It is no longer valid here, which this node will remember, and others are being told.
struct RevokeFinished {
  RevokeId revoke;
  Result<void> outcome;
};
// The node must end: it has left, or another process uses its identity.
struct Stop {
  std::string reason;
  bool failed = false;
  bool restart = false;  // start it again at once: the next epoch is what it needs
};

using Effect = std::variant<Send, StartTransfer, CancelTransfer, RemoveObject, VerifyObject,
                            SaveCatalogue, WriteFinished, LookupFinished, Announce, SavePeers,
                            SaveAccess, RevokeFinished, Stop>;
using Effects = std::vector<Effect>;

}  // namespace chisme::cluster
