#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "cluster/base/identity.hpp"
#include "cluster/base/strong.hpp"
#include "cluster/base/time.hpp"

// What nodes tell each other: one struct per message. `codec.hpp` turns them into bytes and back.
namespace chisme::cluster {

// ---- Records: facts that are gossiped ----------------------------------------------------------

// Which versions of this protocol a node speaks. Version 2 brought the messages that ask for a
// verified copy, version 3 the credentials of clients; what each kind needs is `minimum_version`,
// below.
struct ProtocolVersions {
  std::uint8_t lowest = 1;   // it works with nobody who speaks only less
  std::uint8_t current = 1;  // it sends nothing that needs more
  std::uint8_t highest = 1;  // it understands everything up to here
  friend bool operator==(ProtocolVersions const&, ProtocolVersions const&) = default;
};
inline constexpr ProtocolVersions spoken_versions{.lowest = 1, .current = 3, .highest = 3};
// Two nodes work together when there is a version that both speak.
[[nodiscard]] constexpr bool work_together(ProtocolVersions a, ProtocolVersions b) {
  return a.lowest <= b.highest && b.lowest <= a.highest;
}

// "I am here": written by the node itself only.
struct AliveRecord {
  NodeId id;
  Epoch epoch;
  Incarnation incarnation;
  Endpoint peer;             // UDP and TCP
  Endpoint http;             // clients
  std::string zone;          // at most `zone_bytes_max`; copies spread over zones
  std::uint32_t weight = 1;  // relative share of placements
  ProtocolVersions versions;
  bool draining = false;
  std::uint64_t run_nonce = 0;  // random per process: tells two processes with one identity apart
  friend bool operator==(AliveRecord const&, AliveRecord const&) = default;
};

// News about `id` at (epoch, incarnation), told first by `from`.
struct SuspectRecord {
  NodeId id;
  Epoch epoch;
  Incarnation incarnation;
  NodeId from;
  friend bool operator==(SuspectRecord const&, SuspectRecord const&) = default;
};
struct DeadRecord {
  NodeId id;
  Epoch epoch;
  Incarnation incarnation;
  NodeId from;
  friend bool operator==(DeadRecord const&, DeadRecord const&) = default;
};
struct LeftRecord {
  NodeId id;
  Epoch epoch;
  Incarnation incarnation;
  friend bool operator==(LeftRecord const&, LeftRecord const&) = default;
};

// A node's load as it measured it `age` ago. No clocks need agree: each hop adds to the age.
struct LoadRecord {
  NodeId id;
  Epoch epoch;
  std::uint64_t sequence = 0;  // newest wins within an epoch
  std::uint32_t age_ms = 0;
  std::uint32_t in_flight = 0;  // n: requests being served
  float capacity = 1;           // w: measured, in nominal nodes (1 = a healthy node)
  float arrival_rate = 0;       // lambda: requests per second, EWMA over 10 s
  float bytes_per_second = 0;   // really delivered to clients
  float delay_seconds = 0;      // how late its loops run
  float error_ratio = 0;        // of answers that were the node's own fault
  float disk_used_ratio = 0;    // 0..1
  std::uint8_t health = 0;      // Lifeguard's local health, 0 (well) .. 7
  friend bool operator==(LoadRecord const&, LoadRecord const&) = default;
};

// ---- The catalogue: two single-writer logs per node --------------------------------------------

enum class LogKind : std::uint8_t { names = 0, holdings = 1 };

// Where a record stands in its writer's log. `sequence` starts at 1 in each epoch.
struct Dot {
  NodeId writer;
  Epoch epoch;
  std::uint64_t sequence = 0;
  friend auto operator<=>(Dot const&, Dot const&) = default;
};

// `name` became these bytes.
struct PutRecord {
  std::string name;  // at most `name_bytes_max`
  Version version;
  ByteCount size;
  Digest digest;
  std::string type;  // media type, at most `type_bytes_max`
  WallTime modified{};
  friend bool operator==(PutRecord const&, PutRecord const&) = default;
};
// `name` was removed: a tombstone.
struct DeleteRecord {
  std::string name;
  Version version;
  WallTime modified{};
  friend bool operator==(DeleteRecord const&, DeleteRecord const&) = default;
};
// The dot's writer has a verified copy / has it no longer.
struct HaveRecord {
  Digest digest;
  ByteCount size;
  friend bool operator==(HaveRecord const&, HaveRecord const&) = default;
};
struct DropRecord {
  Digest digest;
  friend bool operator==(DropRecord const&, DropRecord const&) = default;
};
using Change = std::variant<PutRecord, DeleteRecord, HaveRecord, DropRecord>;
struct CatalogueRecord {
  Dot dot;
  Change change;
  friend bool operator==(CatalogueRecord const&, CatalogueRecord const&) = default;
};
[[nodiscard]] inline LogKind log_of(Change const& change) {
  return change.index() < 2 ? LogKind::names : LogKind::holdings;
}

// "Of this writer's log I have everything up to here."
struct LogPosition {
  NodeId writer;
  LogKind log = LogKind::names;
  Epoch epoch;
  std::uint64_t sequence = 0;
  friend auto operator<=>(LogPosition const&, LogPosition const&) = default;
};

using Record =
    std::variant<AliveRecord, SuspectRecord, DeadRecord, LeftRecord, LoadRecord, CatalogueRecord>;

// ---- Messages ----------------------------------------------------------------------------------

// SWIM's probe, by datagram or (as the fallback) by stream. The answer comes the way it was asked.
struct Ping {
  std::uint64_t sequence = 0;
  NodeId target;                            // nil when only the address is known
  std::optional<SuspectRecord> accusation;  // Lifeguard's buddy system: "you are suspected"
  std::vector<Record> piggyback;
  friend bool operator==(Ping const&, Ping const&) = default;
};
struct Ack {
  std::uint64_t sequence = 0;
  LoadRecord load;  // of the answering node
  std::vector<Record> piggyback;
  friend bool operator==(Ack const&, Ack const&) = default;
};
// "Ping `target` for me." The helper answers with an Ack of its own or, in time, with a Nack.
struct PingReq {
  std::uint64_t sequence = 0;
  NodeId target;
  Endpoint target_endpoint;
  friend bool operator==(PingReq const&, PingReq const&) = default;
};
struct Nack {
  std::uint64_t sequence = 0;
  friend bool operator==(Nack const&, Nack const&) = default;
};
// "You pinged `expected`, but I am somebody else."
struct WrongTarget {
  std::uint64_t sequence = 0;
  NodeId expected;
  friend bool operator==(WrongTarget const&, WrongTarget const&) = default;
};
struct Gossip {
  std::uint64_t catalogue_fingerprint = 0;  // of the sender's log positions
  std::vector<Record> records;
  friend bool operator==(Gossip const&, Gossip const&) = default;
};
struct LoadProbe {
  std::uint64_t sequence = 0;
  friend bool operator==(LoadProbe const&, LoadProbe const&) = default;
};
struct LoadReply {
  std::uint64_t sequence = 0;
  LoadRecord load;
  friend bool operator==(LoadReply const&, LoadReply const&) = default;
};

// One member as push-pull exchanges it: its last alive record and what is now known of it.
enum class MemberState : std::uint8_t { alive = 0, suspect = 1, dead = 2, left = 3 };
struct MemberRecord {
  AliveRecord alive;  // its epoch and incarnation are those of the newest news
  MemberState state = MemberState::alive;
  friend bool operator==(MemberRecord const&, MemberRecord const&) = default;
};
// By stream: the whole member table. `wants_reply` asks for the other side's.
struct PushPull {
  AliveRecord self;
  bool join = false;
  bool wants_reply = false;
  std::vector<MemberRecord> members;
  friend bool operator==(PushPull const&, PushPull const&) = default;
};
// By stream, to a member that should know what we know: hashes of the member table, each of the
// members that fall into one bucket. Without an answer it knows it.
struct MembersDigest {
  static constexpr std::size_t buckets_max = 512;
  AliveRecord self;
  std::vector<std::uint32_t> buckets;  // as many as a power of two, `buckets_max` at most
  friend bool operator==(MembersDigest const&, MembersDigest const&) = default;
};
// The answer, where hashes differ: the sender's members in these of `count` buckets. `wants_reply`
// asks for the other side's.
struct MembersDelta {
  AliveRecord self;
  std::uint16_t count = 0;
  std::vector<std::uint16_t> buckets;
  bool wants_reply = false;
  std::vector<MemberRecord> members;
  friend bool operator==(MembersDelta const&, MembersDelta const&) = default;
};
struct Leave {
  LeftRecord left;
  friend bool operator==(Leave const&, Leave const&) = default;
};

// By stream: anti-entropy of the catalogue. The answer to a digest is the deltas that its sender
// lacks, and (if `wants_reply`) the answerer's own digest.
struct CatalogueDigest {
  std::vector<LogPosition> positions;
  bool wants_reply = false;
  friend bool operator==(CatalogueDigest const&, CatalogueDigest const&) = default;
};
// Records in log order. Once all of them are merged, the receiver has everything up to `through`.
struct CatalogueDelta {
  std::vector<CatalogueRecord> records;
  std::vector<LogPosition> through;
  friend bool operator==(CatalogueDelta const&, CatalogueDelta const&) = default;
};

// By stream, from the node that takes a write to another holder: "make this record durable".
struct CommitWrite {
  std::uint64_t write = 0;
  CatalogueRecord record;
  friend bool operator==(CommitWrite const&, CommitWrite const&) = default;
};
// The answer, given once the record and the holding are on disk.
struct WriteCommitted {
  std::uint64_t write = 0;
  bool accepted = false;
  std::optional<CatalogueRecord> holding;  // the answerer's Have, for a Put
  friend bool operator==(WriteCommitted const&, WriteCommitted const&) = default;
};
// By stream, from a coordinator: "fetch this object and hold it".
struct FetchObject {
  Digest digest;
  ByteCount size;
  std::vector<NodeId> sources;
  friend bool operator==(FetchObject const&, FetchObject const&) = default;
};
// By stream: "what do you know of this name?" (contract C2: a node without it asks the others).
struct LookupName {
  std::uint64_t lookup = 0;
  std::string name;
  friend bool operator==(LookupName const&, LookupName const&) = default;
};
// The answer: the name's record, if any, and who holds its object.
struct LookupAnswer {
  std::uint64_t lookup = 0;
  std::vector<CatalogueRecord> records;
  friend bool operator==(LookupAnswer const&, LookupAnswer const&) = default;
};

// By stream, from a node that would like to drop its copy: "read yours and say whether it is
// whole". With number 0: "yours is not, by what you sent me"; it is read again, nobody answers.
struct VerifyCopy {
  std::uint64_t number = 0;  // the asker's, given back in the answer
  Digest digest;
  friend bool operator==(VerifyCopy const&, VerifyCopy const&) = default;
};
// The answer. `intact`: the copy was read and has the digest, and its node promises to keep it for
// as long as `replication/trimmer.hpp` says.
struct CopyVerified {
  std::uint64_t number = 0;
  Digest digest;
  bool intact = false;
  friend bool operator==(CopyVerified const&, CopyVerified const&) = default;
};

// By stream, from the node that was to fetch an object to the coordinator that asked: "I could not,
// ask another".
struct FetchFailed {
  Digest digest;
  friend bool operator==(FetchFailed const&, FetchFailed const&) = default;
};
// By stream, the answer to a CommitWrite whose version is not newer than what the answerer has:
// this is what it has. It did not take the record.
struct WriteSuperseded {
  std::uint64_t write = 0;
  CatalogueRecord newest;
  friend bool operator==(WriteSuperseded const&, WriteSuperseded const&) = default;
};

// How far all members had the catalogue when its tombstones were last collected
// (catalogue/horizon.hpp). A later generation replaces an earlier one.
struct HorizonId {
  std::uint64_t generation = 0;  // 0: nothing was ever collected
  NodeId by;                     // who proposed it; the greater wins where two did at once
  friend auto operator<=>(HorizonId const&, HorizonId const&) = default;
};
struct Horizon {
  HorizonId id;
  std::vector<LogPosition> floors;  // every member has these logs up to here
  std::vector<LogPosition> gone;    // holdings of nodes that are members no more, up to here
  friend bool operator==(Horizon const&, Horizon const&) = default;
};
// What a node keeps of it on disk. `filling`: it lacks records from before the horizon, and has not
// yet been told all of them.
struct StoredHorizon {
  Horizon horizon;
  bool filling = false;
  friend bool operator==(StoredHorizon const&, StoredHorizon const&) = default;
};
// By stream: "this is my horizon". Without its lists where only the id matters: before a digest, so
// that the other side knows what its answer may leave out.
struct HorizonNotice {
  Horizon horizon;
  friend bool operator==(HorizonNotice const&, HorizonNotice const&) = default;
};

// By stream, before a digest: "I remember peers that I have not met since I started". They are
// members that the receiver may not know of (catalogue/horizon.hpp).
struct PeersMissed {
  friend bool operator==(PeersMissed const&, PeersMissed const&) = default;
};

// By stream, the answer to a CatalogueDigest of the run `asker` of the receiver: it lacks the
// records of the delta. What an earlier run had, this one may have lost in a power cut, so of an
// answer to that one `through` is void.
struct CatalogueAnswer {
  Epoch asker;
  CatalogueDelta delta;
  friend bool operator==(CatalogueAnswer const&, CatalogueAnswer const&) = default;
};

// By stream: range-based set reconciliation (catalogue/range_sync.hpp). Every message says all that
// its answer depends on, so that none has to be remembered.
struct RangeSync {
  static constexpr std::size_t ranges_max = 64;
  static constexpr std::size_t slots_max = 16;
  static constexpr std::size_t marks_max = 1u << 14;  // in `slots` and `wanted` together
  // The fingerprints of the 16 parts of a range of slots. Level 0 is the range of all.
  struct Range {
    std::uint8_t level = 0;
    std::uint16_t index = 0;
    std::array<std::uint64_t, 16> parts{};
    friend bool operator==(Range const&, Range const&) = default;
  };
  // Records of one slot, by their marks (catalogue/slots.hpp).
  struct Marks {
    std::uint16_t slot = 0;
    std::vector<std::uint64_t> records;
    friend bool operator==(Marks const&, Marks const&) = default;
  };
  HorizonId horizon;       // the sender's: nothing is compared while they differ
  std::uint16_t from = 0;  // where there is too much for a message, slots from here on come first
  std::vector<Range> ranges;
  std::vector<Marks> slots;   // all that the sender has of them
  std::vector<Marks> wanted;  // what the sender would like to be sent
  std::vector<CatalogueRecord> records;
  friend bool operator==(RangeSync const&, RangeSync const&) = default;
};

// ---- Credentials of clients (access/access_state.hpp)
// --------------------------------------------

enum class CredentialKind : std::uint8_t { token = 0, link = 1 };
// It is no longer valid, though it would be until then.
struct Revocation {
  CredentialKind kind = CredentialKind::token;
  std::uint64_t id = 0;
  WallTime until{};
  friend bool operator==(Revocation const&, Revocation const&) = default;
};
// How often nodes let somebody in by a link that may be used a number of times.
struct LinkUses {
  struct Count {
    NodeId node;
    std::uint32_t count = 0;
    friend bool operator==(Count const&, Count const&) = default;
  };
  std::uint64_t link = 0;
  WallTime until{};
  std::vector<Count> counts;
  friend bool operator==(LinkUses const&, LinkUses const&) = default;
};
// By datagram: what is new. By stream: a part of all that the sender has.
struct AccessNews {
  std::vector<Revocation> revoked;
  std::vector<LinkUses> uses;
  friend bool operator==(AccessNews const&, AccessNews const&) = default;
};
// "This is what I have." Who has something else sends all of it and, if `wants_answer`, its own
// digest behind it.
struct AccessDigest {
  std::uint64_t fingerprint = 0;
  bool wants_answer = false;
  friend bool operator==(AccessDigest const&, AccessDigest const&) = default;
};

// The version that brought a kind of message. A kind never changes once it is released: what is
// different becomes a new kind, so that whoever speaks this version can read it, for ever.
template <class Kind>
inline constexpr std::uint8_t minimum_version = 1;
template <>
inline constexpr std::uint8_t minimum_version<VerifyCopy> = 2;
template <>
inline constexpr std::uint8_t minimum_version<CopyVerified> = 2;
template <>
inline constexpr std::uint8_t minimum_version<FetchFailed> = 2;
template <>
inline constexpr std::uint8_t minimum_version<WriteSuperseded> = 2;
template <>
inline constexpr std::uint8_t minimum_version<HorizonNotice> = 2;
template <>
inline constexpr std::uint8_t minimum_version<RangeSync> = 2;
template <>
inline constexpr std::uint8_t minimum_version<MembersDigest> = 2;
template <>
inline constexpr std::uint8_t minimum_version<MembersDelta> = 2;
template <>
inline constexpr std::uint8_t minimum_version<PeersMissed> = 2;
template <>
inline constexpr std::uint8_t minimum_version<CatalogueAnswer> = 2;

template <>
inline constexpr std::uint8_t minimum_version<AccessNews> = 3;
template <>
inline constexpr std::uint8_t minimum_version<AccessDigest> = 3;

using Message =
    std::variant<Ping, Ack, PingReq, Nack, WrongTarget, Gossip, LoadProbe, LoadReply, PushPull,
                 Leave, CatalogueDigest, CatalogueDelta, CommitWrite, WriteCommitted, FetchObject,
                 LookupName, LookupAnswer, VerifyCopy, CopyVerified, FetchFailed, WriteSuperseded,
                 HorizonNotice, RangeSync, MembersDigest, MembersDelta, PeersMissed,
                 CatalogueAnswer, AccessNews, AccessDigest>;

// A question of the failure detector, or an answer to one: that it comes late is taken for news
// about its sender, so it must not wait behind other messages.
[[nodiscard]] inline bool is_probe(Message const& message) {
  return std::holds_alternative<Ping>(message) || std::holds_alternative<Ack>(message) ||
         std::holds_alternative<PingReq>(message) || std::holds_alternative<Nack>(message) ||
         std::holds_alternative<WrongTarget>(message);
}

[[nodiscard]] inline std::uint8_t minimum_version_of(Message const& message) {
  return std::visit([]<class Kind>(Kind const&) { return minimum_version<Kind>; }, message);
}
// Can `member` read this kind? Nobody sends it what it cannot.
template <class Kind>
[[nodiscard]] bool understands(AliveRecord const& member) {
  return minimum_version<Kind> <= member.versions.highest;
}
[[nodiscard]] inline bool understands(AliveRecord const& member, Message const& message) {
  return minimum_version_of(message) <= member.versions.highest;
}

// A message with who says it. Both kinds of transport carry envelopes.
struct Envelope {
  NodeId sender;
  Epoch sender_epoch;
  Endpoint sender_peer;  // where the sender takes answers
  Message message;
  friend bool operator==(Envelope const&, Envelope const&) = default;
};

}  // namespace chisme::cluster
