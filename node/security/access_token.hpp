#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "node/security/key_ring.hpp"
#include "web/credentials.hpp"

// What clients show, as text: bearer tokens, share links and tickets. Each says in the clear what
// it allows and until when, and bears an HMAC (RFC 2104) with SHA-256 by a key that is made of the
// cluster's secret for this purpose alone. So every node can judge it, with no memory of it, and
// one that was made with a secret that is still in the secret file is good.
//
// Pure but for the generator of random numbers; any thread. Whoever parses takes text from
// anybody: what is not exactly what is written here is none.
namespace chisme::node {

struct AccessToken {
  web::Role role = web::Role::read;
  web::CredentialId id;  // `expires` is a whole second from 1970 on
  friend bool operator==(AccessToken const&, AccessToken const&) = default;
};

// "chisme-token-" and 72 characters of base64url (RFC 4648, 5). REQUIRES: the role is not `none`.
[[nodiscard]] std::string to_text(AccessToken const& token, KeyRing const& ring);
// What the text says, when it was made with a key of the ring; be it over.
[[nodiscard]] std::optional<AccessToken> open_token(std::string_view text, KeyRing const& ring);
// What it says, whoever made it: to name it. Nothing is allowed by that.
[[nodiscard]] std::optional<AccessToken> read_token(std::string_view text);

// What S3's clients sign with, made of a token: who has the token has the pair, and a node makes it
// anew of the access key alone, in which the token's role, end and id are in the clear. The secret
// is an HMAC by the token's text, so that it neither tells the token nor can be made without it.
struct SigningKey {
  std::string access_key;  // 44 hexadecimal digits in upper case
  std::string secret;      // 64 hexadecimal digits
};
// nullopt: this is no token. That some cluster made it is not looked at.
[[nodiscard]] std::optional<SigningKey> signing_key_of(std::string_view token);
struct OpenedKey {
  AccessToken token;
  std::string secret;
};
// nullopt: no token that was made with a key of the ring can have it.
[[nodiscard]] std::optional<OpenedKey> open_access_key(std::string_view access_key,
                                                       KeyRing const& ring);

// A share link, or a ticket, to one file, for reading it. The file's name is not in it, but signed.
struct AccessLink {
  bool is_ticket = false;
  web::CredentialId id;         // of a ticket: whose number is that of its token, the end its own
  WallTime token_expires{};     // of a ticket only
  std::uint32_t downloads = 0;  // 0: as many as one likes
  friend bool operator==(AccessLink const&, AccessLink const&) = default;
};

// 88 characters of base64url.
[[nodiscard]] std::string to_text(AccessLink const& link, std::string_view name,
                                  KeyRing const& ring);
[[nodiscard]] std::optional<AccessLink> open_link(std::string_view text, std::string_view name,
                                                  KeyRing const& ring);

// From the system's generator, so that nobody guesses another's.
[[nodiscard]] std::uint64_t new_credential_number();

}  // namespace chisme::node
