#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "cluster/base/strong.hpp"

namespace chisme {

// NodeId is the 128-bit random name of a node, made with its data directory and kept with it.
struct NodeId {
  std::uint64_t high = 0;
  std::uint64_t low = 0;
  friend constexpr auto operator<=>(NodeId const&, NodeId const&) = default;
};

// 32 lower-case hexadecimal digits.
[[nodiscard]] std::string to_string(NodeId id);
[[nodiscard]] std::optional<NodeId> parse_node_id(std::string_view text);

// Raised, and synced, at every start of a node.
using Epoch = Strong<struct EpochTag, std::uint32_t>;
// Raised by a node itself, within an epoch, to refute news about it.
using Incarnation = Strong<struct IncarnationTag, std::uint32_t>;

// Digest is a SHA-256 (FIPS 180-4): the name of an object.
struct Digest {
  std::array<std::uint8_t, 32> bytes{};
  friend constexpr bool operator==(Digest const&, Digest const&) = default;
  // By bytes, the first first. Trees of objects are searched with it: the first eight decide nearly
  // always, without a call.
  friend constexpr std::strong_ordering operator<=>(Digest const& a, Digest const& b) {
    if (auto const order = a.head() <=> b.head(); order != 0) return order;
    return a.bytes <=> b.bytes;
  }

 private:
  [[nodiscard]] constexpr std::uint64_t head() const {
    std::uint64_t value = 0;
    for (std::size_t i = 0; i < 8; ++i) value = value << 8 | bytes[i];
    return value;
  }
};

// 64 lower-case hexadecimal digits.
[[nodiscard]] std::string to_hex(Digest const& digest);
[[nodiscard]] std::optional<Digest> parse_digest(std::string_view hex);

// Version orders the writes of one name: a hybrid logical time (48 bits of milliseconds since the
// Unix epoch, 16 bits of counter), ties broken by the writer.
struct Version {
  std::uint64_t time = 0;
  NodeId writer;
  friend constexpr auto operator<=>(Version const&, Version const&) = default;
};

// "<16 hex digits>-<32 hex digits>"; text order is version order.
[[nodiscard]] std::string to_string(Version const& version);
[[nodiscard]] std::optional<Version> parse_version(std::string_view text);

// Endpoint is an IP address (IPv4 as ::ffff:a.b.c.d) and a port; port 0 means none.
struct Endpoint {
  std::array<std::uint8_t, 16> address{};
  std::uint16_t port = 0;
  friend constexpr auto operator<=>(Endpoint const&, Endpoint const&) = default;
};

// "127.0.0.1:7701" or "[::1]:7701".
[[nodiscard]] std::string to_string(Endpoint const& endpoint);
// The address alone: "127.0.0.1" or "::1".
[[nodiscard]] std::string address_text(Endpoint const& endpoint);
// Takes what `to_string` writes; no host names.
[[nodiscard]] std::optional<Endpoint> parse_endpoint(std::string_view text);
// 127.0.0.0/8 or ::1.
[[nodiscard]] bool is_loopback(Endpoint const& endpoint);

}  // namespace chisme
