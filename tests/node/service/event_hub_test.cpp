#include "node/event_hub.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "node/clock.hpp"

namespace chisme::node {
namespace {

using testing::ElementsAre;

struct EventHubTest : testing::Test {
  std::unique_ptr<web::Subscription> subscribe() {
    return hub.subscribe(loop,
                         [this](web::ClusterEvent const& event) { got.push_back(event.kind); });
  }
  void publish(unsigned count, std::string const& kind) {
    for (unsigned i = 0; i < count; ++i) hub.publish({kind, "{}"});
  }
  void run() {
    loop.restart();
    loop.poll();
  }

  asio::io_context loop;
  EventHub hub;
  std::vector<std::string> got;
};

TEST_F(EventHubTest, EachEventComesOnceAndInOrder) {
  auto const subscription = subscribe();
  publish(1, "file");
  publish(1, "lost");
  run();
  EXPECT_THAT(got, ElementsAre("file", "lost"));
}

TEST_F(EventHubTest, AnEventSaysWhenItWasPublished) {
  WallTime told{};
  auto const subscription =
      hub.subscribe(loop, [&](web::ClusterEvent const& event) { told = event.at; });
  WallTime const before = wall_now();
  publish(1, "file");
  run();
  EXPECT_GE(told, before);
  EXPECT_LE(told, wall_now());
}

TEST_F(EventHubTest, IsSilentWhileNobodyListens) {
  EXPECT_TRUE(hub.is_silent());
  auto first = subscribe();
  auto second = subscribe();
  first.reset();
  EXPECT_FALSE(hub.is_silent());
  second.reset();
  EXPECT_TRUE(hub.is_silent());
}

TEST_F(EventHubTest, WhoMissedSomeIsToldOnceAfterTheOthers) {
  auto const subscription = subscribe();
  publish(EventHub::waiting_max + 5, "file");
  EXPECT_TRUE(got.empty());
  run();
  ASSERT_EQ(got.size(), EventHub::waiting_max + 1);
  EXPECT_EQ(got.back(), web::missed_events);
  got.clear();
  publish(1, "file");
  run();
  EXPECT_THAT(got, ElementsAre("file")) << "nothing was missed since";
}

TEST_F(EventHubTest, WhoEndedItsSubscriptionHearsNothingOfWhatWaits) {
  auto subscription = subscribe();
  publish(EventHub::waiting_max + 5, "file");
  subscription.reset();
  run();
  EXPECT_TRUE(got.empty());
}

}  // namespace
}  // namespace chisme::node
