#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "node/security/secret.hpp"

// Keys that are made of a secret: one for each purpose, so that what one leaks says nothing of
// another (HKDF with SHA-256, RFC 5869).
namespace chisme::node {

using Key = std::array<std::uint8_t, 32>;

// `purpose` names what the key is for; `context` tells apart the keys for it.
[[nodiscard]] Key derive_key(Secret const& secret, std::string_view purpose,
                             std::span<std::uint8_t const> context = {});

// Says in the clear with which secret something was made.
using KeyId = std::uint32_t;
[[nodiscard]] KeyId key_id_of(Secret const& secret);

}  // namespace chisme::node
