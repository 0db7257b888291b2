#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "cluster/base/result.hpp"

namespace chisme::node {

// Secret is what all nodes of a cluster know and nobody else: 256 random bits. Keys are made of it,
// one for each purpose (keys.hpp); it is never sent, and told of by the id of a key only.
struct Secret {
  std::array<std::uint8_t, 32> bytes{};
  friend bool operator==(Secret const&, Secret const&) = default;
};

// From the system's generator of random numbers.
[[nodiscard]] Secret new_secret();
// "chisme-secret-" and 64 lower-case hexadecimal digits.
[[nodiscard]] std::string to_text(Secret const& secret);
// Takes what `to_text` writes.
[[nodiscard]] std::optional<Secret> parse_secret(std::string_view text);

// A secret file has one secret a line; empty lines and those that begin with # do not count. With
// the first a node signs and encrypts; it accepts what was made with any of them. So a secret is
// changed without a stop: the new one is added as second, then, once all nodes have it, moved to
// the first place, then the old one is taken out.
inline constexpr std::size_t secrets_max = 4;

// The secrets of `path`, one at least. Faults: not_found, io; invalid, with a sentence that does
// not repeat the file's text: others than its owner may read or write it, its owner is neither this
// user nor root, it is no plain file, or a line is no secret.
[[nodiscard]] Result<std::vector<Secret>> read_secret_file(std::filesystem::path const& path);
// Makes the file, mode 0600, and syncs it. Faults: invalid (there is a file), io.
[[nodiscard]] Result<void> write_secret_file(std::filesystem::path const& path,
                                             Secret const& secret);

}  // namespace chisme::node
