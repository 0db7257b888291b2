#include "cluster/base/id_map.hpp"

#include <gtest/gtest.h>

#include <map>

#include "cluster/base/random.hpp"

namespace chisme::testing {
namespace {

TEST(IdMap, DoesWhatAMapDoes) {
  Random random{1};
  IdMap<std::uint64_t> map;
  std::map<NodeId, std::uint64_t> model;
  for (std::uint64_t step = 0; step < 200'000; ++step) {
    // Few ids, so that they meet each other's places, and most of the time about as many as fit.
    NodeId const id{random.below(2), random.below(400)};
    if (random.below(5) < 2) {
      EXPECT_EQ(map.erase(id), model.erase(id) > 0);
    } else {
      map[id] = step;
      model[id] = step;
    }
    NodeId const asked{random.below(2), random.below(400)};
    auto const expected = model.find(asked);
    auto const* const found = map.find(asked);
    ASSERT_EQ(found != nullptr, expected != model.end());
    if (found != nullptr) ASSERT_EQ(*found, expected->second);
    ASSERT_EQ(map.size(), model.size());
  }
}

TEST(IdMap, VisitsEachValueOnceAndForgetsAllAtOnce) {
  IdMap<std::uint64_t> map;
  for (std::uint64_t i = 0; i < 1000; ++i) map[NodeId{0, i}] = i;
  std::uint64_t sum = 0;
  map.for_each([&](std::uint64_t value) { sum += value; });
  EXPECT_EQ(sum, 999u * 1000 / 2);
  map.clear();
  EXPECT_FALSE(map.contains(NodeId{0, 1}));
  EXPECT_EQ(map[(NodeId{0, 1})], 0u);
}

}  // namespace
}  // namespace chisme::testing
