#include "node/client_credentials.hpp"

#include <algorithm>
#include <asio/post.hpp>
#include <utility>

#include "cluster/base/check.hpp"
#include "cluster/base/random.hpp"
#include "cluster/placement/rendezvous.hpp"
#include "node/clock.hpp"
#include "node/core_driver.hpp"
#include "node/link_counts.hpp"
#include "node/security/peer_keys.hpp"
#include "node/view_queries.hpp"

namespace chisme::node {
namespace {

cluster::CredentialKind kind_for_core(web::CredentialKind kind) {
  return kind == web::CredentialKind::token ? cluster::CredentialKind::token
                                            : cluster::CredentialKind::link;
}

// Whole seconds, since that is what is signed.
WallTime second_after(Duration life) {
  auto const since = wall_now().time_since_epoch() + life;
  return WallTime{std::chrono::ceil<std::chrono::seconds>(since)};
}

// Downloads are counted at one of these.
bool counts_downloads(cluster::MemberView const& member) {
  return member.state == cluster::MemberState::alive && !member.alive.draining &&
         cluster::understands<cluster::AccessNews>(member.alive);
}

}  // namespace

struct ClientCredentials::Waiting {
  std::map<std::uint64_t, std::function<void(Result<void>)>> revocations;
  std::uint64_t next = 0;
};

ClientCredentials::ClientCredentials(asio::io_context& loop, NodeParts const& parts)
    : loop_{loop}, parts_{parts}, waiting_{std::make_shared<Waiting>()} {}

ClientCredentials::~ClientCredentials() = default;

void ClientCredentials::abandon() {
  waiting_->revocations.clear();
}

bool ClientCredentials::has_secret() const {
  return parts_.keys.ring() != nullptr;
}

bool ClientCredentials::is_revoked(web::CredentialKind kind, std::uint64_t number) const {
  return parts_.core.view()->access->is_revoked(kind_for_core(kind), number);
}

web::Bearer ClientCredentials::check_token(std::string_view text) {
  auto const ring = parts_.keys.ring();
  auto const token = ring ? open_token(text, *ring) : std::nullopt;
  return token ? judged(*token) : web::Bearer{};
}

web::Bearer ClientCredentials::judged(AccessToken const& token) const {
  web::Bearer bearer{web::Standing::valid, token.role, token.id};
  if (token.id.expires <= wall_now()) {
    bearer.standing = web::Standing::expired;
  } else if (is_revoked(web::CredentialKind::token, token.id.number)) {
    bearer.standing = web::Standing::revoked;
  }
  return bearer;
}

std::optional<web::SigningPair> ClientCredentials::check_access_key(std::string_view id) {
  auto const ring = parts_.keys.ring();
  auto const opened = ring ? open_access_key(id, *ring) : std::nullopt;
  if (!opened) return std::nullopt;
  return web::SigningPair{judged(opened->token), opened->secret};
}

bool ClientCredentials::is_still_valid(web::CredentialId const& token) {
  return token.expires > wall_now() && !is_revoked(web::CredentialKind::token, token.number);
}

web::SharedLink ClientCredentials::check_link(std::string_view text, std::string_view name) {
  auto const ring = parts_.keys.ring();
  auto const link = ring ? open_link(text, name, *ring) : std::nullopt;
  if (!link) return {};
  web::SharedLink shared{web::Standing::valid, link->is_ticket, link->id, std::nullopt};
  if (link->is_ticket) {
    shared.id.expires = link->token_expires;
  } else if (link->downloads > 0) {
    shared.downloads = link->downloads;
  }
  // Who took back a token took back what was given for it.
  auto const kind = link->is_ticket ? web::CredentialKind::token : web::CredentialKind::link;
  if (link->id.expires <= wall_now()) {
    shared.standing = web::Standing::expired;
  } else if (is_revoked(kind, link->id.number)) {
    shared.standing = web::Standing::revoked;
  }
  return shared;
}

std::string ClientCredentials::make_ticket(std::string_view name, web::CredentialId const& token) {
  auto const ring = parts_.keys.ring();
  CHECK(ring);
  WallTime const expires = std::min(second_after(ticket_life), token.expires);
  return to_text({.is_ticket = true,
                  .id = {token.number, expires},
                  .token_expires = token.expires,
                  .downloads = 0},
                 name, *ring);
}

web::MadeLink ClientCredentials::make_link(web::LinkWish const& wish) {
  auto const ring = parts_.keys.ring();
  CHECK(ring);
  AccessLink const link{.is_ticket = false,
                        .id = {new_credential_number(), second_after(wish.life)},
                        .token_expires = {},
                        .downloads = wish.downloads.value_or(0)};
  return {to_text(link, wish.name, *ring), link.id};
}

web::LinkHome ClientCredentials::home_of(web::CredentialId const& link) {
  auto const view = parts_.core.view();
  cluster::MemberView const* best = nullptr;
  double highest = 0;
  for (cluster::MemberView const& member : view->members) {
    if (!counts_downloads(member)) continue;
    double const score = cluster::rendezvous_score(mix(link.number), member.alive.id, 1);
    if (best != nullptr && score <= highest) continue;
    best = &member;
    highest = score;
  }
  // A node that leaves, and knows no other.
  if (best == nullptr) return {.http = {}, .self = true};
  return {http_origin(*best), best->self};
}

web::Standing ClientCredentials::use(web::SharedLink const& link, web::LinkUse use) {
  auto const view = parts_.core.view();
  return parts_.link_counts.use(link, use, *view->access, steady_now(), wall_now());
}

void ClientCredentials::revoke(web::CredentialKind kind, web::CredentialId id,
                               std::function<void(Result<void>)> done) {
  std::uint64_t const number = ++waiting_->next;
  waiting_->revocations.emplace(number, std::move(done));
  auto const answer = [&on = loop_, waiting = waiting_, number](Result<void> outcome) {
    asio::post(on, [waiting, number, outcome = std::move(outcome)] {
      auto const found = waiting->revocations.find(number);
      if (found == waiting->revocations.end()) return;
      auto const call = std::move(found->second);
      waiting->revocations.erase(found);
      call(outcome);
    });
  };
  parts_.core.revoke({kind_for_core(kind), id.number, id.expires}, answer);
}

}  // namespace chisme::node
