#include <gtest/gtest.h>

#include <array>

#include "cluster/base/random.hpp"
#include "tests/web/memory_gateway.hpp"
#include "tests/web/websocket/client_codec.hpp"
#include "tests/web/websocket/memory_stream.hpp"
#include "web/websocket/server.hpp"

namespace chisme::web {
namespace {

// A few frames, well formed but for some bytes.
std::string damaged_frames(Random& random) {
  std::string bytes;
  auto const frames = 1 + random.below(6);
  for (std::uint64_t i = 0; i < frames; ++i) {
    auto const code = static_cast<int>(random.chance(0.8) ? random.below(3) : random.below(16));
    bytes += client_frame(code, std::string(random.below(400), 'x'), random.chance(0.7));
  }
  auto const damages = random.below(4);
  for (std::uint64_t i = 0; i < damages; ++i) {
    bytes[random.below(bytes.size())] = static_cast<char>(random());
  }
  return bytes;
}

TEST(SessionsAndAnything, WhateverComesEachSessionEndsOnceAndLeavesNothingBehind) {
  for (std::uint64_t seed = 0; seed < 400; ++seed) {
    SCOPED_TRACE(seed);
    Random random(seed);
    TestLoop loop;
    MemoryGateway gateway;
    WebSocketServer server(gateway);
    auto const client = std::make_shared<ClientEnd>();
    int closed = 0;
    Request request;
    request.headers = {{"Sec-WebSocket-Key", test_key}};
    UploadSession upload;
    upload.upload.name = "a";
    std::array<WebSocketSession, 3> const kinds{ReadSession{}, upload, ClusterSession{}};
    auto const& session = kinds[seed % 3];
    server.serve(std::make_unique<MemoryStream>(loop, client), request, "", {session},
                 [&] { ++closed; });
    std::string_view rest;
    auto const bytes = damaged_frames(random);
    for (rest = bytes; !rest.empty(); loop.run()) {
      auto const count = std::min<std::size_t>(rest.size(), 1 + random.below(200));
      client->to_send += rest.substr(0, count);
      rest.remove_prefix(count);
      client->reads = random.chance(0.7);
      client->wake();
    }
    client->reads = true;
    client->ended = true;
    client->wake();
    loop.advance(std::chrono::seconds(40));
    EXPECT_EQ(closed, 1);
    EXPECT_EQ(server.open_sessions(), 0u);
    EXPECT_EQ(gateway.in_flight, 0);
  }
}

}  // namespace
}  // namespace chisme::web
