#pragma once

#include <asio/io_context.hpp>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>

#include "node/parts.hpp"
#include "node/security/access_token.hpp"
#include "web/credentials.hpp"

namespace chisme::node {

// ClientCredentials judges and makes what clients of one web loop show, with the cluster's secrets
// as they are now and what the newest view says was revoked.
//
// One web loop's thread. `parts` must outlive it.
class ClientCredentials final : public web::Credentials {
 public:
  // From a redirect to the request that follows it.
  static constexpr std::chrono::minutes ticket_life{5};

  ClientCredentials(asio::io_context& loop, NodeParts const& parts);
  ~ClientCredentials() override;

  // Without a secret none of the rest may be called.
  [[nodiscard]] bool has_secret() const;

  web::Bearer check_token(std::string_view text) override;
  std::optional<web::SigningPair> check_access_key(std::string_view id) override;
  bool is_still_valid(web::CredentialId const& token) override;
  web::SharedLink check_link(std::string_view text, std::string_view name) override;
  std::string make_ticket(std::string_view name, web::CredentialId const& token) override;
  web::MadeLink make_link(web::LinkWish const& wish) override;
  web::LinkHome home_of(web::CredentialId const& link) override;
  web::Standing use(web::SharedLink const& link, web::LinkUse use) override;
  void revoke(web::CredentialKind kind, web::CredentialId id,
              std::function<void(Result<void>)> done) override;

  // Forgets, without calling them, the completions that still wait.
  void abandon();

 private:
  struct Waiting;
  [[nodiscard]] web::Bearer judged(AccessToken const& token) const;
  [[nodiscard]] bool is_revoked(web::CredentialKind kind, std::uint64_t number) const;

  asio::io_context& loop_;
  NodeParts const& parts_;
  std::shared_ptr<Waiting> waiting_;
};

}  // namespace chisme::node
