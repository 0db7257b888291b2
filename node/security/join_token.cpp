#include "node/security/join_token.hpp"

#include <algorithm>

namespace chisme::node {
namespace {

constexpr std::string_view token_prefix = "chisme-join-";
constexpr std::size_t secret_digits = 64;

}  // namespace

std::string to_text(JoinToken const& token) {
  std::string text = std::string{token_prefix} + to_hex(Digest{token.secret.bytes});
  char before = '@';
  for (Endpoint const& peer : token.peers) {
    text += before + to_string(peer);
    before = ',';
  }
  return text;
}

std::optional<JoinToken> parse_join_token(std::string_view text) {
  if (!text.starts_with(token_prefix)) return std::nullopt;
  text.remove_prefix(token_prefix.size());
  auto const secret = parse_digest(text.substr(0, secret_digits));
  if (!secret || text.substr(secret_digits).find('@') != 0) return std::nullopt;
  text.remove_prefix(secret_digits + 1);
  JoinToken token{Secret{secret->bytes}, {}};
  for (bool more = true; more;) {
    std::string_view const address = text.substr(0, text.find(','));
    more = address.size() < text.size();
    text.remove_prefix(std::min(text.size(), address.size() + 1));
    auto const peer = parse_endpoint(address);
    if (!peer || peer->port == 0 || token.peers.size() == JoinToken::peers_max) return std::nullopt;
    token.peers.push_back(*peer);
  }
  return token;
}

}  // namespace chisme::node
