#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <tl/expected.hpp>

#include "web/credentials.hpp"
#include "web/gateway.hpp"
#include "web/http/request.hpp"
#include "web/plan.hpp"
#include "web/routes.hpp"
#include "web/target.hpp"

// The gate before the router: every request passes it, whatever it asks for, and handlers ask
// nobody anything. Bearer tokens are those of RFC 6750.
namespace chisme::web {

// The rule, pure.
enum class Verdict : std::uint8_t {
  allowed,
  token_wanted,   // none was shown
  token_invalid,  // one was shown, which is not valid
  role_too_low,
  closed  // nobody said who may ask
};
[[nodiscard]] Verdict judge(AccessMode mode, Needs needs, std::optional<Bearer> const& shown);
// What a request may do that shows this.
[[nodiscard]] Role role_of(AccessMode mode, std::optional<Bearer> const& shown);

// The token of `Authorization: Bearer TOKEN` or, in a WebSocket handshake, of the offered
// subprotocol `chisme.bearer.TOKEN`, or, below /dav/ only, the password of `Authorization: Basic`
// (RFC 7617), since file explorers know nothing else; whatever the user's name. nullopt: none is
// shown.
[[nodiscard]] std::optional<std::string> shown_token(Request const& request);
// The same, judged: what limits per client may count by is its `id.number`, if it is valid.
[[nodiscard]] std::optional<Bearer> shown_by(Gateway& gateway, Request const& request);
// The subprotocol that the answer to a handshake selects: `chisme` when it was offered, else none.
[[nodiscard]] std::string selected_subprotocol(Request const& request);

// What let a request in.
struct Admission {
  std::optional<Bearer> token;     // it is valid
  std::optional<SharedLink> link;  // it opens the file that is asked for
  std::string link_text;
};

struct Knock {
  Gateway& gateway;
  AccessMode mode;
  Request const& request;
  Target const& target;
  Route const* route;                 // nullptr: there is none
  bool is_asset = false;              // one of the page's files
  std::optional<Bearer> signer = {};  // whose signature of S3's it bears (s3/signature.hpp)
};
// The refusal is 401, 403 or 410, with a sentence that says what to do.
[[nodiscard]] tl::expected<Admission, Reply> pass_gate(Knock const& knock);

}  // namespace chisme::web
