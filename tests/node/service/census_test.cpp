#include "node/census.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <future>
#include <thread>

#include "cluster/catalogue/catalogue.hpp"
#include "node/config.hpp"
#include "tests/cluster/catalogue/records.hpp"

namespace chisme::node {
namespace {

namespace records = cluster::testing;
using cluster::MemberState;

// Of two copies that are wanted: of "\x01p" and "all" two, of "one" one, of "none" those of a node
// that is dead.
std::shared_ptr<cluster::ClusterView> some_view(MemberState second) {
  auto view = std::make_shared<cluster::ClusterView>();
  view->self = NodeId{0, 1};
  for (std::uint64_t id = 1; id <= 3; ++id) {
    cluster::MemberView member;
    member.alive.id = NodeId{0, id};
    member.state = id == 2 ? second : id == 3 ? MemberState::dead : MemberState::alive;
    view->members.push_back(member);
  }
  view->copies_wanted = 2;
  cluster::StoredCatalogue stored;
  stored.records = {records::put({.sequence = 1}, "\x01p", 1, 1),
                    records::put({.sequence = 2}, "all", 1, 1),
                    records::put({.sequence = 3}, "one", 1, 2),
                    records::put({.sequence = 4}, "none", 1, 3),
                    records::have({.writer = 1, .sequence = 1}, 1),
                    records::have({.writer = 2, .sequence = 1}, 1),
                    records::have({.writer = 1, .sequence = 2}, 2),
                    records::have({.writer = 3, .sequence = 1}, 3)};
  view->catalogue = cluster::Catalogue{NodeId{0, 9}, Epoch{1}, stored, Instant{}}.snapshot();
  return view;
}

TEST(CensusCount, TellsFilesApartByTheirLiveCopies) {
  auto const count = count_copies(*some_view(MemberState::alive));
  EXPECT_EQ(count.internal, 1u);
  EXPECT_EQ(count.under_replicated, 2u);
  EXPECT_EQ(count.lost, 1u);
  std::map<NodeId, std::uint64_t> const copies{{{0, 1}, 3}, {{0, 2}, 2}, {{0, 3}, 1}};
  EXPECT_EQ(count.copies, copies);
  EXPECT_EQ(count_copies(*some_view(MemberState::dead)).under_replicated, 4u);
}

class Taken : public testing::Test {
 protected:
  std::shared_ptr<Census::Count const> take(Instant now) {
    std::promise<void> taken;
    census_.take([this] { return view_; }, now, [&] { taken.set_value(); });
    taken.get_future().wait();
    return census_.latest();
  }
  // Another view, of a later number, of the same catalogue.
  void show(MemberState second, unsigned wanted = 2) {
    auto view = std::make_shared<cluster::ClusterView>(*view_);
    view->number += 1;
    view->members[1].state = second;
    view->copies_wanted = wanted;
    view_ = view;
  }

  Census::View view_ = some_view(MemberState::alive);
  Census census_;
};

TEST_F(Taken, ACountIsKeptWhileNothingChangedThatItIsAbout) {
  EXPECT_EQ(census_.latest()->under_replicated, 0u);
  auto const first = take(Instant{});
  EXPECT_EQ(first->under_replicated, 2u);
  show(MemberState::suspect);  // lives
  EXPECT_EQ(take(Instant::max()), first);
  show(MemberState::dead);
  EXPECT_EQ(take(Instant{}), first);
  EXPECT_EQ(take(Instant::max())->under_replicated, 4u);
  show(MemberState::dead, 1);
  EXPECT_EQ(take(Instant::max())->under_replicated, 1u);
  view_ = some_view(MemberState::dead);  // other files, as far as can be told at once
  EXPECT_EQ(take(Instant::max())->under_replicated, 4u);
}

TEST_F(Taken, WhoAsksIsNotHeldUpAndOneCountAnswersAll) {
  std::promise<void> gate;
  auto const opened = gate.get_future().share();
  std::atomic<int> counted = 0;
  auto const asker = std::this_thread::get_id();
  auto const view = [&] {
    if (std::this_thread::get_id() != asker) {
      ++counted;
      opened.wait();
    }
    return view_;
  };
  std::promise<void> all;
  std::atomic<int> answered = 0;
  for (int i = 0; i < 3; ++i) {
    census_.take(view, Instant{}, [&] {
      if (++answered == 3) all.set_value();
    });
  }
  EXPECT_EQ(answered, 0);
  gate.set_value();
  all.get_future().wait();
  EXPECT_EQ(counted, 1);
}

}  // namespace
}  // namespace chisme::node
