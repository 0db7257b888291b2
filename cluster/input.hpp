#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "cluster/base/identity.hpp"
#include "cluster/base/result.hpp"
#include "cluster/base/strong.hpp"
#include "cluster/base/time.hpp"
#include "cluster/wire/messages.hpp"

// What happens to a core: everything that the host tells it.
namespace chisme::cluster {

// How a message travels: a datagram may be lost, a stream delivers in order or reports a failure.
enum class Channel : std::uint8_t { datagram, stream };

using WriteId = Strong<struct WriteIdTag, std::uint64_t>;            // chosen by the host
using LookupId = Strong<struct LookupIdTag, std::uint64_t>;          // chosen by the host
using TransferId = Strong<struct TransferIdTag, std::uint64_t>;      // chosen by the core
using RevokeId = Strong<struct RevokeIdTag, std::uint64_t>;          // chosen by the host
using AccessSaveId = Strong<struct AccessSaveIdTag, std::uint64_t>;  // chosen by the core
using SaveId = Strong<struct SaveIdTag, std::uint64_t>;              // chosen by the core

struct Received {
  Channel channel = Channel::datagram;
  Envelope envelope;
};

// A stream to `endpoint` could not be opened or broke before what was sent on it was delivered.
struct PeerUnreachable {
  Endpoint endpoint;
};

// Somebody at `endpoint` announced itself who is of this cluster and is to be called
// (membership/discovery.hpp).
struct PeerFound {
  Endpoint endpoint;
};

// A read of a holder's copy for a client, over a stream of its own, failed; or brought its first
// bytes.
struct RelayEnded {
  NodeId holder;
  bool succeeded = false;
};

// What the host measured of itself, and what its wall clock says.
struct LoadSampled {
  WallTime wall{};
  std::uint32_t in_flight = 0;
  float bytes_per_second = 0;      // smoothed, for others to see
  float bytes_per_second_now = 0;  // since the last sample
  float arrival_rate = 0;
  float delay_seconds = 0;
  float error_ratio = 0;
  float disk_used_ratio = 0;
  bool saturated = false;  // deliveries wait for this node, not for their clients
};

// A redirect relied on load samples of these nodes that were too old (WantedLoads). Costs at
// most `LoadProbes::wanted_max` datagrams a second, however often it is said.
struct LoadsWanted {
  std::vector<NodeId> nodes;
};

// A verified copy is on the local disk, synced (upload, push from a peer, transfer, start-up scan).
struct ObjectStored {
  Digest digest;
  ByteCount size;
};
// The local copy is gone or was found corrupt.
struct ObjectRemoved {
  Digest digest;
};
// The end of a VerifyObject. If it is not intact, the host has moved it to the quarantine: then
// this says what ObjectRemoved says.
struct ObjectVerified {
  Digest digest;
  bool intact = false;
};
// The end of a StartTransfer. On success the host also gave ObjectStored, before this.
struct TransferFinished {
  TransferId transfer;
  bool succeeded = false;
  std::vector<NodeId> corrupt = {};  // sources that sent bytes without the digest
};

// A condition on the name's current version (RFC 9110, 13.1). ETags are the object's digest.
struct Condition {
  bool must_be_absent = false;         // If-None-Match: *
  bool must_exist = false;             // If-Match: *
  std::vector<Digest> must_match;      // If-Match: "etag", ...; empty: no such condition
  std::vector<Digest> must_not_match;  // If-None-Match: "etag", ...
  friend bool operator==(Condition const&, Condition const&) = default;
};
struct StoreFile {
  Digest digest;
  ByteCount size;
  std::string type;
};
// With `expired`, only a file whose time is over by this node's clock, and only that version of it
// (catalogue/expiry.hpp): said by ExpirySweeper, answered to it.
struct RemoveFile {
  bool expired = false;
};
// A client's write. For StoreFile, `stored_on` lists the nodes (this one included) on which the
// object is durable already; answered by WriteFinished.
struct WriteRequested {
  WriteId write;
  std::string name;
  std::variant<StoreFile, RemoveFile> what;
  std::vector<NodeId> stored_on;
  Condition condition;
  // The version is to be newer than what this other name has, too; empty: no such name.
  std::string newer_than = {};
  // The version that the write has had from the beginning, however often and by whomever it is
  // written: doing so again changes nothing. precondition_failed when the name has a newer one.
  std::optional<Version> version = {};
};
// The records of a SaveCatalogue are synced.
struct CatalogueSaved {
  SaveId save;
};
// A name that this node does not have, or has older than the client saw; answered by
// LookupFinished.
struct LookupRequested {
  LookupId lookup;
  std::string name;
};
// The disk failed to sync: until the process starts again this node writes nothing, and no
// SaveCatalogue is answered any more. It takes no part in writes; what it has is still read, and is
// copied to others as if it were leaving.
struct StorageFenced {};
// Leave for good: stop taking placements, hand over, tell everybody, then `Stop`. Asked again, do
// not wait for the hand-over.
struct LeaveRequested {};
// Stay after all: what was handed over stays where it is too. Does nothing once the node goes.
struct LeaveCancelled {};
// The process ends within seconds, maybe to start again: others are told at once that it is unwell,
// so that they send clients here only when no other can serve them. It takes part in all else.
struct EndsSoon {};
// And now it does: others are told that it is dead, so that they need not find out. What comes
// after it is not answered.
struct EndsNow {};

// A client's token or link is to be valid no more; answered by RevokeFinished.
struct RevokeRequested {
  RevokeId revoke;
  Revocation revocation;
};
// This node has let somebody in by a counted link, for the `count`th time.
struct LinkUsed {
  std::uint64_t link = 0;
  WallTime until{};
  std::uint32_t count = 0;
};
// The state of a SaveAccess is synced.
struct AccessSaved {
  AccessSaveId save;
};

using Input =
    std::variant<Received, PeerUnreachable, RelayEnded, LoadSampled, LoadsWanted, ObjectStored,
                 ObjectRemoved, ObjectVerified, TransferFinished, WriteRequested, CatalogueSaved,
                 LookupRequested, StorageFenced, LeaveRequested, LeaveCancelled, EndsSoon, EndsNow,
                 PeerFound, RevokeRequested, LinkUsed, AccessSaved>;

}  // namespace chisme::cluster
