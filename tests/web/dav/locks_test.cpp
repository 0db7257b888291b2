#include "web/dav/locks.hpp"

#include <gtest/gtest.h>

#include "web/dav/xml.hpp"

namespace chisme::web::dav {
namespace {

using std::chrono::seconds;

constexpr WallTime now{seconds{1'000}};

Lock lock_of(std::string const& name, bool exclusive = true, bool deep = false) {
  Lock lock{.token = "urn:" + name, .name = name};
  lock.is_exclusive = exclusive;
  lock.is_deep = deep;
  lock.life = seconds{60};
  lock.expires = now + lock.life;
  return lock;
}

bool is_free(Locks const& locks, Touched const& touched,
             std::vector<std::string> const& submitted = {}) {
  return !lock_in_the_way(locks, std::vector{touched}, submitted);
}

TEST(DavLocks, AreKeptAsTheyAre) {
  Locks locks{lock_of("a/\xc3\xa9"), lock_of("", false, true)};
  locks[0].owner = "<owner xmlns=\"DAV:\">\"me\"</owner>";
  EXPECT_EQ(parse_locks(to_json(locks)), locks);
  EXPECT_EQ(parse_locks("[]"), Locks{});
  for (char const* const bad : {"", "{}", "[1]", "[{}]", "[{\"token\":\"x\"}]"}) {
    EXPECT_FALSE(parse_locks(bad)) << bad;
  }
}

TEST(DavLocks, AResourceNeedsItsOwnLocksToken) {
  Locks const locks{lock_of("a/b")};
  EXPECT_FALSE(is_free(locks, {"a/b"}));
  EXPECT_TRUE(is_free(locks, {"a/b"}, {"urn:a/b"}));
  EXPECT_FALSE(is_free(locks, {"a/b"}, {"urn:other"}));
  EXPECT_TRUE(is_free(locks, {"a/bc"}));
  EXPECT_TRUE(is_free(locks, {"a"}));
  EXPECT_TRUE(is_free(locks, {"a/b/c"}));
}

TEST(DavLocks, ADeepLockIsOfAllBelow) {
  Locks const locks{lock_of("a", true, true)};
  EXPECT_FALSE(is_free(locks, {"a/b/c"}));
  EXPECT_TRUE(is_free(locks, {"a/b/c"}, {"urn:a"}));
  EXPECT_TRUE(is_free(locks, {"ab"}));
  EXPECT_FALSE(is_free({lock_of("", true, true)}, {"x"}));
}

TEST(DavLocks, ACollectionsLockIsOfItsMembership) {
  Locks const locks{lock_of("a")};
  EXPECT_TRUE(is_free(locks, {"a/b", false, false}));
  EXPECT_FALSE(is_free(locks, {"a/b", false, true}));
  EXPECT_TRUE(is_free(locks, {"a/b", false, true}, {"urn:a"}));
  EXPECT_TRUE(is_free(locks, {"a/b/c", false, true}));
  EXPECT_FALSE(is_free({lock_of("")}, {"x", false, true}));
}

TEST(DavLocks, ATreeNeedsTheTokensOfAllThatIsInIt) {
  Locks const locks{lock_of("a/b"), lock_of("a/c/d")};
  EXPECT_FALSE(is_free(locks, {"a", true}));
  EXPECT_FALSE(is_free(locks, {"a", true}, {"urn:a/b"}));
  EXPECT_TRUE(is_free(locks, {"a", true}, {"urn:a/b", "urn:a/c/d"}));
  EXPECT_TRUE(is_free(locks, {"b", true}));
}

TEST(DavLocks, OfSharedLocksOneTokenIsEnough) {
  Lock other = lock_of("a", false);
  other.token = "urn:other";
  Locks const locks{lock_of("a", false), other};
  EXPECT_FALSE(is_free(locks, {"a"}));
  EXPECT_TRUE(is_free(locks, {"a"}, {"urn:other"}));
}

TEST(DavLocks, OnlySharedLocksGoTogether) {
  Locks const shared{lock_of("a", false)};
  EXPECT_FALSE(lock_against(shared, lock_of("a", false)));
  EXPECT_TRUE(lock_against(shared, lock_of("a", true)));
  EXPECT_TRUE(lock_against({lock_of("a", true)}, lock_of("a", false)));
  EXPECT_FALSE(lock_against({lock_of("a", true)}, lock_of("b", true)));
  EXPECT_TRUE(lock_against({lock_of("a/b")}, lock_of("a", true, true)));
  EXPECT_FALSE(lock_against({lock_of("a/b")}, lock_of("a", true, false)));
  EXPECT_TRUE(lock_against({lock_of("a", true, true)}, lock_of("a/b")));
}

TEST(DavLocks, TheirTimeEnds) {
  Locks const locks{lock_of("a")};
  EXPECT_EQ(in_force(locks, now + seconds{59}).size(), 1u);
  EXPECT_TRUE(in_force(locks, now + seconds{60}).empty());
}

TEST(DavLocks, AreToldInXml) {
  Lock lock = lock_of("a b", false, true);
  lock.is_collection = true;
  std::string const xml = "<D:x xmlns:D=\"DAV:\">" + discovery_xml({lock}, now + seconds{10}) +
                          supported_xml() + "</D:x>";
  auto const root = parse_xml(xml);
  ASSERT_TRUE(root) << root.error().message;
  XmlNode const* const active = root->child("activelock");
  ASSERT_NE(active, nullptr);
  EXPECT_NE(active->child("lockscope")->child("shared"), nullptr);
  EXPECT_EQ(active->child("depth")->children.front().text, "infinity");
  EXPECT_EQ(active->child("timeout")->children.front().text, "Second-50");
  EXPECT_EQ(active->child("lockroot")->child("href")->children.front().text, "/dav/a%20b/");
  EXPECT_EQ(active->child("locktoken")->child("href")->children.front().text, "urn:a b");
}

}  // namespace
}  // namespace chisme::web::dav
