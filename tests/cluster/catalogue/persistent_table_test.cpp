#include "cluster/catalogue/persistent_table.hpp"

#include <gtest/gtest.h>

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "cluster/base/random.hpp"

namespace chisme::cluster {
namespace {

struct Pair {
  std::string key;
  int value = 0;
};
struct KeyOfPair {
  std::string const& operator()(Pair const& pair) const { return pair.key; }
};
using Map = PersistentTable<Pair, KeyOfPair>;

std::map<std::string, int> contents(Map const& map) {
  std::map<std::string, int> found;
  map.walk([&](Pair const& pair) {
    auto const& [key, value] = pair;
    EXPECT_TRUE(found.empty() || found.rbegin()->first < key) << "walked out of order";
    found[key] = value;
    return true;
  });
  return found;
}

TEST(PersistentTable, IsAMapWhateverIsDoneToIt) {
  Random random{1};
  Map map;
  std::map<std::string, int> model;
  for (int i = 0; i < 20'000; ++i) {
    std::string const key = std::to_string(random.below(500));
    if (random.chance(0.5)) {
      map.insert({key, i});
      model[key] = i;
    } else {
      EXPECT_EQ(map.erase(key), model.erase(key) == 1);
    }
    ASSERT_EQ(map.size(), model.size());
  }
  EXPECT_EQ(contents(map), model);
}

TEST(PersistentTable, ACopyKeepsWhatItWasACopyOf) {
  Map map;
  for (int i = 0; i < 1000; ++i) map.insert({std::to_string(i), i});
  Map const copy = map;
  auto const before = contents(copy);
  for (int i = 0; i < 1000; i += 2) map.erase(std::to_string(i));
  for (int i = 1; i < 1000; i += 2) map.insert({std::to_string(i), -i});
  EXPECT_EQ(contents(copy), before);
  EXPECT_EQ(map.size(), 500u);
  EXPECT_EQ(map.find(std::string_view{"7"})->value, -7);
}

TEST(PersistentTable, WalksFromALowerBoundUntilItIsToldToStop) {
  Map map;
  for (char const* key : {"a", "c", "e", "g"}) map.insert({key, 0});
  std::vector<std::string> seen;
  map.walk_from(std::string_view{"b"}, [&](Pair const& pair) {
    seen.push_back(pair.key);
    return pair.key != "e";
  });
  EXPECT_EQ(seen, (std::vector<std::string>{"c", "e"}));
}

TEST(PersistentTable, AValueStaysWhereItIsUntilItIsReplaced) {
  Map map;
  Pair const* const kept = map.insert({"kept", 1});
  for (int i = 0; i < 1000; ++i) map.insert({std::to_string(i), i});
  for (int i = 0; i < 1000; ++i) map.erase(std::to_string(i));
  EXPECT_EQ(map.find("kept"), kept);
}

TEST(PersistentTable, StaysShallowWhenKeysComeInOrder) {
  // A tree that degenerates to a list would take minutes here, or overflow the stack.
  PersistentTable<int, std::identity> map;
  for (int i = 0; i < 50'000; ++i) map.insert(i);
  for (int i = 0; i < 50'000; i += 1000) ASSERT_EQ(*map.find(i), i);
}

}  // namespace
}  // namespace chisme::cluster
