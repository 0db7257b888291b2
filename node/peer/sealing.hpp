#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "cluster/base/identity.hpp"
#include "cluster/base/time.hpp"
#include "cluster/wire/replay_window.hpp"
#include "node/security/key_ring.hpp"

struct evp_cipher_ctx_st;

// Datagrams that only nodes of the cluster can make and read: AES-256-GCM (NIST SP 800-38D). The
// header, which is in the clear and cannot be changed, is
//
//   u16 magic, u8 version 1, u8 flags 0, u32 key id, 16 bytes sender, u32 its epoch, u64 run,
//   u64 sequence; then the text, encrypted, and 16 bytes of tag. Integers are big endian.
//
// A key is made of a secret for each run of a sender, and the sequence is the nonce: `run` is a
// random number of the process, so that a node whose disk was put back, and with it its epoch,
// never uses a nonce again.
namespace chisme::node {

inline constexpr std::size_t seal_header_bytes = 44;
inline constexpr std::size_t seal_tag_bytes = 16;
inline constexpr std::size_t seal_bytes = seal_header_bytes + seal_tag_bytes;

// What datagrams are for: those of one purpose have keys of their own, and are not taken for
// another.
inline constexpr std::string_view gossip_purpose = "chisme datagrams";
inline constexpr std::string_view announcement_purpose = "chisme announcements";

// SealingCipher is AES-256-GCM with one key. One thread owns it.
class SealingCipher {
 public:
  explicit SealingCipher(Key const& key);
  // Appends the encrypted `text` and the tag to `header`, which they cover.
  void seal(std::string& header, std::uint64_t sequence, std::span<std::byte const> text);
  // The text of a sealed datagram. nullopt: it was not made with this key, or changed since.
  [[nodiscard]] std::optional<std::string> open(std::uint64_t sequence,
                                                std::span<std::byte const> datagram);

 private:
  struct Free {
    void operator()(evp_cipher_ctx_st* context) const;
  };
  std::unique_ptr<evp_cipher_ctx_st, Free> sealing_;
  std::unique_ptr<evp_cipher_ctx_st, Free> opening_;
};

// DatagramSealer seals what one run of this node sends. One thread owns it.
class DatagramSealer {
 public:
  // Draws the run's number.
  DatagramSealer(NodeId self, Epoch epoch, std::string_view purpose = gossip_purpose);
  // With the ring's primary secret.
  [[nodiscard]] std::string seal(KeyRing const& ring, std::span<std::byte const> text);

 private:
  NodeId self_;
  Epoch epoch_;
  std::string_view purpose_;
  std::uint64_t run_;
  std::uint64_t next_ = 1;
  KeyId key_ = 0;
  std::unique_ptr<SealingCipher> cipher_;
};

// DatagramOpener opens what other nodes sealed, each once. It remembers for each sender its newest
// epoch, and in it two runs, so that two processes that believe to be the same node are noticed;
// what comes of an older epoch, or of a third run, is taken for old and refused.
//
// It remembers `senders_max` senders and forgets then the one that was silent longest: of that one,
// and of those from before this process, a datagram may be played again once. The protocol orders
// its news, so an old one says nothing new. One thread owns it.
class DatagramOpener {
 public:
  static constexpr std::size_t senders_max = 4096;
  static constexpr std::size_t runs_max = 2;
  // For a run that is not known a key is made before it can be told whether it is genuine: as much
  // work as for ten datagrams of known ones. Whoever has seen a datagram can make runs up, so no
  // more are tried in a second; 4096 nodes that start at once are heard within three.
  static constexpr std::size_t tries_per_second = 2000;

  // Of `purpose`, one of those above.
  explicit DatagramOpener(std::string_view purpose = gossip_purpose) : purpose_{purpose} {}

  struct Opened {
    NodeId sender;
    Epoch epoch;
    std::string text;
  };
  // nullopt: no datagram of this cluster, one that came before, or one too many of runs that are
  // not known; nothing is remembered of it.
  [[nodiscard]] std::optional<Opened> open(KeyRing const& ring, std::span<std::byte const> datagram,
                                           Instant now = {});

  [[nodiscard]] std::size_t senders() const { return senders_.size(); }

 private:
  struct Run {
    std::uint64_t number = 0;
    KeyId key = 0;  // of the cipher
    std::unique_ptr<SealingCipher> cipher;
    cluster::ReplayWindow window;
  };
  struct Sender {
    Epoch epoch;
    std::vector<Run> runs;
    std::uint64_t heard = 0;  // counts datagrams
  };

  [[nodiscard]] Run* find_run(NodeId sender, Epoch epoch, std::uint64_t run);
  // Whether it would be taken for old if it were genuine.
  [[nodiscard]] bool is_old(NodeId sender, Epoch epoch) const;
  [[nodiscard]] bool may_try(Instant now);
  // REQUIRES: it is not old.
  [[nodiscard]] Run* remember(NodeId sender, Epoch epoch, std::uint64_t run);
  void make_room();

  std::string_view purpose_;
  std::map<NodeId, Sender> senders_;
  std::uint64_t heard_ = 0;
  Instant tries_since_{};
  std::size_t tries_ = 0;
};

}  // namespace chisme::node
