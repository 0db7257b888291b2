#include "node/storage/disk_pool.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <future>
#include <mutex>
#include <optional>
#include <vector>

namespace chisme::node {
namespace {

// Holds a thread of the pool until `open` is called.
class Gate {
 public:
  std::function<void()> job() {
    return [this, opened = opened_.get_future().share()] {
      entered_.set_value();
      opened.wait();
    };
  }
  void wait_until_entered() { entered_.get_future().wait(); }
  void open() { opened_.set_value(); }

 private:
  std::promise<void> entered_;
  std::promise<void> opened_;
};

TEST(DiskPool, TheDestructorFinishesWhatWasPosted) {
  std::atomic<int> ran{0};
  {
    DiskPool pool(2);
    for (int i = 0; i < 100; ++i) ASSERT_TRUE(pool.post([&] { ++ran; }));
  }
  EXPECT_EQ(ran, 100);
}

TEST(DiskPool, RefusesWhenTooManyJobsWaitAndTakesThemAgainLater) {
  Gate gate;
  std::atomic<int> ran{0};
  DiskPool pool(1, 2);
  ASSERT_TRUE(pool.post(gate.job()));
  gate.wait_until_entered();
  DiskPool::Lane lane(pool);
  EXPECT_TRUE(pool.post([&] { ++ran; }));
  EXPECT_TRUE(lane.post([&] { ++ran; })) << "a lane's jobs count too";
  EXPECT_FALSE(pool.post([&] { ++ran; }));
  EXPECT_FALSE(lane.post([&] { ++ran; }));
  std::promise<void> last;
  gate.open();
  while (!pool.post([&] { last.set_value(); })) std::this_thread::yield();
  last.get_future().wait();
  EXPECT_EQ(ran, 2);
}

TEST(DiskPool, ALaneRunsItsJobsInOrderAndOneAtATimeWhileOthersGoOn) {
  std::vector<int> order;  // no lock: the lane is one
  std::atomic<int> others{0};
  {
    DiskPool pool(4);
    DiskPool::Lane lane(pool);
    for (int i = 0; i < 500; ++i) {
      ASSERT_TRUE(lane.post([&order, i] { order.push_back(i); }));
      ASSERT_TRUE(pool.post([&] { ++others; }));
    }
  }
  ASSERT_EQ(order.size(), 500u);
  for (int i = 0; i < 500; ++i) EXPECT_EQ(order[static_cast<std::size_t>(i)], i);
  EXPECT_EQ(others, 500);
}

TEST(DiskPool, JobsOfADestroyedLaneRunAllTheSame) {
  Gate gate;
  std::atomic<int> ran{0};
  {
    DiskPool pool(1);
    ASSERT_TRUE(pool.post(gate.job()));
    {
      DiskPool::Lane lane(pool);
      for (int i = 0; i < 3; ++i) ASSERT_TRUE(lane.post([&] { ++ran; }));
    }
    gate.open();
  }
  EXPECT_EQ(ran, 3);
}

TEST(DiskPool, ALaneOutlivesItsPoolButTakesNoMoreJobs) {
  std::optional<DiskPool> pool(std::in_place, 1u);
  DiskPool::Lane lane(*pool);
  pool.reset();
  EXPECT_FALSE(lane.post([] {}));
}

}  // namespace
}  // namespace chisme::node
