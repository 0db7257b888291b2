#pragma once

#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "web/credentials.hpp"

namespace chisme::web {

// MemoryCredentials knows the tokens and links that it was given. Their texts are what a test calls
// them; a link's is bound to its file. Public members are knobs. One thread owns it.
class MemoryCredentials final : public Credentials {
 public:
  std::map<std::string, Bearer> tokens;
  std::map<std::pair<std::string, std::string>, SharedLink> links;  // by text and file
  LinkHome home{"http://127.0.0.1:7701", true};
  Standing left = Standing::valid;  // what `use` answers
  std::vector<LinkUse> used;
  std::vector<LinkWish> made;
  std::vector<std::pair<CredentialKind, CredentialId>> revoked;
  std::set<std::uint64_t> over;  // tokens that are not valid any more

  void add_token(std::string const& text, Role role, Standing standing = Standing::valid) {
    tokens[text] = {standing, role, {tokens.size() + 1, end}};
  }
  SharedLink& add_link(std::string const& text, std::string const& file) {
    return links[{text, file}] = {Standing::valid, false, {100 + links.size(), end}, std::nullopt};
  }

  Bearer check_token(std::string_view text) override {
    auto const found = tokens.find(std::string{text});
    return found == tokens.end() ? Bearer{} : found->second;
  }
  bool is_still_valid(CredentialId const& token) override { return !over.contains(token.number); }
  SharedLink check_link(std::string_view text, std::string_view name) override {
    auto const found = links.find({std::string{text}, std::string{name}});
    return found == links.end() ? SharedLink{} : found->second;
  }
  std::string make_ticket(std::string_view name, CredentialId const& token) override {
    return "ticket-" + std::to_string(token.number) + "-" + std::to_string(name.size());
  }
  MadeLink make_link(LinkWish const& wish) override {
    made.push_back(wish);
    return {"a-link", {42, end}};
  }
  LinkHome home_of(CredentialId const&) override { return home; }
  Standing use(SharedLink const&, LinkUse use) override {
    used.push_back(use);
    return left;
  }
  void revoke(CredentialKind kind, CredentialId id,
              std::function<void(Result<void>)> done) override {
    revoked.emplace_back(kind, id);
    done({});
  }

  static constexpr WallTime end{std::chrono::seconds{2'000'000'000}};
};

}  // namespace chisme::web
