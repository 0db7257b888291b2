#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

#include "cluster/base/result.hpp"
#include "cluster/config.hpp"
#include "cluster/wire/messages.hpp"

// Messages as bytes. A frame is a header (magic, protocol version, cluster tag, XXH3 checksum of
// what follows) and an envelope in cereal's binary form, little endian. The checksum finds
// accidents only; it is no authentication.
//
// The version in a frame is the lowest one that has its kind of message. So a node can read
// whatever bears a version that is not above its own highest, and any two nodes, even if they
// cannot work together, understand each other's greeting (PushPull) and can say why not.
//
// Decoding trusts nothing: every length is compared with the bytes that are left, and with its own
// bound, before anything is allocated; every enumeration and variant index is checked; left-over
// bytes are an error. It never throws and changes nothing on failure.
namespace chisme::cluster {

// Tells clusters apart that share a network, so that they never merge by accident.
using ClusterTag = Strong<struct ClusterTagTag, std::uint32_t>;

// A whole frame. REQUIRES: every list, name, type and zone is within the bounds of config.hpp, else
// the other side refuses it. The caller compares the length with the channel's bound.
[[nodiscard]] std::string encode(Envelope const& envelope, ClusterTag cluster = {});

// One whole frame of at most `bytes_max` bytes (`datagram_bytes_max`, `stream_message_bytes_max`),
// for a node that speaks `spoken`.
// Errors: too_large, invalid (not ours, damaged, a newer protocol version, another cluster).
[[nodiscard]] Result<Envelope> decode(std::span<std::byte const> bytes, std::size_t bytes_max,
                                      ClusterTag cluster = {},
                                      ProtocolVersions spoken = spoken_versions);
// The same for bytes that are held as characters.
[[nodiscard]] Result<Envelope> decode(std::string const& bytes, std::size_t bytes_max,
                                      ClusterTag cluster = {},
                                      ProtocolVersions spoken = spoken_versions);
// A frame that cannot be read because it is newer, and not because it is damaged: it is passed
// over, and nothing is held against its sender or the stream that brought it.
[[nodiscard]] bool is_too_new(std::span<std::byte const> frame,
                              ProtocolVersions spoken = spoken_versions);

// How many bytes `record` adds to a frame. Exact.
[[nodiscard]] std::size_t encoded_size(Record const& record);
[[nodiscard]] std::size_t encoded_size(CatalogueRecord const& record);
// The length of a whole frame that holds `message`. Exact.
[[nodiscard]] std::size_t encoded_size(Message const& message);

// What the node's store keeps: one record, position or horizon, or all that is known of
// credentials, without a frame.
[[nodiscard]] std::string encode(CatalogueRecord const& record);
[[nodiscard]] std::string encode(LogPosition const& position);
[[nodiscard]] std::string encode(StoredHorizon const& horizon);
[[nodiscard]] std::string encode(AccessNews const& all);
// Errors: corrupt.
[[nodiscard]] Result<CatalogueRecord> decode_catalogue_record(std::span<std::byte const> bytes);
[[nodiscard]] Result<LogPosition> decode_log_position(std::span<std::byte const> bytes);
[[nodiscard]] Result<AccessNews> decode_access(std::span<std::byte const> bytes);
[[nodiscard]] Result<StoredHorizon> decode_horizon(std::span<std::byte const> bytes);

}  // namespace chisme::cluster
