#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "cluster/base/identity.hpp"
#include "node/security/secret.hpp"

namespace chisme::node {

// JoinToken is all that another machine needs to become a node of a cluster: the secret, and where
// nodes are that it may ask. It is as secret as the secret.
struct JoinToken {
  static constexpr std::size_t peers_max = 16;

  Secret secret;
  std::vector<Endpoint> peers;  // one to `peers_max`
  friend bool operator==(JoinToken const&, JoinToken const&) = default;
};

// "chisme-join-", the secret's 64 hexadecimal digits, "@" and the peers, separated by commas:
// "chisme-join-…@192.168.1.11:8701,192.168.1.12:8701".
[[nodiscard]] std::string to_text(JoinToken const& token);
// Takes what `to_text` writes.
[[nodiscard]] std::optional<JoinToken> parse_join_token(std::string_view text);

}  // namespace chisme::node
