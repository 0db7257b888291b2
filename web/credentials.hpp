#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "cluster/base/result.hpp"
#include "cluster/base/time.hpp"

// What clients show to be let in: bearer tokens, share links, and the tickets that redirects bear.
// What they are made of is the node's; the web tier asks what one allows.
namespace chisme::web {

// Each may do all that those before it may.
enum class Role : std::uint8_t { none, read, write, admin };
[[nodiscard]] std::string_view to_string(Role role);
// Of "read", "write" and "admin".
[[nodiscard]] std::optional<Role> parse_role(std::string_view text);

// Whom a node asks for a token: nobody; who changes something; everybody.
enum class AccessMode : std::uint8_t { open, read, token };
[[nodiscard]] std::string_view to_string(AccessMode mode);

enum class CredentialKind : std::uint8_t { token, link };
// The name of a token or a link, which is no secret: random, and with its end, so that who revokes
// it knows for how long that must be remembered.
struct CredentialId {
  std::uint64_t number = 0;
  WallTime expires{};  // a whole second
  friend bool operator==(CredentialId const&, CredentialId const&) = default;
};
// "<16 hexadecimal digits>-<the end's seconds in at most 10 of them>".
[[nodiscard]] std::string to_string(CredentialId const& id);
// Takes what `to_string` writes.
[[nodiscard]] std::optional<CredentialId> parse_credential_id(std::string_view text);

// No token and no link lives longer.
inline constexpr std::chrono::seconds credential_life_max = std::chrono::hours{24 * 366};

enum class Standing : std::uint8_t {
  valid,
  unknown,  // this cluster made no such thing: garbage, of another cluster, for another file
  expired,
  revoked,
  used_up,  // of a link: all its downloads were taken
  busy      // of a link: its downloads cannot be counted now
};

// What a bearer token is. Role and id count only when it is valid.
struct Bearer {
  Standing standing = Standing::unknown;
  Role role = Role::none;
  CredentialId id;
};

// What the `share` of a file's URL is: a link that somebody made, or a ticket, with which a
// redirect sends on a client that showed a token.
struct SharedLink {
  Standing standing = Standing::unknown;
  bool is_ticket = false;
  CredentialId id;                         // of the link; of the token for which a ticket was made
  std::optional<std::uint32_t> downloads;  // it may be fetched so often; nullopt: as often as it is

  [[nodiscard]] bool is_counted() const { return downloads.has_value(); }
};

struct LinkWish {
  std::string name;  // of the file: checked and normalised (names.hpp)
  std::chrono::seconds life{};
  std::optional<std::uint32_t> downloads;
};
struct MadeLink {
  std::string text;  // the `share` of the URL
  CredentialId id;
};

// What a counted link is used for: to begin a download, to read on behind its beginning, or to ask
// about the file.
enum class LinkUse : std::uint8_t { begin, read_on, look };

// Where the downloads of a counted link are counted.
struct LinkHome {
  std::string http;  // origin
  bool self = false;
};

// An access key of S3's clients: whom it lets in, and what it signs with.
struct SigningPair {
  std::optional<Bearer> bearer;  // nullopt: nobody in particular
  std::string secret;
};

// Credentials is what a node that knows its cluster's secret says of them. Like the gateway: every
// call and every completion is on one web loop's thread.
class Credentials {
 public:
  virtual ~Credentials() = default;

  [[nodiscard]] virtual Bearer check_token(std::string_view text) = 0;
  // The pair that was made of a token of this cluster, by its access key, be it over; nullopt:
  // there is none. That somebody has the secret is for the caller to see.
  [[nodiscard]] virtual std::optional<SigningPair> check_access_key(std::string_view) {
    return std::nullopt;
  }
  // Whether a token that was valid still is.
  [[nodiscard]] virtual bool is_still_valid(CredentialId const& token) = 0;
  // Whether that is a link to just this file; `used_up` comes from `use`.
  [[nodiscard]] virtual SharedLink check_link(std::string_view text, std::string_view name) = 0;

  // A ticket for one file, for whom the token let in; it ends within minutes, and with the token.
  [[nodiscard]] virtual std::string make_ticket(std::string_view name,
                                                CredentialId const& token) = 0;
  [[nodiscard]] virtual MadeLink make_link(LinkWish const& wish) = 0;

  [[nodiscard]] virtual LinkHome home_of(CredentialId const& link) = 0;
  // Uses a counted link, at its home: valid, used_up or busy. Only `begin` counts.
  [[nodiscard]] virtual Standing use(SharedLink const& link, LinkUse use) = 0;

  // From now on here, and soon everywhere, it is not valid. Done once this node has it on disk.
  // Faults: busy (there are too many), invalid (it would be remembered for too long), unavailable.
  virtual void revoke(CredentialKind kind, CredentialId id,
                      std::function<void(Result<void>)> done) = 0;
};

}  // namespace chisme::web
