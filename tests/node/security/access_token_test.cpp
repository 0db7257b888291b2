#include "node/security/access_token.hpp"

#include <gtest/gtest.h>

#include <set>
#include <vector>

namespace chisme::node {
namespace {

WallTime at(std::int64_t seconds) {
  return WallTime{std::chrono::seconds{seconds}};
}

std::vector<Secret> const two_secrets{new_secret(), new_secret()};
KeyRing const the_ring{two_secrets};

AccessToken const a_token{web::Role::write, {0x0123456789abcdef, at(2'000'000'000)}};
AccessLink const a_link{
    .is_ticket = false, .id = {7, at(1'900'000'000)}, .token_expires = {}, .downloads = 3};
AccessLink const a_ticket{.is_ticket = true,
                          .id = {7, at(1'900'000'000)},
                          .token_expires = at(2'000'000'000),
                          .downloads = 0};

// Every text that differs from `text` in one character, by one bit of what it stands for.
std::vector<std::string> neighbours(std::string const& text) {
  constexpr std::string_view alphabet =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
  std::vector<std::string> all;
  for (std::size_t i = 0; i < text.size(); ++i) {
    std::size_t const value = alphabet.find(text[i]);
    for (unsigned bit = 0; bit < 6; ++bit) {
      std::string changed = text;
      changed[i] = alphabet[value ^ (1u << bit)];
      all.push_back(changed);
    }
    all.push_back(text.substr(0, i));
    all.push_back(text.substr(0, i) + "=" + text.substr(i + 1));
    all.push_back(text.substr(0, i) + std::string(1, '\0') + text.substr(i + 1));
  }
  all.push_back(text + "A");
  all.push_back(" " + text);
  all.push_back(text + "\n");
  return all;
}

TEST(AccessToken, SaysWhatItWasMadeWith) {
  std::string const text = to_text(a_token, the_ring);
  EXPECT_TRUE(text.starts_with("chisme-token-"));
  EXPECT_EQ(
      text.find_first_not_of("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"),
      std::string::npos);
  EXPECT_EQ(text.size(), 13u + 72u);
  EXPECT_EQ(open_token(text, the_ring), a_token);
  EXPECT_EQ(read_token(text), a_token);
}

TEST(AccessToken, WithOneBitChangedItIsNone) {
  for (std::string const& text : neighbours(to_text(a_token, the_ring))) {
    EXPECT_FALSE(open_token(text, the_ring).has_value()) << text;
  }
}

TEST(AccessToken, OfAnotherSecretItIsNone) {
  std::vector<Secret> const others{new_secret()};
  EXPECT_FALSE(open_token(to_text(a_token, KeyRing{others}), the_ring).has_value());
  // That the key's id is right does not make it right.
  std::string forged = to_text(a_token, KeyRing{others});
  std::string const own = to_text(a_token, the_ring);
  forged.replace(0, 13 + 20, own.substr(0, 13 + 20));
  EXPECT_FALSE(open_token(forged, the_ring).has_value());
}

TEST(AccessToken, IsGoodForAsLongAsItsSecretIsListed) {
  std::string const old = to_text(a_token, KeyRing{std::span{two_secrets}.first(1)});
  std::vector<Secret> const swapped{two_secrets[1], two_secrets[0]};
  std::vector<Secret> const after{two_secrets[1]};
  EXPECT_EQ(open_token(old, KeyRing{swapped}), a_token);
  EXPECT_FALSE(open_token(old, KeyRing{after}).has_value());
}

TEST(AccessToken, ATextOfAnotherKindIsNone) {
  std::string const of_token = to_text(a_token, the_ring);
  std::string const of_link = to_text(a_link, "a", the_ring);
  for (std::string const& text :
       {of_link, "chisme-token-" + of_link, std::string{}, to_text(two_secrets[0]),
        std::string{"chisme-token-"}, std::string(10'000, 'A')}) {
    EXPECT_FALSE(open_token(text, the_ring).has_value());
    EXPECT_FALSE(read_token(text).has_value());
  }
  EXPECT_FALSE(open_link(of_token, "a", the_ring).has_value());
  EXPECT_FALSE(open_link(of_token.substr(13), "a", the_ring).has_value());
}

TEST(SigningKeys, ANodeFindsWhatWhoHasTheTokenHas) {
  std::string const text = to_text(a_token, the_ring);
  auto const pair = signing_key_of(text);
  ASSERT_TRUE(pair);
  EXPECT_EQ(pair->access_key.size(), 44u);
  EXPECT_EQ(pair->secret.size(), 64u);
  auto const opened = open_access_key(pair->access_key, the_ring);
  ASSERT_TRUE(opened);
  EXPECT_EQ(opened->token, a_token);
  EXPECT_EQ(opened->secret, pair->secret);
  EXPECT_EQ(pair->secret.find(text), std::string::npos);
}

// A node judges the secret of whatever key is named, so another role or end has another secret.
TEST(SigningKeys, OfAnotherTokenOrSecretHaveAnotherSecret) {
  auto const pair = signing_key_of(to_text(a_token, the_ring));
  std::string other = pair->access_key;
  other[3] = '3';  // the role
  auto const raised = open_access_key(other, the_ring);
  ASSERT_TRUE(raised);
  EXPECT_EQ(raised->token.role, web::Role::admin);
  EXPECT_NE(raised->secret, pair->secret);
  std::vector<Secret> const others{new_secret()};
  EXPECT_FALSE(open_access_key(pair->access_key, KeyRing{others}));
  auto const old = signing_key_of(to_text(a_token, KeyRing{std::span{two_secrets}.subspan(1)}));
  EXPECT_EQ(open_access_key(old->access_key, the_ring)->secret, old->secret);
}

TEST(SigningKeys, OfGarbageThereAreNone) {
  auto const pair = signing_key_of(to_text(a_token, the_ring));
  for (std::string const& text :
       {std::string{}, std::string{"chisme"}, std::string(44, 'x'), std::string(44, '0'),
        pair->access_key + "0", pair->access_key.substr(2)}) {
    EXPECT_FALSE(open_access_key(text, the_ring)) << text;
    EXPECT_FALSE(signing_key_of(text)) << text;
  }
  EXPECT_FALSE(signing_key_of(to_text(a_link, "a", the_ring)));
}

TEST(AccessLink, SaysWhatItWasMadeWith) {
  EXPECT_EQ(open_link(to_text(a_link, "films/a.mp4", the_ring), "films/a.mp4", the_ring), a_link);
  EXPECT_EQ(open_link(to_text(a_ticket, "a", the_ring), "a", the_ring), a_ticket);
}

TEST(AccessLink, IsBoundToItsFile) {
  std::string const text = to_text(a_link, "films/a.mp4", the_ring);
  for (char const* const other :
       {"films/a.mp", "films/a.mp4 ", "films/a.mp4/", "ilms/a.mp4", "films/b.mp4", "", "films"}) {
    EXPECT_FALSE(open_link(text, other, the_ring).has_value()) << other;
  }
}

TEST(AccessLink, WithOneBitChangedItIsNone) {
  for (AccessLink const& one : {a_link, a_ticket}) {
    for (std::string const& text : neighbours(to_text(one, "a", the_ring))) {
      EXPECT_FALSE(open_link(text, "a", the_ring).has_value()) << text;
    }
  }
}

TEST(AccessLink, OfAnotherSecretItIsNone) {
  std::vector<Secret> const others{new_secret()};
  EXPECT_FALSE(open_link(to_text(a_link, "a", KeyRing{others}), "a", the_ring).has_value());
}

// Each kind of text is signed with a key of its own.
TEST(AccessKeys, DifferByPurpose) {
  KeyRing::Entry const& entry = the_ring.primary();
  std::set<Key> const keys{entry.token_key, entry.link_key, entry.ticket_key, entry.stream_key};
  EXPECT_EQ(keys.size(), 4u);
}

TEST(AccessNumbers, AreNotGivenTwice) {
  std::set<std::uint64_t> numbers;
  for (int i = 0; i < 1000; ++i) numbers.insert(new_credential_number());
  EXPECT_EQ(numbers.size(), 1000u);
}

}  // namespace
}  // namespace chisme::node
