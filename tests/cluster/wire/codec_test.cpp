#include "cluster/wire/codec.hpp"

#include <gtest/gtest.h>

#include <cstdlib>
#include <cstring>
#include <limits>
#include <new>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "tests/cluster/wire/messages.hpp"

namespace {
// Asked of operator new since it was last set to 0; stays 0 where a sanitizer has its own.
std::size_t allocated_bytes = 0;
}  // namespace

#if !__has_feature(thread_sanitizer)
void* operator new(std::size_t size) {
  allocated_bytes += size;
  if (void* memory = std::malloc(size)) return memory;
  throw std::bad_alloc{};
}
void operator delete(void* memory) noexcept {
  std::free(memory);
}
void operator delete(void* memory, std::size_t) noexcept {
  std::free(memory);
}
#endif

namespace chisme::cluster::testing {
namespace {

constexpr std::size_t kinds = std::variant_size_v<Message>;
constexpr std::size_t checksum_at = 8;
constexpr std::size_t header_bytes = 16;

Result<Envelope> read(std::string const& frame) {
  return decode(frame, stream_message_bytes_max);
}

// Makes the checksum right again, so that what is behind it is really decoded.
std::string sealed(std::string frame) {
  std::uint64_t const sum =
      XXH3_64bits_withSeed(frame.data() + header_bytes, frame.size() - header_bytes, 0);
  std::memcpy(frame.data() + checksum_at, &sum, sizeof sum);
  return frame;
}

// A decoder may need some memory per byte, but never because of what a length claims.
std::size_t allowance(std::size_t frame_bytes) {
  return 4096 + 64 * frame_bytes;
}

TEST(Codec, EveryMessageComesBackAsItWas) {
  for (std::uint64_t seed = 0; seed < 50; ++seed) {
    MessageMaker maker{seed};
    for (std::size_t kind = 0; kind < kinds; ++kind) {
      Envelope const envelope = maker.envelope(kind);
      auto const decoded = read(encode(envelope));
      ASSERT_TRUE(decoded.has_value()) << kind << ": " << decoded.error().message;
      EXPECT_EQ(*decoded, envelope) << kind;
    }
  }
}

TEST(Codec, SizesAreToldExactly) {
  MessageMaker maker{1};
  for (int round = 0; round < 20; ++round) {
    for (std::size_t kind = 0; kind < kinds; ++kind) {
      Envelope const envelope = maker.envelope(kind);
      EXPECT_EQ(encoded_size(envelope.message), encode(envelope).size()) << kind;
    }
    for (std::size_t kind = 0; kind < std::variant_size_v<Record>; ++kind) {
      Record const record = maker.record(kind);
      std::size_t const empty = encoded_size(Message{Gossip{}});
      EXPECT_EQ(encoded_size(record), encoded_size(Message{Gossip{0, {record}}}) - empty) << kind;
    }
    CatalogueRecord const record = maker.catalogue_record();
    EXPECT_EQ(encoded_size(record), encode(record).size());
  }
}

TEST(Codec, StoredRecordsAndPositionsComeBackOrAreCorrupt) {
  MessageMaker maker{2};
  for (int round = 0; round < 100; ++round) {
    CatalogueRecord const record = maker.catalogue_record();
    std::string const bytes = encode(record);
    auto const view = std::as_bytes(std::span{bytes});
    EXPECT_EQ(decode_catalogue_record(view).value(), record);
    auto const cut = decode_catalogue_record(view.first(view.size() - 1));
    ASSERT_FALSE(cut.has_value());
    EXPECT_EQ(cut.error().fault, Fault::corrupt);
    LogPosition const position = maker.log_position();
    std::string const stored = encode(position);
    EXPECT_EQ(decode_log_position(std::as_bytes(std::span{stored})).value(), position);
  }
}

TEST(Codec, AMessageCutAtAnyByteIsRefused) {
  MessageMaker maker{3};
  for (std::size_t kind = 0; kind < kinds; ++kind) {
    std::string const frame = encode(maker.envelope(kind));
    for (std::size_t size = 0; size < frame.size(); ++size) {
      std::string cut = frame.substr(0, size);
      EXPECT_FALSE(read(cut).has_value());
      if (size >= header_bytes) EXPECT_FALSE(read(sealed(cut)).has_value()) << kind << ' ' << size;
    }
  }
}

TEST(Codec, BytesLeftOverAreRefused) {
  MessageMaker maker{4};
  for (std::size_t kind = 0; kind < kinds; ++kind) {
    auto const decoded = read(sealed(encode(maker.envelope(kind)) + '\0'));
    ASSERT_FALSE(decoded.has_value());
    EXPECT_EQ(decoded.error().fault, Fault::invalid);
  }
}

TEST(Codec, ADamagedByteAnywhereIsNoticed) {
  std::string const frame = encode(MessageMaker{5}.envelope(8));
  for (std::size_t i = 0; i < frame.size(); ++i) {
    std::string damaged = frame;
    damaged[i] = static_cast<char>(damaged[i] ^ 0x10);
    EXPECT_FALSE(read(damaged).has_value()) << i;
  }
}

TEST(Codec, ChangedBytesBehindARightChecksumNeverAllocateMuch) {
  Random random{6};
  for (int round = 0; round < 20000; ++round) {
    MessageMaker maker{random()};
    std::string frame = encode(maker.envelope(random.below(kinds)));
    for (std::uint64_t changes = 1 + random.below(4); changes > 0; --changes) {
      std::size_t const at = header_bytes + random.below(frame.size() - header_bytes);
      frame[at] = random.chance(0.3) ? '\xff' : static_cast<char>(random());
    }
    frame = sealed(frame);
    allocated_bytes = 0;
    auto const decoded = read(frame);
    ASSERT_LE(allocated_bytes, allowance(frame.size()));
    // Whatever is taken for a message is one: it can be written and read again.
    if (decoded) ASSERT_EQ(read(encode(*decoded)).value(), *decoded);
  }
}

TEST(Codec, GarbageNeverAllocatesMuch) {
  Random random{7};
  std::string const header = encode(MessageMaker{7}.envelope(3)).substr(0, header_bytes);
  for (int round = 0; round < 20000; ++round) {
    std::string garbage(random.below(600), '\0');
    for (char& c : garbage) c = static_cast<char>(random());
    allocated_bytes = 0;
    EXPECT_FALSE(read(garbage).has_value());
    (void)read(sealed(header + garbage));
    ASSERT_LE(allocated_bytes, 2 * allowance(garbage.size() + header_bytes));
  }
}

TEST(Codec, AGiantLengthIsRefusedBeforeAnythingIsAllocated) {
  std::string frame = encode(Envelope{{}, {}, {}, CatalogueDigest{}});
  std::size_t const length_at = frame.size() - 5;  // a u32, then `wants_reply`
  for (std::uint32_t const length : {2u, 1u << 20, std::numeric_limits<std::uint32_t>::max()}) {
    std::memcpy(frame.data() + length_at, &length, sizeof length);
    std::string const claimed = sealed(frame);
    allocated_bytes = 0;
    auto const decoded = read(claimed);
    ASSERT_FALSE(decoded.has_value());
    EXPECT_NE(decoded.error().message.find("length"), std::string::npos);
    EXPECT_LE(allocated_bytes, 4096u);
  }
}

TEST(Codec, NamesTypesZonesAndListsAreBounded) {
  auto const refused = [](Message message) { return !read(encode({{}, {}, {}, message})); };
  EXPECT_FALSE(refused(LookupName{1, std::string(name_bytes_max, 'a')}));
  EXPECT_TRUE(refused(LookupName{1, std::string(name_bytes_max + 1, 'a')}));
  PutRecord put;
  put.type = std::string(type_bytes_max + 1, 'a');
  EXPECT_TRUE(refused(CommitWrite{1, {{}, put}}));
  AliveRecord alive;
  alive.zone = std::string(zone_bytes_max + 1, 'a');
  EXPECT_TRUE(refused(Gossip{0, {alive}}));
  EXPECT_FALSE(refused(PushPull{{}, false, false, std::vector<MemberRecord>(members_max)}));
  EXPECT_TRUE(refused(PushPull{{}, false, false, std::vector<MemberRecord>(members_max + 1)}));
}

TEST(Codec, AFullMemberTableFitsIntoAStreamMessage) {
  AliveRecord alive;
  alive.zone = std::string(zone_bytes_max, 'z');
  Message const full = PushPull{alive, true, true, std::vector<MemberRecord>(members_max, {alive})};
  EXPECT_LE(encoded_size(full), stream_message_bytes_max);
}

TEST(Codec, UnknownKindsAndValuesAreRefused) {
  std::string frame = encode(Envelope{{}, {}, {}, Nack{}});
  std::size_t const kind_at = frame.size() - 9;
  frame[kind_at] = static_cast<char>(kinds);
  EXPECT_FALSE(read(sealed(frame)).has_value());

  std::string flag = encode(Envelope{{}, {}, {}, CatalogueDigest{}});
  flag.back() = 2;
  EXPECT_FALSE(read(sealed(flag)).has_value());

  std::string log = encode(LogPosition{});
  log[16] = 2;
  EXPECT_FALSE(decode_log_position(std::as_bytes(std::span{log})).has_value());
}

TEST(Codec, NumbersThatAreNoneAreRefused) {
  LoadRecord load;
  for (float const bad :
       {std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity()}) {
    load.capacity = bad;
    EXPECT_FALSE(read(encode({{}, {}, {}, LoadReply{1, load}})).has_value());
  }
}

// The catalogue's index has no room for them, and a log's next number must not be the last.
TEST(Codec, PlacesThatNoLogReachesAreRefused) {
  auto const survives = [](std::uint64_t sequence) {
    CatalogueRecord const record{{NodeId{1, 2}, Epoch{3}, sequence}, DropRecord{}};
    LogPosition const position{NodeId{1, 2}, LogKind::names, Epoch{3}, sequence};
    std::string const record_text = encode(record), position_text = encode(position);
    auto const bytes = [](std::string const& text) { return std::as_bytes(std::span{text}); };
    bool const stored = decode_catalogue_record(bytes(record_text)).has_value();
    EXPECT_EQ(decode_log_position(bytes(position_text)).has_value(), stored);
    Envelope const told{{}, {}, {}, Gossip{0, {record}}};
    EXPECT_EQ(decode(encode(told), datagram_bytes_max).has_value(), stored);
    return stored;
  };
  EXPECT_TRUE(survives(log_sequence_max));
  EXPECT_FALSE(survives(log_sequence_max + 1));
  EXPECT_FALSE(survives(~std::uint64_t{0}));
}

TEST(Codec, AnotherClusterAnotherVersionAndTooMuchAreRefused) {
  Envelope const envelope = MessageMaker{8}.envelope(3);
  std::string frame = encode(envelope, ClusterTag{7});
  EXPECT_TRUE(decode(frame, 1200, ClusterTag{7}).has_value());
  EXPECT_FALSE(decode(frame, 1200, ClusterTag{8}).has_value());
  auto const large = decode(frame, frame.size() - 1, ClusterTag{7});
  ASSERT_FALSE(large.has_value());
  EXPECT_EQ(large.error().fault, Fault::too_large);
  frame[3] = spoken_versions.highest + 1;
  auto const other = decode(frame, 1200, ClusterTag{7});
  ASSERT_FALSE(other.has_value());
  EXPECT_NE(other.error().message.find("version"), std::string::npos);
}

TEST(Codec, AFrameBearsTheLowestVersionThatHasItsKind) {
  MessageMaker maker{9};
  for (std::size_t kind = 0; kind < kinds; ++kind) {
    Envelope const envelope = maker.envelope(kind);
    std::string const frame = encode(envelope);
    std::uint8_t const needed = minimum_version_of(envelope.message);
    EXPECT_EQ(static_cast<std::uint8_t>(frame[3]), needed) << kind;
    EXPECT_LE(needed, spoken_versions.highest) << kind;
    // A node of the version before does not read it, and knows that it is not damaged.
    ProtocolVersions const older{1, 1, static_cast<std::uint8_t>(needed - 1)};
    auto const bytes = std::as_bytes(std::span{frame});
    EXPECT_FALSE(decode(frame, stream_message_bytes_max, {}, older).has_value()) << kind;
    EXPECT_TRUE(is_too_new(bytes, older)) << kind;
    EXPECT_FALSE(is_too_new(bytes)) << kind;
  }
  EXPECT_EQ(minimum_version_of(PushPull{}), 1);
  EXPECT_EQ(minimum_version_of(VerifyCopy{}), 2);
  EXPECT_EQ(minimum_version_of(AccessNews{}), 3);
}

TEST(Codec, WhatTheFailureDetectorAsksAndHearsIsAProbe) {
  for (Message const& probe : {Message{Ping{}}, Message{Ack{}}, Message{PingReq{}}, Message{Nack{}},
                               Message{WrongTarget{}}}) {
    EXPECT_TRUE(is_probe(probe)) << probe.index();
  }
  for (Message const& other : {Message{Gossip{}}, Message{PushPull{}}, Message{CatalogueDelta{}},
                               Message{CommitWrite{}}, Message{LoadProbe{}}}) {
    EXPECT_FALSE(is_probe(other)) << other.index();
  }
}

TEST(Codec, WhatIsNoneOfOursIsNotCalledNew) {
  std::string const noise(40, '\x7f');
  EXPECT_FALSE(is_too_new(std::as_bytes(std::span{noise})));
  EXPECT_FALSE(is_too_new({}));
}

TEST(Codec, AKindThatItsVersionDoesNotHaveIsRefused) {
  std::string frame = encode(Envelope{{}, {}, {}, VerifyCopy{}});
  ASSERT_EQ(frame[3], 2);
  frame[3] = 1;
  EXPECT_FALSE(read(frame).has_value());
  // A bit of it that was damaged on the way: the checksum is not over it.
  std::string old = encode(Envelope{{}, {}, {}, Ping{}});
  ASSERT_EQ(old[3], 1);
  old[3] = 3;
  EXPECT_FALSE(read(old).has_value());
}

}  // namespace
}  // namespace chisme::cluster::testing
