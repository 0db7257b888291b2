#include "cluster/catalogue/log_index.hpp"

#include <gtest/gtest.h>

#include <map>

#include "cluster/base/random.hpp"
#include "tests/cluster/catalogue/records.hpp"

namespace chisme::cluster {
namespace {

using testing::node;

TEST(LogIndex, IsAnOrderedMapWhateverIsDoneToIt) {
  Random random{1};
  LogIndex index;
  std::map<LogPosition, std::uint64_t> model;
  for (std::uint64_t i = 1; i < 20'000; ++i) {
    LogPosition const at{node(random.below(3)),
                         random.chance(0.5) ? LogKind::names : LogKind::holdings,
                         Epoch{static_cast<std::uint32_t>(random.below(3))}, random.below(60)};
    if (auto const there = model.find(at); there != model.end()) {
      index.remove(at, there->second);
      model.erase(there);
    } else {
      index.add(at, i);
      model[at] = i;
    }
    ASSERT_EQ(index.size(), model.size());
  }
  std::map<LogPosition, std::uint64_t> found;
  index.walk_logs([&](NodeId writer, LogKind log) {
    EXPECT_TRUE(index.has(writer, log));
    index.walk_after({writer, log, Epoch{}, 0}, [&](LogIndex::Entry const& entry) {
      EXPECT_TRUE(found.empty() || found.rbegin()->first < entry.at) << "walked out of order";
      found[entry.at] = entry.record;
      return true;
    });
  });
  std::erase_if(model, [](auto const& one) {
    return one.first.epoch == Epoch{} && one.first.sequence == 0;  // no log begins at 0
  });
  EXPECT_EQ(found, model);
}

TEST(LogIndex, WalksFromAfterAPlaceUntilItIsToldToStop) {
  LogIndex index;
  for (std::uint64_t const sequence : {5u, 1u, 9u, 3u}) {
    index.add({node(1), LogKind::names, Epoch{2}, sequence}, sequence);
  }
  index.add({node(1), LogKind::names, Epoch{3}, 1}, 31);
  std::vector<std::uint64_t> seen;
  index.walk_after({node(1), LogKind::names, Epoch{2}, 3}, [&](LogIndex::Entry const& entry) {
    seen.push_back(entry.record);
    return entry.record != 31;
  });
  EXPECT_EQ(seen, (std::vector<std::uint64_t>{5, 9, 31}));
}

TEST(LogIndex, TwoRecordsMayHaveOnePlace) {
  LogIndex index;
  LogPosition const at{node(1), LogKind::names, Epoch{1}, 7};
  index.add(at, 1);
  index.add(at, 2);
  index.remove(at, 1);
  EXPECT_EQ(index.size(), 1u);
  index.remove(at, 2);
  EXPECT_FALSE(index.has(node(1), LogKind::names));
}

}  // namespace
}  // namespace chisme::cluster
