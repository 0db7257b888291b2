#include "cluster/replication/fetcher.hpp"

#include <gtest/gtest.h>

#include <algorithm>

#include "tests/cluster/catalogue/records.hpp"

namespace chisme::cluster {
namespace {

using namespace std::chrono_literals;
using namespace testing;

// Node 1 of two, which may run one transfer and let one wait.
struct FetcherTest : ::testing::Test {
  FetcherTest() {
    for (std::uint64_t i = 0; i < 2; ++i) {
      members[i].alive.id = node(i + 1);
      members[i].alive.versions = spoken_versions;
    }
  }
  Situation situation() const {
    return {.now = Instant{}, .self = node(1), .members = members, .copies_wanted = 2};
  }
  void store(std::uint8_t content) {
    catalogue.object_stored({digest(content), ByteCount{1}});
    last_save = catalogue.save(out);
  }
  void sync() {
    catalogue.saved(last_save);
    fetcher.saved(catalogue, situation(), out);
  }
  void ask(std::uint8_t content) {
    Envelope const from{node(2), Epoch{1}, {}, {}};
    fetcher.handle(from, {digest(content), ByteCount{1}, {node(2)}}, catalogue, situation(), out);
  }
  template <class T>
  std::size_t sent() const {
    return static_cast<std::size_t>(std::ranges::count_if(out, [](Effect const& effect) {
      auto const* const send = std::get_if<Send>(&effect);
      return send != nullptr && std::holds_alternative<T>(send->message);
    }));
  }
  TableSize awaited() const {
    TableSizes sizes;
    fetcher.add_sizes(sizes);
    return *std::ranges::find(sizes, "objects that others wait for", &TableSize::name);
  }

  std::vector<MemberView> members = std::vector<MemberView>(2);
  Catalogue catalogue{node(1), Epoch{1}, {}, Instant{}};
  Fetcher fetcher{1, 1};
  SaveId last_save;
  Effects out;
};

TEST_F(FetcherTest, OfCopiesThatAreNotDurableYetOnlySoManyAreWaitedFor) {
  for (std::uint8_t content = 1; content <= 10; ++content) {
    store(content);
    ask(content);
  }
  EXPECT_EQ(awaited().size, awaited().most);
  EXPECT_EQ(sent<FetchFailed>(), 10 - awaited().most) << "who asked for more is told so";
  sync();
  EXPECT_EQ(awaited().size, 0u);
  EXPECT_EQ(sent<CatalogueDelta>(), awaited().most);
}

TEST_F(FetcherTest, NobodyWaitsForACopyThatWasLostBeforeItWasDurable) {
  store(1);
  ask(1);
  ASSERT_EQ(awaited().size, 1u);
  catalogue.object_removed(digest(1));
  last_save = catalogue.save(out);
  sync();
  EXPECT_EQ(awaited().size, 0u);
  EXPECT_EQ(sent<CatalogueDelta>(), 0u);
}

}  // namespace
}  // namespace chisme::cluster
