#include "tests/node/peer/black_hole.hpp"

#include <gtest/gtest.h>
#include <netinet/tcp.h>

#include <algorithm>
#include <array>
#include <asio/io_context.hpp>
#include <asio/ip/tcp.hpp>
#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "cluster/wire/codec.hpp"
#include "node/clock.hpp"
#include "node/config.hpp"
#include "node/peer/address.hpp"
#include "node/peer/transport.hpp"
#include "tests/node/peer/loop.hpp"

namespace chisme::node {
namespace {

using asio::ip::tcp;
using cluster::Channel;
using cluster::Message;

// Reads frames, of which no long packets reach it.
class SwallowingPeer {
 public:
  explicit SwallowingPeer(asio::io_context& loop)
      : loop_{loop}, acceptor_{loop, {asio::ip::address_v4::loopback(), 0}} {
    EXPECT_TRUE(test::swallow_long_packets(acceptor_.native_handle()));
    accept();
  }
  [[nodiscard]] Endpoint local() const { return from_tcp(acceptor_.local_endpoint()); }
  [[nodiscard]] bool got(Message const& wanted) const {
    return std::ranges::find(messages_, wanted) != messages_.end();
  }
  // Of each connection so far, how long its segments are at most.
  std::vector<int> segment_bytes;

 private:
  struct Connection {
    explicit Connection(asio::io_context& loop) : socket{loop} {}
    tcp::socket socket;
    std::array<std::byte, 4096> buffer{};
    std::size_t hello_left = hello_bytes;
    FrameParser parser{cluster::stream_message_bytes_max};
  };

  void accept() {
    auto const connection = std::make_shared<Connection>(loop_);
    acceptor_.async_accept(connection->socket, [this, connection](asio::error_code const& error) {
      if (error) return;
      int segment = 0;
      socklen_t size = sizeof segment;
      ::getsockopt(connection->socket.native_handle(), IPPROTO_TCP, TCP_MAXSEG, &segment, &size);
      segment_bytes.push_back(segment);
      read(connection);
      accept();
    });
  }
  void read(std::shared_ptr<Connection> const& from) {
    from->socket.async_read_some(asio::buffer(from->buffer),
                                 [this, from](asio::error_code const& error, std::size_t count) {
                                   if (error) return;
                                   take(*from, std::span{from->buffer}.first(count));
                                   read(from);
                                 });
  }
  void take(Connection& from, std::span<std::byte const> bytes) {
    std::size_t const greeting = std::min(from.hello_left, bytes.size());
    from.hello_left -= greeting;
    bytes = bytes.subspan(greeting);
    while (!bytes.empty()) {
      auto const progress = from.parser.feed(bytes);
      bytes = bytes.subspan(progress.consumed);
      if (progress.state != FrameParser::State::frame) continue;
      auto envelope = cluster::decode(progress.frame, cluster::stream_message_bytes_max);
      ASSERT_TRUE(envelope);
      messages_.push_back(std::move(envelope->message));
    }
  }

  asio::io_context& loop_;
  tcp::acceptor acceptor_;
  std::vector<Message> messages_;
};

struct BlackHole : testing::Test {
  BlackHole() {
    EXPECT_TRUE(transport.bind());
    transport.start({[](Channel, cluster::Envelope const&) {},
                     [this](Endpoint to) { unreachable.push_back(to); },
                     [](TransferConnection) {}});
  }
  bool run_until(std::function<bool()> const& condition,
                 std::chrono::seconds limit = std::chrono::seconds{10}) {
    return test::run_until(loop, condition, limit);
  }

  asio::io_context loop{1};
  NarrowPaths paths;
  PeerKeys const keys;
  PeerTransport transport{loop, {{1, 1}, Epoch{3}, NodeConfig::loopback_endpoint(0)}, paths, keys};
  SwallowingPeer peer{loop};
  std::vector<Endpoint> unreachable;
  Message const long_message = cluster::LookupName{1, std::string(test::long_packet_bytes, 'x')};
  Message const probe =
      cluster::Ping{.sequence = 7, .target = {}, .accusation = {}, .piggyback = {}};
};

TEST_F(BlackHole, AProbeDoesNotWaitForALongMessageThatIsStuck) {
  transport.send(peer.local(), Channel::stream, long_message);
  ASSERT_TRUE(run_until([&] { return peer.segment_bytes.size() == 1; }));
  transport.send(peer.local(), Channel::stream, probe);
  EXPECT_TRUE(run_until([&] { return peer.got(probe); }, std::chrono::seconds{1}));
  EXPECT_FALSE(peer.got(long_message));
  EXPECT_TRUE(unreachable.empty());
}

TEST_F(BlackHole, AStuckStreamEndsWithinSecondsAndTheNextOneGetsThrough) {
  transport.send(peer.local(), Channel::stream, long_message);
  ASSERT_TRUE(run_until([&] { return !unreachable.empty(); }, std::chrono::seconds{4}));
  EXPECT_EQ(unreachable, std::vector{peer.local()});
  EXPECT_TRUE(paths.contains(peer.local(), steady_now()));
  EXPECT_FALSE(peer.got(long_message));

  transport.send(peer.local(), Channel::stream, long_message);
  EXPECT_TRUE(run_until([&] { return peer.got(long_message); }));
  ASSERT_EQ(peer.segment_bytes.size(), 2u);
  EXPECT_GT(peer.segment_bytes[0], 1000);
  EXPECT_LE(peer.segment_bytes[1], 536);
}

}  // namespace
}  // namespace chisme::node
