#include "web/gate.hpp"

#include <algorithm>
#include <utility>

#include "web/base64.hpp"
#include "web/dav/paths.hpp"
#include "web/http/characters.hpp"
#include "web/names.hpp"
#include "web/problem.hpp"

namespace chisme::web {
namespace {

constexpr std::string_view subprotocol = "chisme";
constexpr std::string_view bearer_subprotocol = "chisme.bearer.";

Role least_role(Needs needs) {
  switch (needs) {
    case Needs::nothing:
      return Role::none;
    case Needs::read:
      return Role::read;
    case Needs::write:
      return Role::write;
    case Needs::unstated:
    case Needs::admin:
      break;
  }
  return Role::admin;
}

// What is nowhere is told only to whom may look.
Needs needs_of(Knock const& knock) {
  if (knock.route != nullptr) return knock.route->needs;
  switch (knock.request.method) {
    case Method::options:  // browsers ask without credentials (Fetch, CORS preflight)
      return Needs::nothing;
    case Method::get:
    case Method::head:
      return knock.is_asset ? Needs::nothing : Needs::read;
    default:
      return Needs::write;
  }
}

std::string why_invalid(Standing standing) {
  if (standing == Standing::expired) return "The token has expired";
  if (standing == Standing::revoked) return "The token was revoked";
  return "The token is none of this cluster";
}

Reply unauthorized(Request const& request, std::string const& error, std::string const& detail) {
  Reply reply = problem(401, detail);
  // Explorers ask their user for a name and a password, and look at the first challenge only.
  if (dav::is_dav_target(request.target)) {
    reply.headers.add("WWW-Authenticate", "Basic realm=\"chisme\", charset=\"UTF-8\"");
  }
  reply.headers.add("WWW-Authenticate", "Bearer realm=\"chisme\"", error);
  return reply;
}

Reply refusal(Request const& request, Verdict verdict, Role needed,
              std::optional<Bearer> const& shown) {
  std::string const role{to_string(needed)};
  switch (verdict) {
    case Verdict::token_wanted:
      return unauthorized(request, "",
                          "This needs a token with the role " + role +
                              ": send Authorization: Bearer TOKEN. Who has the cluster's "
                              "secret makes one with chisme token new.");
    case Verdict::token_invalid:
      return unauthorized(
          request, ", error=\"invalid_token\"",
          why_invalid(shown->standing) + ". Ask for a new one; chisme token new makes it.");
    case Verdict::role_too_low: {
      Reply reply =
          problem(403, "This needs a token with the role " + role + "; the one shown has " +
                           std::string{to_string(shown->role)} + ".");
      reply.headers.add("WWW-Authenticate",
                        "Bearer realm=\"chisme\", error=\"insufficient_scope\", scope=\"", role,
                        "\"");
      return reply;
    }
    case Verdict::allowed:
    case Verdict::closed:
      break;
  }
  return problem(403, "Nobody may ask this.");
}

// The file that a request to a route with links is about.
std::optional<std::string> asked_file(Knock const& knock) {
  auto const name = knock.route->path.ends_with('/')
                        ? name_from_url(rest_of(*knock.route, knock.target.path))
                        : checked_name(knock.target.parameter("file").value_or(""));
  return name ? std::optional{*name} : std::nullopt;
}

// What follows a scheme, with its space, in Authorization.
std::optional<std::string_view> authorization(Request const& request, std::string_view scheme) {
  std::string_view const value = trimmed(request.header("authorization").value_or(""));
  bool const is_of_scheme =
      value.size() > scheme.size() && equal_without_case(value.substr(0, scheme.size()), scheme);
  return is_of_scheme ? std::optional{trimmed(value.substr(scheme.size()))} : std::nullopt;
}

// Of base64 of "user:password". An empty one shows nothing: so explorers ask as a guest.
std::optional<std::string> password_of(std::string_view encoded) {
  auto const pair = base64_decoded(encoded);
  if (!pair) return std::nullopt;
  std::size_t const colon = pair->find(':');
  if (colon == std::string::npos || colon + 1 == pair->size()) return std::nullopt;
  return pair->substr(colon + 1);
}

Reply link_refusal(Standing standing) {
  if (standing == Standing::expired) {
    return problem(410, "This link has expired. Ask whoever gave it to you for a new one.");
  }
  if (standing == Standing::revoked) {
    return problem(410, "This link was taken back. Ask whoever gave it to you for a new one.");
  }
  return problem(403,
                 "This link does not open this file. See that it is whole, or ask for a new "
                 "one.");
}

tl::expected<Admission, Reply> pass_by_link(Knock const& knock, std::string_view text) {
  Credentials* const credentials = knock.gateway.credentials();
  auto const name = asked_file(knock);
  SharedLink link;
  if (credentials != nullptr && name) link = credentials->check_link(text, *name);
  if (link.standing != Standing::valid) return tl::unexpected(link_refusal(link.standing));
  return Admission{.token = std::nullopt, .link = link, .link_text = std::string{text}};
}

}  // namespace

Role role_of(AccessMode mode, std::optional<Bearer> const& shown) {
  if (shown) return shown->standing == Standing::valid ? shown->role : Role::none;
  switch (mode) {
    case AccessMode::open:
      return Role::admin;
    case AccessMode::read:
      return Role::read;
    case AccessMode::token:
      break;
  }
  return Role::none;
}

Verdict judge(AccessMode mode, Needs needs, std::optional<Bearer> const& shown) {
  if (needs == Needs::unstated) return Verdict::closed;
  // What everybody may do without a token is not less with one.
  if (needs == Needs::nothing || mode == AccessMode::open) return Verdict::allowed;
  if (shown && shown->standing != Standing::valid) return Verdict::token_invalid;
  Role const role =
      shown ? std::max(shown->role, role_of(mode, std::nullopt)) : role_of(mode, std::nullopt);
  if (role >= least_role(needs)) return Verdict::allowed;
  return shown ? Verdict::role_too_low : Verdict::token_wanted;
}

std::optional<std::string> shown_token(Request const& request) {
  if (auto const bearer = authorization(request, "bearer ")) return std::string{*bearer};
  if (auto const basic = authorization(request, "basic ")) {
    auto password = password_of(*basic);
    if (password && dav::is_dav_target(request.target)) return password;
  }
  if (!request.upgrade_websocket) return std::nullopt;
  for (std::string_view const offered :
       list_elements(request.header("sec-websocket-protocol").value_or(""))) {
    if (offered.starts_with(bearer_subprotocol)) {
      return std::string{offered.substr(bearer_subprotocol.size())};
    }
  }
  return std::nullopt;
}

std::optional<Bearer> shown_by(Gateway& gateway, Request const& request) {
  auto const text = shown_token(request);
  if (!text) return std::nullopt;
  Credentials* const credentials = gateway.credentials();
  return credentials == nullptr ? Bearer{} : credentials->check_token(*text);
}

std::string selected_subprotocol(Request const& request) {
  auto const offered = list_elements(request.header("sec-websocket-protocol").value_or(""));
  bool const is_offered = std::ranges::find(offered, subprotocol) != offered.end();
  return is_offered ? std::string{subprotocol} : std::string{};
}

tl::expected<Admission, Reply> pass_gate(Knock const& knock) {
  Needs const needs = needs_of(knock);
  auto const shown = knock.signer ? knock.signer : shown_by(knock.gateway, knock.request);
  bool const by_token = shown && shown->standing == Standing::valid;
  bool const may_read = by_token && shown->role >= Role::read;
  auto const share = knock.target.parameter("share");
  bool const by_link = share && knock.route != nullptr && knock.route->takes_links && !may_read;
  if (by_link) return pass_by_link(knock, *share);
  Verdict const verdict = judge(knock.mode, needs, shown);
  if (verdict != Verdict::allowed) {
    return tl::unexpected(refusal(knock.request, verdict, least_role(needs), shown));
  }
  Admission admission;
  if (by_token) admission.token = shown;
  return admission;
}

}  // namespace chisme::web
