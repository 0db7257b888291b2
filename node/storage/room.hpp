#pragma once

#include <cstdint>
#include <filesystem>

#include "cluster/base/result.hpp"
#include "cluster/base/strong.hpp"

// Whether bytes will fit on the disk, asked before they are taken.
namespace chisme::node {

// Takes room for `size` bytes of the file now. File systems that cannot reserve are asked what is
// free. Faults: no_space, io.
[[nodiscard]] Result<void> reserve(int descriptor, ByteCount size,
                                   std::filesystem::path const& path);

// no_space unless `wanted` bytes fit besides the room that objects leave for the catalogue, so that
// a full node can still remove files: a twentieth of the file system, at most 64 MiB.
[[nodiscard]] Result<void> leave_catalogue_room(int descriptor, std::uint64_t wanted,
                                                std::filesystem::path const& path);

// What is free where `path` is besides that room, in bytes; 0 if the file system does not say.
[[nodiscard]] ByteCount room_for_objects(std::filesystem::path const& path);

// no_space unless `wanted` bytes are free where `path` is.
[[nodiscard]] Result<void> check_room(std::filesystem::path const& path, ByteCount wanted);
// What a change of the catalogue may need: some pages of its log and of its file.
inline constexpr ByteCount catalogue_change_bytes{256u << 10};

// Used part of the file system that `path` is on, 0..1, as df computes it; 1 if it does not say.
[[nodiscard]] double used_ratio_of(std::filesystem::path const& path);

}  // namespace chisme::node
