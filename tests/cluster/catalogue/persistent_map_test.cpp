#include "cluster/catalogue/persistent_map.hpp"

#include <gtest/gtest.h>

#include <map>
#include <string>
#include <vector>

#include "cluster/base/random.hpp"

namespace chisme::cluster {
namespace {

using Map = PersistentMap<std::string, int>;

std::map<std::string, int> contents(Map const& map) {
  std::map<std::string, int> found;
  map.walk([&](std::string const& key, int value) {
    EXPECT_TRUE(found.empty() || found.rbegin()->first < key) << "walked out of order";
    found[key] = value;
    return true;
  });
  return found;
}

TEST(PersistentMap, IsAMapWhateverIsDoneToIt) {
  Random random{1};
  Map map;
  std::map<std::string, int> model;
  for (int i = 0; i < 20'000; ++i) {
    std::string const key = std::to_string(random.below(500));
    if (random.chance(0.5)) {
      map.insert(key, i);
      model[key] = i;
    } else {
      EXPECT_EQ(map.erase(key), model.erase(key) == 1);
    }
    ASSERT_EQ(map.size(), model.size());
  }
  EXPECT_EQ(contents(map), model);
}

TEST(PersistentMap, ACopyKeepsWhatItWasACopyOf) {
  Map map;
  for (int i = 0; i < 1000; ++i) map.insert(std::to_string(i), i);
  Map const copy = map;
  auto const before = contents(copy);
  for (int i = 0; i < 1000; i += 2) map.erase(std::to_string(i));
  for (int i = 1; i < 1000; i += 2) map.insert(std::to_string(i), -i);
  EXPECT_EQ(contents(copy), before);
  EXPECT_EQ(map.size(), 500u);
  EXPECT_EQ(*map.find(std::string_view{"7"}), -7);
}

TEST(PersistentMap, WalksFromALowerBoundUntilItIsToldToStop) {
  Map map;
  for (char const* key : {"a", "c", "e", "g"}) map.insert(key, 0);
  std::vector<std::string> seen;
  map.walk_from(std::string_view{"b"}, [&](std::string const& key, int) {
    seen.push_back(key);
    return key != "e";
  });
  EXPECT_EQ(seen, (std::vector<std::string>{"c", "e"}));
}

TEST(PersistentMap, StaysShallowWhenKeysComeInOrder) {
  // A tree that degenerates to a list would take minutes here, or overflow the stack.
  PersistentMap<int, int> map;
  for (int i = 0; i < 50'000; ++i) map.insert(i, i);
  for (int i = 0; i < 50'000; i += 1000) ASSERT_EQ(*map.find(i), i);
}

}  // namespace
}  // namespace chisme::cluster
