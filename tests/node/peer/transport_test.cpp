#include "node/peer/transport.hpp"

#include <gtest/gtest.h>

#include <array>
#include <asio/io_context.hpp>
#include <asio/ip/tcp.hpp>
#include <asio/read.hpp>
#include <asio/write.hpp>
#include <chrono>
#include <functional>
#include <vector>

#include "node/config.hpp"
#include "node/peer/address.hpp"
#include "tests/node/peer/loop.hpp"

namespace chisme::node {
namespace {

using cluster::Channel;

// Two transports on one loop, run by the test itself.
struct Pair : testing::Test {
  struct Got {
    Channel channel;
    cluster::Envelope envelope;
  };
  struct Side {
    explicit Side(asio::io_context& loop, NodeId id, PeerTransportLimits limits = {},
                  std::span<Secret const> secrets = {})
        : transport{loop, {id, Epoch{3}, NodeConfig::loopback_endpoint(0)}, paths, keys, limits} {
      if (!secrets.empty()) keys.replace(KeyRing{secrets});
      EXPECT_TRUE(transport.bind());
      transport.start({[this](Channel channel, cluster::Envelope envelope) {
                         got.push_back({channel, std::move(envelope)});
                       },
                       [this](Endpoint peer) { unreachable.push_back(peer); },
                       [](TransferConnection) {}});
    }
    NarrowPaths paths;
    PeerKeys keys;
    PeerTransport transport;
    std::vector<Got> got;
    std::vector<Endpoint> unreachable;
  };

  bool run_until(std::function<bool()> const& condition,
                 std::chrono::seconds limit = std::chrono::seconds{10}) {
    return test::run_until(loop, condition, limit);
  }

  asio::io_context loop{1};
};

TEST_F(Pair, DatagramArrivesWithItsSendersIdentity) {
  Side a{loop, {1, 1}}, b{loop, {2, 2}};
  a.transport.send(b.transport.local(), Channel::datagram, cluster::Nack{77});
  ASSERT_TRUE(run_until([&] { return !b.got.empty(); }));
  EXPECT_EQ(b.got[0].channel, Channel::datagram);
  cluster::Envelope const expected{{1, 1}, Epoch{3}, a.transport.local(), cluster::Nack{77}};
  EXPECT_EQ(b.got[0].envelope, expected);
}

TEST_F(Pair, StreamDeliversInOrder) {
  Side a{loop, {1, 1}}, b{loop, {2, 2}};
  for (std::uint64_t i = 0; i < 500; ++i) {
    a.transport.send(b.transport.local(), Channel::stream, cluster::Nack{i});
  }
  ASSERT_TRUE(run_until([&] { return b.got.size() == 500; }));
  for (std::uint64_t i = 0; i < 500; ++i) {
    EXPECT_EQ(b.got[i].envelope.message, cluster::Message{cluster::Nack{i}});
  }
  EXPECT_TRUE(a.unreachable.empty());
}

TEST_F(Pair, StreamToNobodyIsReportedOnce) {
  Side a{loop, {1, 1}};
  Endpoint nobody;
  {
    Side b{loop, {2, 2}};
    nobody = b.transport.local();
  }
  a.transport.send(nobody, Channel::stream, cluster::Nack{1});
  a.transport.send(nobody, Channel::stream, cluster::Nack{2});
  ASSERT_TRUE(run_until([&] { return !a.unreachable.empty(); }));
  loop.restart();
  loop.run_for(std::chrono::milliseconds{50});
  EXPECT_EQ(a.unreachable, std::vector{nobody});
}

TEST_F(Pair, PeerThatEndsIsReportedAndItsSuccessorReached) {
  Side a{loop, {1, 1}};
  auto b = std::make_unique<Side>(loop, NodeId{2, 2});
  Endpoint const where = b->transport.local();
  a.transport.send(where, Channel::stream, cluster::Nack{1});
  ASSERT_TRUE(run_until([&] { return b->got.size() == 1; }));
  b->transport.stop();
  ASSERT_TRUE(run_until([&] { return a.unreachable.size() == 1; }));
  EXPECT_EQ(a.unreachable[0], where);

  Side c{loop, {3, 3}};
  a.transport.send(c.transport.local(), Channel::stream, cluster::Nack{2});
  EXPECT_TRUE(run_until([&] { return c.got.size() == 1; }));
}

TEST_F(Pair, MessageOverTheDatagramsBoundIsRefusedByItsSender) {
  Side a{loop, {1, 1}}, b{loop, {2, 2}};
  cluster::LookupName const large{1, std::string(1000, 'x')};
  cluster::Gossip gossip;
  for (int i = 0; i < 100; ++i) gossip.records.push_back(cluster::LoadRecord{});
  a.transport.send(b.transport.local(), Channel::datagram, gossip);
  EXPECT_EQ(a.transport.counters().all_dropped(), 1u);
  a.transport.send(b.transport.local(), Channel::datagram, large);
  ASSERT_TRUE(run_until([&] { return !b.got.empty(); }));
  EXPECT_EQ(b.got[0].envelope.message, cluster::Message{large});
}

TEST_F(Pair, QueueOverItsBoundIsUnreachable) {
  PeerTransportLimits limits;
  limits.queued_messages_max = 10;
  Side a{loop, {1, 1}, limits}, b{loop, {2, 2}};
  for (std::uint64_t i = 0; i < 11; ++i) {
    a.transport.send(b.transport.local(), Channel::stream, cluster::Nack{i});
  }
  ASSERT_TRUE(run_until([&] { return !a.unreachable.empty(); }));
  EXPECT_TRUE(b.got.empty());
}

// Connects and writes `bytes`; true when the transport then ends the connection.
bool is_hung_up_on(Pair& pair, Endpoint peer, std::string const& bytes) {
  asio::ip::tcp::socket socket{pair.loop};
  socket.connect(to_tcp(peer));
  asio::write(socket, asio::buffer(bytes));
  bool ended = false;
  char byte = 0;
  socket.async_read_some(asio::buffer(&byte, 1),
                         [&](asio::error_code const& error, std::size_t) { ended = bool(error); });
  bool const seen = pair.run_until([&] { return ended; });
  socket.close();
  pair.loop.restart();
  pair.loop.poll();
  return seen;
}

TEST_F(Pair, StrangerThatDoesNotSayHelloIsHungUpOn) {
  Side a{loop, {1, 1}};
  EXPECT_TRUE(
      is_hung_up_on(*this, a.transport.local(), "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"));
  EXPECT_EQ(a.transport.counters().all_dropped(), 1u);
}

TEST_F(Pair, FrameThatIsTooLongOrNoEnvelopeEndsTheConnection) {
  Side a{loop, {1, 1}};
  auto const hello = encode(Hello{StreamKind::control, {9, 9}});
  std::string const greeting(reinterpret_cast<char const*>(hello.data()), hello.size());
  EXPECT_TRUE(is_hung_up_on(*this, a.transport.local(), greeting + "\xff\xff\xff\xff"));
  EXPECT_TRUE(is_hung_up_on(*this, a.transport.local(), greeting + std::string("\0\0\0\4junk", 8)));
  EXPECT_TRUE(a.got.empty());
}

TEST(PeerTransport, PortInUseIsASentenceThatNamesIt) {
  NarrowPaths paths;
  asio::io_context loop;
  PeerKeys const keys;
  PeerTransport first{loop, {{1, 1}, Epoch{1}, NodeConfig::loopback_endpoint(0)}, paths, keys};
  ASSERT_TRUE(first.bind());
  PeerTransport second{loop, {{2, 2}, Epoch{1}, first.local()}, paths, keys};
  auto const bound = second.bind();
  ASSERT_FALSE(bound);
  EXPECT_NE(bound.error().message.find(to_string(first.local())), std::string::npos);
  EXPECT_NE(bound.error().message.find("in use"), std::string::npos);
}

// ---- With a secret -----------------------------------------------------------------------------

struct SecretPair : Pair {
  // Sends one message on each channel; how many of them arrived in a while.
  std::size_t reach(Side& from, Side& to) {
    std::size_t const before = to.got.size();
    from.transport.send(to.transport.local(), Channel::datagram, cluster::Nack{1});
    from.transport.send(to.transport.local(), Channel::stream, cluster::Nack{2});
    static_cast<void>(
        run_until([&] { return to.got.size() == before + 2; }, std::chrono::seconds{1}));
    return to.got.size() - before;
  }
  std::vector<Secret> const one{new_secret()}, two{new_secret()};
  std::vector<Secret> const both{one[0], two[0]}, turned{two[0], one[0]};
};

TEST_F(SecretPair, NodesWithTheSameSecretReachEachOther) {
  Side a{loop, {1, 1}, {}, one}, b{loop, {2, 2}, {}, one};
  EXPECT_EQ(reach(a, b), 2u);
  EXPECT_EQ(reach(b, a), 2u);
  EXPECT_EQ(b.transport.counters().all_dropped(), 0u);
}

TEST_F(SecretPair, StrangersAreNotHeard) {
  Side node{loop, {1, 1}, {}, one}, other{loop, {2, 2}, {}, two}, plain{loop, {3, 3}};
  EXPECT_EQ(reach(other, node), 0u);
  EXPECT_EQ(reach(plain, node), 0u);
  EXPECT_EQ(reach(node, plain), 0u);
  EXPECT_EQ(reach(node, other), 0u);
  EXPECT_TRUE(node.got.empty());
  EXPECT_GE(node.transport.counters().all_dropped(), 4u);
}

TEST_F(SecretPair, ASecretIsChangedWithoutAMomentInWhichNodesDoNotReachEachOther) {
  Side a{loop, {1, 1}, {}, one}, b{loop, {2, 2}, {}, one};
  for (auto const& step : {both, turned, two}) {
    a.keys.replace(KeyRing{step});
    EXPECT_EQ(reach(a, b), 2u);
    EXPECT_EQ(reach(b, a), 2u);
    b.keys.replace(KeyRing{step});
    EXPECT_EQ(reach(a, b), 2u);
    EXPECT_EQ(reach(b, a), 2u);
  }
}

TEST_F(SecretPair, ALongMessageArrivesWhole) {
  Side a{loop, {1, 1}, {}, one}, b{loop, {2, 2}, {}, one};
  cluster::PushPull table;
  table.members.resize(cluster::members_max);
  a.transport.send(b.transport.local(), Channel::stream, table);
  ASSERT_TRUE(run_until([&] { return b.got.size() == 1; }));
  EXPECT_EQ(b.got[0].envelope.message, cluster::Message{table});
}

TEST_F(SecretPair, ConnectionsThatSayNothingGiveWayToThoseThatDo) {
  PeerTransportLimits limits;
  limits.accepted_max = 8;
  limits.unproven_of_address_max = 4;
  Side node{loop, {1, 1}, limits, one}, peer{loop, {2, 2}, {}, one};
  std::vector<asio::ip::tcp::socket> silent;
  for (int i = 0; i < 20; ++i) {
    silent.emplace_back(loop).connect(to_tcp(node.transport.local()));
    static_cast<void>(run_until([] { return false; }, std::chrono::seconds{0}));
  }
  EXPECT_EQ(reach(peer, node), 2u);
  silent.front().non_blocking(true);
  std::array<std::byte, 1> got;
  asio::error_code error;
  silent.front().receive(asio::buffer(got), 0, error);
  EXPECT_EQ(error, asio::error::eof) << "the oldest was closed";
  silent.back().non_blocking(true);
  silent.back().receive(asio::buffer(got), 0, error);
  EXPECT_EQ(error, asio::error::would_block);
}

}  // namespace
}  // namespace chisme::node
