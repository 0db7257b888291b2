#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "cluster/base/identity.hpp"
#include "cluster/base/result.hpp"
#include "web/http/request.hpp"

namespace chisme::web {

[[nodiscard]] std::string base64(Digest const& digest);

// "sha-256=:…:" (Repr-Digest, RFC 9530).
[[nodiscard]] std::string repr_digest(Digest const& digest);
// The sha-256 of a Repr-Digest or Content-Digest field; nullopt when it names other algorithms
// only. Fault::invalid when its sha-256 is malformed.
[[nodiscard]] Result<std::optional<Digest>> parse_digest_field(std::string_view field);

// The digest that an upload's headers announce; Fault::invalid when they are malformed or differ.
[[nodiscard]] Result<std::optional<Digest>> announced_digest(Request const& request);

}  // namespace chisme::web
