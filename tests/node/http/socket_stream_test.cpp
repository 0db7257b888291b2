#include "node/http/socket_stream.hpp"

#include <gtest/gtest.h>

#include <asio/io_context.hpp>
#include <asio/ip/tcp.hpp>

#include "tests/web/memory_gateway.hpp"

namespace chisme::node {
namespace {

using asio::ip::tcp;

// A connected pair; only one side is a stream.
struct Pair {
  Pair() : acceptor(loop, {asio::ip::address_v4::loopback(), 0}), client(loop), server(loop) {
    client.connect(acceptor.local_endpoint());
    acceptor.accept(server);
  }
  asio::io_context loop;
  tcp::acceptor acceptor;
  tcp::socket client;
  tcp::socket server;
};

TEST(SocketStream, AClientThatReadsNothingHoldsNoSocketAfterTheClose) {
  Pair pair;
  std::weak_ptr<web::OpenObject const> left;
  auto stream = std::make_unique<SocketStream>(pair.loop, ClientSocket{std::move(pair.server)});
  {
    // More than the system buffers.
    auto const object = std::make_shared<web::MemoryObject const>(std::string(64 << 20, 'x'));
    left = object;
    stream->write_object("head", object, ByteOffset{0}, object->size(), [](Result<void> const&) {});
  }
  pair.loop.poll();
  ASSERT_FALSE(left.expired());
  stream->close_gently();
  stream.reset();
  pair.loop.restart();
  pair.loop.run_for(std::chrono::seconds(20));
  EXPECT_TRUE(pair.loop.stopped()) << "something still waits for the client";
  EXPECT_TRUE(left.expired());
}

}  // namespace
}  // namespace chisme::node
