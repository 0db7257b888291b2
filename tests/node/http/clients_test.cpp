#include "node/http/clients.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <thread>
#include <vector>

#include "node/clock.hpp"
#include "node/http/pace.hpp"

namespace chisme::node {
namespace {

using namespace std::chrono_literals;
using Places = std::vector<std::shared_ptr<Clients::Place>>;

Endpoint address(std::string const& text) {
  bool const v6 = text.find(':') != std::string::npos;
  return *parse_endpoint((v6 ? "[" + text + "]" : text) + ":1234");
}

std::shared_ptr<Clients> clients_with(Clients::Limits limits) {
  return std::make_shared<Clients>(std::move(limits));
}

TEST(Clients, AnAddressHasSoManyConnectionsAndOthersTheirOwn) {
  auto const clients = clients_with({.per_address_max = 2});
  auto one = clients->admit(address("192.0.2.1"), {}).place;
  auto const two = clients->admit(address("192.0.2.1"), {}).place;
  ASSERT_TRUE(one && two);
  auto const three = clients->admit(address("192.0.2.1"), {});
  EXPECT_EQ(three.place, nullptr);
  EXPECT_EQ(three.refusal, Clients::Refusal::address_full);
  EXPECT_TRUE(clients->admit(address("192.0.2.2"), {}).place);
  EXPECT_EQ(clients->connections(), 2u);
  one.reset();
  EXPECT_TRUE(clients->admit(address("192.0.2.1"), {}).place);
}

TEST(Clients, ASiteOfIpv6IsOneClientHoweverManyAddressesItHas) {
  auto const clients = clients_with({.per_address_max = 2});
  Places places;
  places.push_back(clients->admit(address("2001:db8:0:1::1"), {}).place);
  places.push_back(clients->admit(address("2001:db8:0:1:ffff::9"), {}).place);
  EXPECT_FALSE(clients->admit(address("2001:db8:0:1::3"), {}).place);
  EXPECT_TRUE(clients->admit(address("2001:db8:0:2::1"), {}).place);
  // Addresses of IPv4 have the same first 64 bits, and are many.
  places.push_back(clients->admit(address("192.0.2.1"), {}).place);
  places.push_back(clients->admit(address("192.0.2.1"), {}).place);
  EXPECT_TRUE(clients->admit(address("192.0.2.2"), {}).place);
}

TEST(Clients, ProgramsOfThisMachineAreLimitedOnlyWhenThatIsSaid) {
  auto const free = clients_with({.per_address_max = 1});
  Places places;
  for (int i = 0; i < 3; ++i) places.push_back(free->admit(address("127.0.0.1"), {}).place);
  for (auto const& place : places) {
    ASSERT_TRUE(place);
    EXPECT_EQ(place->client(), nullptr);
  }
  auto const limited = clients_with({.per_address_max = 1, .loopback = true});
  auto const first = limited->admit(address("::1"), {}).place;
  EXPECT_TRUE(first->client());
  EXPECT_FALSE(limited->admit(address("::1"), {}).place);
}

TEST(Clients, TheLastPlacesAreLateOnesAndThenThereIsNone) {
  auto const clients = clients_with({.connections_max = 16});
  Places places;
  for (int i = 0; i < 16; ++i) {
    places.push_back(clients->admit(address("127.0.0.1"), {}).place);
    ASSERT_TRUE(places.back());
    EXPECT_EQ(places.back()->is_late(), i >= 14) << i;
  }
  auto const refused = clients->admit(address("127.0.0.1"), {});
  EXPECT_FALSE(refused.place);
  EXPECT_EQ(refused.refusal, Clients::Refusal::full);
  EXPECT_EQ(clients->connections(), 16u);
  places.clear();
  EXPECT_EQ(clients->connections(), 0u);
}

TEST(Clients, AProxyIsTrustedByItsAddressAndItsClientsAreCountedInstead) {
  auto const clients =
      clients_with({.per_address_max = 1, .trusted_proxies = {address("192.0.2.9")}});
  auto const one = clients->admit(address("192.0.2.9"), {}).place;
  auto const two = clients->admit(address("192.0.2.9"), {}).place;
  ASSERT_TRUE(one && two);
  EXPECT_TRUE(two->is_proxy());
  EXPECT_EQ(two->client(), nullptr);
  EXPECT_FALSE(clients->admit(address("192.0.2.8"), {}).place->is_proxy());
  auto const forwarded = clients->find(address("198.51.100.1"), {});
  ASSERT_TRUE(forwarded);
  EXPECT_EQ(clients->find(address("198.51.100.1"), {}), forwarded);
  EXPECT_NE(clients->find(address("198.51.100.2"), {}), forwarded);
}

TEST(Clients, ABudgetOutlivesTheConnectionItWasSpentBy) {
  auto const clients = clients_with({.requests_per_second = 1});
  auto const now = steady_now();
  {
    auto const place = clients->admit(address("192.0.2.1"), now).place;
    EXPECT_FALSE(place->client()->budget.take(now, clients->rate()));
    EXPECT_FALSE(place->client()->budget.take(now, clients->rate()));
    EXPECT_TRUE(place->client()->budget.take(now, clients->rate()));
  }
  auto const again = clients->admit(address("192.0.2.1"), now).place;
  EXPECT_TRUE(again->client()->budget.take(now, clients->rate()));
}

TEST(Clients, WhoLeavesWithAFullBudgetIsForgotten) {
  auto const clients = clients_with({});
  auto place = clients->admit(address("192.0.2.1"), {}).place;
  EXPECT_EQ(clients->known(), 1u);
  place.reset();
  EXPECT_EQ(clients->known(), 0u);
}

TEST(Clients, TheTableIsBoundedAndForgetsNobodyWhoIsConnected) {
  auto const clients =
      clients_with({.per_address_max = 1, .requests_per_second = 1, .known_max = 64});
  auto const now = steady_now();
  auto const stays = clients->admit(address("192.0.2.1"), now).place;
  for (unsigned i = 0; i < 100'000; ++i) {
    Endpoint stranger = address("203.0.113.0");
    stranger.address[13] = static_cast<std::uint8_t>(i >> 16);
    stranger.address[14] = static_cast<std::uint8_t>(i >> 8);
    stranger.address[15] = static_cast<std::uint8_t>(i);
    auto const client = clients->find(stranger, now);
    EXPECT_FALSE(client->budget.take(now, clients->rate()));
    ASSERT_LE(clients->known(), 64u);
  }
  EXPECT_FALSE(clients->admit(address("192.0.2.1"), now).place) << "it is still known";
}

TEST(Clients, CountsRightWhateverThreadsDo) {
  auto const clients = clients_with({.connections_max = 64, .per_address_max = 8});
  std::vector<std::thread> threads;
  for (unsigned t = 0; t < 4; ++t) {
    threads.emplace_back([&, t] {
      for (unsigned i = 0; i < 5000; ++i) {
        Places places;
        for (unsigned k = 0; k < 4; ++k) {
          auto from = address("192.0.2.1");
          from.address[15] = static_cast<std::uint8_t>((t + i + k) % 3);
          places.push_back(clients->admit(from, steady_now()).place);
        }
      }
    });
  }
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(clients->connections(), 0u);
  EXPECT_EQ(clients->known(), 0u);
}

TEST(RequestBudget, GivesABurstAndThenItsRate) {
  RequestBudget budget;
  RequestBudget::Rate const ten{100ms, 2s};
  Instant now{5s};
  int taken = 0;
  while (!budget.take(now, ten)) ++taken;
  EXPECT_EQ(taken, 20);
  auto const wait = budget.take(now, ten);
  ASSERT_TRUE(wait);
  EXPECT_EQ(*wait, 100ms);
  EXPECT_TRUE(budget.take(now + 99ms, ten));
  EXPECT_FALSE(budget.take(now + 100ms, ten));
  EXPECT_TRUE(budget.take(now + 100ms, ten));
  EXPECT_FALSE(budget.is_full(now + 1s));
  EXPECT_TRUE(budget.is_full(now + 3s));
}

TEST(RequestBudget, WithoutARateEverythingIsGiven) {
  RequestBudget budget;
  for (int i = 0; i < 1000; ++i) EXPECT_FALSE(budget.take(Instant{1s}, {}));
}

TEST(Pace, WhoMovesTooLittleWhileHeIsWaitedForIsTooSlow) {
  Pace pace({ByteCount{100}, 10s});
  EXPECT_FALSE(pace.is_too_slow(3s, 0));
  for (int i = 1; i <= 3; ++i) EXPECT_FALSE(pace.is_too_slow(3s, 1)) << i;
  EXPECT_TRUE(pace.is_too_slow(3s, 1));
}

TEST(Pace, AWindowIsJudgedByItself) {
  Pace pace({ByteCount{100}, 10s});
  std::uint64_t moved = 1'000'000;
  EXPECT_FALSE(pace.is_too_slow(5s, moved));
  for (int i = 0; i < 20; ++i) EXPECT_FALSE(pace.is_too_slow(5s, moved += 500)) << i;
  EXPECT_FALSE(pace.is_too_slow(5s, moved += 499));
  EXPECT_TRUE(pace.is_too_slow(5s, moved += 499));
}

TEST(Pace, AnotherDirectionBeginsAnewAndNoRateIsNeverTooSlow) {
  Pace pace({ByteCount{100}, 10s});
  EXPECT_FALSE(pace.is_too_slow(9s, 5000));
  EXPECT_FALSE(pace.is_too_slow(9s, 5000));
  pace.restart();
  EXPECT_FALSE(pace.is_too_slow(9s, 3));
  EXPECT_FALSE(pace.is_too_slow(9s, 3));
  EXPECT_TRUE(pace.is_too_slow(9s, 3));
  Pace none({ByteCount{0}, 10s});
  for (int i = 0; i < 100; ++i) EXPECT_FALSE(none.is_too_slow(9s, 0));
}

}  // namespace
}  // namespace chisme::node
