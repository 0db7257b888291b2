#include "cluster/wire/codec.hpp"

#include <array>
#include <cstring>
#include <exception>
#include <utility>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "cluster/access/access_state.hpp"
#include "cluster/base/planted_bug.hpp"
#include "cluster/wire/archives.hpp"
#include "cluster/wire/log_sequence.hpp"
#include "cluster/wire/values.hpp"

namespace chisme::cluster {

using wire::Checked;
using wire::Counter;
using wire::Damaged;
using wire::List;
using wire::Reader;
using wire::Text;
using wire::Writer;

namespace {

// Bounds of the lists. All are far above need; a message's length bounds them too.
constexpr std::size_t gossiped_records_max = 1024;
constexpr std::size_t delta_records_max = 1u << 16;
constexpr std::size_t log_positions_max = 4 * members_max;

constexpr std::uint8_t announcement_form = 1;  // others may come
constexpr std::array<char, 3> magic{'c', 'h', 's'};
constexpr std::size_t header_bytes =
    magic.size() + 1 + sizeof(std::uint32_t) + sizeof(std::uint64_t);

}  // namespace

}  // namespace chisme::cluster

// ---- Values, records, messages: each struct's fields in order ----------------------------------

namespace chisme::cluster {

template <class Archive, class... Kinds>
void save(Archive& archive, std::variant<Kinds...> const& variant) {
  archive(static_cast<std::uint8_t>(variant.index()));
  std::visit([&](auto const& value) { archive(value); }, variant);
}
template <class Archive, class... Kinds>
void load(Archive& archive, std::variant<Kinds...>& variant) {
  std::uint8_t index = 0;
  archive(index);
  if (index >= sizeof...(Kinds)) throw Damaged("an unknown kind");
  auto const read = [&]<std::size_t... i>(std::index_sequence<i...>) {
    auto const read_if = [&]<std::size_t kind>(std::integral_constant<std::size_t, kind>) {
      if (kind == index) archive(variant.template emplace<kind>());
    };
    (read_if(std::integral_constant<std::size_t, i>{}), ...);
  };
  read(std::index_sequence_for<Kinds...>{});
}
template <class Archive, class Value>
void save(Archive& archive, std::optional<Value> const& optional) {
  archive(optional.has_value());
  if (optional) archive(*optional);
}
template <class Archive, class Value>
void load(Archive& archive, std::optional<Value>& optional) {
  bool present = false;
  archive(present);
  if (present) {
    archive(optional.emplace());
  } else {
    optional.reset();
  }
}

template <class Archive>
void serialize(Archive& archive, ProtocolVersions& versions) {
  archive(versions.lowest, versions.current, versions.highest);
}
template <class Archive>
void serialize(Archive& archive, AliveRecord& r) {
  archive(r.id, r.epoch, r.incarnation, r.peer, r.http, Text{r.zone, zone_bytes_max}, r.weight,
          r.versions, r.draining, r.run_nonce);
}
template <class Archive>
void serialize(Archive& archive, Announcement& a) {
  std::uint8_t form = announcement_form;
  archive(form, a.node, a.epoch, a.peer, a.versions);
  if (form != announcement_form) throw Damaged("an announcement of another form");
}
template <class Archive, class Accusation>
  requires std::is_same_v<Accusation, SuspectRecord> || std::is_same_v<Accusation, DeadRecord>
void serialize(Archive& archive, Accusation& r) {
  archive(r.id, r.epoch, r.incarnation, r.from);
}
template <class Archive>
void serialize(Archive& archive, LeftRecord& r) {
  archive(r.id, r.epoch, r.incarnation);
}
template <class Archive>
void serialize(Archive& archive, LoadRecord& r) {
  archive(r.id, r.epoch, r.sequence, r.age_ms, r.in_flight, r.capacity, r.arrival_rate,
          r.bytes_per_second, r.delay_seconds, r.error_ratio, r.disk_used_ratio, r.health);
}
template <class Archive>
void serialize_sequence(Archive& archive, std::uint64_t& sequence) {
  archive(sequence);
  if constexpr (!Archive::is_saving::value) {
    if (sequence > log_sequence_max) throw Damaged("a place that no log reaches");
  }
}
template <class Archive>
void serialize(Archive& archive, Dot& dot) {
  archive(dot.writer, dot.epoch);
  serialize_sequence(archive, dot.sequence);
}
template <class Archive>
void serialize(Archive& archive, PutRecord& r) {
  archive(Text{r.name, name_bytes_max}, r.version, r.size, r.digest, Text{r.type, type_bytes_max},
          r.modified);
}
template <class Archive>
void serialize(Archive& archive, DeleteRecord& r) {
  archive(Text{r.name, name_bytes_max}, r.version, r.modified);
}
template <class Archive>
void serialize(Archive& archive, HaveRecord& r) {
  archive(r.digest, r.size);
}
template <class Archive>
void serialize(Archive& archive, DropRecord& r) {
  archive(r.digest);
}
template <class Archive>
void serialize(Archive& archive, CatalogueRecord& r) {
  archive(r.dot, r.change);
}
template <class Archive>
void serialize(Archive& archive, LogPosition& position) {
  archive(position.writer, Checked{position.log, LogKind::holdings}, position.epoch);
  serialize_sequence(archive, position.sequence);
}

template <class Archive>
void serialize(Archive& archive, Ping& m) {
  archive(m.sequence, m.target, m.accusation, List{m.piggyback, gossiped_records_max});
}
template <class Archive>
void serialize(Archive& archive, Ack& m) {
  archive(m.sequence, m.load, List{m.piggyback, gossiped_records_max});
}
template <class Archive>
void serialize(Archive& archive, PingReq& m) {
  archive(m.sequence, m.target, m.target_endpoint);
}
template <class Archive>
void serialize(Archive& archive, WrongTarget& m) {
  archive(m.sequence, m.expected);
}
template <class Archive>
void serialize(Archive& archive, Gossip& m) {
  archive(m.catalogue_fingerprint, List{m.records, gossiped_records_max});
}
template <class Archive, class Numbered>
  requires std::is_same_v<Numbered, Nack> || std::is_same_v<Numbered, LoadProbe>
void serialize(Archive& archive, Numbered& m) {
  archive(m.sequence);
}
template <class Archive>
void serialize(Archive& archive, LoadReply& m) {
  archive(m.sequence, m.load);
}
template <class Archive>
void serialize(Archive& archive, MemberRecord& m) {
  archive(m.alive, Checked{m.state, MemberState::left});
}
template <class Archive>
void serialize(Archive& archive, PushPull& m) {
  archive(m.self, m.join, m.wants_reply, List{m.members, members_max});
}
template <class Archive>
void serialize(Archive& archive, MembersDigest& m) {
  archive(m.self, List{m.buckets, MembersDigest::buckets_max});
}
template <class Archive>
void serialize(Archive& archive, MembersDelta& m) {
  archive(m.self, m.count, List{m.buckets, MembersDigest::buckets_max}, m.wants_reply,
          List{m.members, members_max});
}
template <class Archive>
void serialize(Archive& archive, Leave& m) {
  archive(m.left);
}
template <class Archive>
void serialize(Archive& archive, CatalogueDigest& m) {
  archive(List{m.positions, log_positions_max}, m.wants_reply);
}
template <class Archive>
void serialize(Archive& archive, CatalogueDelta& m) {
  archive(List{m.records, delta_records_max}, List{m.through, log_positions_max});
}
template <class Archive>
void serialize(Archive& archive, CatalogueAnswer& m) {
  archive(m.asker, m.delta);
}
template <class Archive>
void serialize(Archive& archive, CommitWrite& m) {
  archive(m.write, m.record);
}
template <class Archive>
void serialize(Archive& archive, WriteCommitted& m) {
  archive(m.write, m.accepted, m.holding);
}
template <class Archive>
void serialize(Archive& archive, FetchObject& m) {
  archive(m.digest, m.size, List{m.sources, members_max});
}
template <class Archive>
void serialize(Archive& archive, VerifyCopy& m) {
  archive(m.number, m.digest);
}
template <class Archive>
void serialize(Archive& archive, CopyVerified& m) {
  archive(m.number, m.digest, m.intact);
}
template <class Archive>
void serialize(Archive& archive, FetchFailed& m) {
  archive(m.digest);
}
template <class Archive>
void serialize(Archive& archive, WriteSuperseded& m) {
  archive(m.write, m.newest);
}
template <class Archive>
void serialize(Archive& archive, HorizonId& id) {
  archive(id.generation, id.by);
}
template <class Archive>
void serialize(Archive& archive, Horizon& horizon) {
  archive(horizon.id, List{horizon.floors, log_positions_max},
          List{horizon.gone, log_positions_max});
}
template <class Archive>
void serialize(Archive& archive, StoredHorizon& stored) {
  archive(stored.horizon, stored.filling);
}
template <class Archive>
void serialize(Archive& archive, HorizonNotice& m) {
  archive(m.horizon);
}
template <class Archive>
void serialize(Archive&, PeersMissed&) {}
template <class Archive>
void serialize(Archive& archive, RangeSync::Range& range) {
  archive(range.level, range.index);
  for (std::uint64_t& part : range.parts) archive(part);
}
template <class Archive>
void serialize(Archive& archive, RangeSync::Marks& marks) {
  archive(marks.slot, List{marks.records, RangeSync::marks_max});
}
template <class Archive>
void serialize(Archive& archive, RangeSync& m) {
  archive(m.horizon, m.from, List{m.ranges, RangeSync::ranges_max},
          List{m.slots, RangeSync::slots_max}, List{m.wanted, RangeSync::slots_max},
          List{m.records, delta_records_max});
}
template <class Archive>
void serialize(Archive& archive, LookupName& m) {
  archive(m.lookup, Text{m.name, name_bytes_max});
}
template <class Archive>
void serialize(Archive& archive, LookupAnswer& m) {
  archive(m.lookup, List{m.records, members_max + 1});
}
template <class Archive>
void serialize(Archive& archive, Revocation& r) {
  archive(Checked{r.kind, CredentialKind::link}, r.id, r.until);
}
template <class Archive>
void serialize(Archive& archive, LinkUses::Count& count) {
  archive(count.node, count.count);
}
template <class Archive>
void serialize(Archive& archive, LinkUses& uses) {
  archive(uses.link, uses.until, List{uses.counts, AccessState::counters_max});
}
template <class Archive>
void serialize(Archive& archive, AccessNews& m) {
  archive(List{m.revoked, AccessState::merged_factor * AccessState::revoked_max},
          List{m.uses, AccessState::merged_factor * AccessState::links_max});
}
template <class Archive>
void serialize(Archive& archive, AccessDigest& m) {
  archive(m.fingerprint, m.wants_answer);
}
template <class Archive>
void serialize(Archive& archive, Envelope& envelope) {
  archive(envelope.sender, envelope.sender_epoch, envelope.sender_peer, envelope.message);
}

namespace {

template <class Value>
std::string written(Value const& value) {
  std::string out;
  Writer writer{out};
  writer(value);
  return out;
}

template <class Value>
std::size_t counted(Value const& value) {
  Counter counter;
  counter(value);
  return counter.size();
}

// Reads exactly one value. Nothing that the bytes may hold escapes as an exception.
template <class Value>
Result<Value> read_whole(std::span<std::byte const> bytes, Fault fault, std::string const& doing) {
  try {
    Reader reader{bytes};
    Value value;
    reader(value);
    if (!reader.done()) return fail(fault, doing + ": bytes are left over");
    return value;
  } catch (std::exception const& error) {
    return fail(fault, doing + ": " + error.what());
  }
}

std::uint64_t checksum(std::span<std::byte const> body, ClusterTag cluster) {
  return XXH3_64bits_withSeed(body.data(), body.size(), cluster.value());
}

std::span<std::byte const> bytes_of(std::string const& text) {
  return std::as_bytes(std::span{text.data(), text.size()});
}

bool is_ours(std::span<std::byte const> frame) {
  return frame.size() >= header_bytes && std::memcmp(frame.data(), magic.data(), magic.size()) == 0;
}

std::uint8_t version_of(std::span<std::byte const> frame) {
  return static_cast<std::uint8_t>(frame[magic.size()]);
}

Result<void> check_header(std::span<std::byte const> frame, ClusterTag cluster,
                          ProtocolVersions spoken) {
  if (!is_ours(frame)) return fail(Fault::invalid, "reading a message: it is not one of ours");
  Reader reader{frame.subspan(magic.size())};
  std::uint8_t version = 0;
  std::uint32_t tag = 0;
  std::uint64_t sum = 0;
  reader(version, tag, sum);
  if (version == 0 || version > spoken.highest) {
    return fail(Fault::invalid, "reading a message: it has protocol version " +
                                    std::to_string(version) + ", which this node does not speak");
  }
  if (planted(PlantedBug::foreign_clusters_are_heard)) cluster = ClusterTag{tag};
  if (tag != cluster.value()) {
    return fail(Fault::invalid, "reading a message: it belongs to another cluster");
  }
  bool const damaged = sum != checksum(frame.subspan(header_bytes), cluster);
  if (damaged && !planted(PlantedBug::damage_is_not_seen)) {
    return fail(Fault::invalid, "reading a message: it is damaged");
  }
  return {};
}

}  // namespace

std::string encode(Envelope const& envelope, ClusterTag cluster) {
  std::string frame;
  constexpr std::size_t usual_bytes = 480;  // most are shorter
  frame.reserve(usual_bytes);
  frame.append(magic.begin(), magic.end());
  Writer writer{frame};
  writer(minimum_version_of(envelope.message), cluster.value(), std::uint64_t{0}, envelope);
  std::uint64_t const sum = checksum(bytes_of(frame).subspan(header_bytes), cluster);
  std::memcpy(frame.data() + header_bytes - sizeof sum, &sum, sizeof sum);
  return frame;
}

Result<Envelope> decode(std::span<std::byte const> bytes, std::size_t bytes_max, ClusterTag cluster,
                        ProtocolVersions spoken) {
  if (bytes.size() > bytes_max) {
    return fail(Fault::too_large, "reading a message: it is longer than this channel allows");
  }
  auto const header = check_header(bytes, cluster, spoken);
  if (!header) return tl::unexpected(header.error());
  auto envelope =
      read_whole<Envelope>(bytes.subspan(header_bytes), Fault::invalid, "reading a message");
  if (envelope && minimum_version_of(envelope->message) != version_of(bytes)) {
    return fail(Fault::invalid,
                "reading a message: its version is not the one that brought its kind");
  }
  return envelope;
}

Result<Envelope> decode(std::string const& bytes, std::size_t bytes_max, ClusterTag cluster,
                        ProtocolVersions spoken) {
  return decode(bytes_of(bytes), bytes_max, cluster, spoken);
}

bool is_too_new(std::span<std::byte const> frame, ProtocolVersions spoken) {
  return is_ours(frame) && version_of(frame) > spoken.highest;
}

std::size_t encoded_size(Record const& record) {
  return counted(record);
}

std::size_t encoded_size(CatalogueRecord const& record) {
  return counted(record);
}

std::size_t encoded_size(Message const& message) {
  static std::size_t const sender_bytes =
      counted(NodeId{}) + counted(Epoch{}) + counted(Endpoint{});
  return header_bytes + sender_bytes + counted(message);
}

std::string encode(CatalogueRecord const& record) {
  return written(record);
}

std::string encode(LogPosition const& position) {
  return written(position);
}

Result<CatalogueRecord> decode_catalogue_record(std::span<std::byte const> bytes) {
  return read_whole<CatalogueRecord>(bytes, Fault::corrupt, "reading a catalogue record");
}

std::string encode(Announcement const& announcement) {
  return written(announcement);
}

Result<Announcement> decode_announcement(std::span<std::byte const> bytes) {
  return read_whole<Announcement>(bytes, Fault::invalid, "reading an announcement");
}

std::string encode(StoredHorizon const& horizon) {
  return written(horizon);
}

Result<StoredHorizon> decode_horizon(std::span<std::byte const> bytes) {
  return read_whole<StoredHorizon>(bytes, Fault::corrupt, "reading the catalogue's horizon");
}

std::string encode(AccessNews const& all) {
  return written(all);
}

Result<AccessNews> decode_access(std::span<std::byte const> bytes) {
  return read_whole<AccessNews>(bytes, Fault::corrupt, "reading what is known of credentials");
}

Result<LogPosition> decode_log_position(std::span<std::byte const> bytes) {
  return read_whole<LogPosition>(bytes, Fault::corrupt, "reading a log position");
}

}  // namespace chisme::cluster
