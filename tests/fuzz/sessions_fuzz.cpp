#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include "cluster/base/check.hpp"
#include "tests/fuzz/input.hpp"
#include "tests/web/memory_gateway.hpp"
#include "tests/web/websocket/client_codec.hpp"
#include "tests/web/websocket/memory_stream.hpp"
#include "web/websocket/server.hpp"

// WebSocket sessions through the server, with a client that sends anything, reads or does not, and
// goes: each ends once, and leaves nothing behind. An order of one byte: raw bytes, or a frame with
// an opcode around what follows (a fuzzer does not find masks), or time that passes.
using namespace chisme;
using namespace chisme::web;

namespace {

constexpr std::size_t kept_bytes_max = 8u << 20;  // by the server for a client that reads nothing

WebSocketSession session_of(std::uint8_t choice, FileInfo const& file) {
  switch (choice % 4) {
    case 0:
      return ReadSession{};
    case 1:
      return PushSession{file, ByteOffset{choice / 4u % 13}};
    case 2: {
      UploadSession upload;
      upload.upload.name = "new";
      return upload;
    }
    default:
      return ClusterSession{(choice & 4) != 0};
  }
}

class Visit {
 public:
  explicit Visit(std::uint8_t choice) {
    FileInfo const file = gateway_.add("a", "hello, world", "text/plain");
    gateway_.deferred = (choice & 64) != 0;
    Request request;
    request.headers = {{"Sec-WebSocket-Key", test_key}};
    server_.serve(std::make_unique<MemoryStream>(loop_, client_), request, "",
                  {.session = session_of(choice, file)}, [this] { ++closed_; });
    run();
  }

  void follow(fuzz::Input& input) {
    for (unsigned orders = 0; !input.empty() && orders < 64; ++orders) {
      std::uint8_t const order = input.byte();
      if ((order & 0xc0) == 0x80) {
        client_->reads = (order & 1) != 0;
        gateway_.quorum = (order & 2) == 0;
        gateway_.emit({"file", R"({"name":"a"})", {}});
        loop_.advance(std::chrono::milliseconds{(order & 0x3c) * 100});
      } else {
        std::string const bytes{input.take(input.byte())};
        bool const raw = (order & 0x80) != 0;
        client_->to_send += raw ? bytes : client_frame(order & 0xf, bytes, (order & 0x40) == 0);
      }
      client_->wake();
      run();
    }
  }

  void end() {
    client_->reads = true;
    client_->ended = true;
    client_->wake();
    run();
    loop_.advance(std::chrono::minutes{3});
    run();
    CHECK(closed_ == 1);
    CHECK(server_.open_sessions() == 0);
    CHECK(gateway_.in_flight == 0);
    CHECK(client_->received.size() <= kept_bytes_max);
  }

 private:
  void run() {
    for (unsigned turns = 0; turns < 64; ++turns) {
      auto const before = client_->sent + client_->received.size();
      gateway_.run_later();
      loop_.run();
      if (before == client_->sent + client_->received.size()) return;
    }
  }

  TestLoop loop_;
  MemoryGateway gateway_;
  std::shared_ptr<ClientEnd> client_ = std::make_shared<ClientEnd>();
  int closed_ = 0;
  WebSocketServer server_{gateway_};
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
  fuzz::Input input{data, size};
  Visit visit{input.byte()};
  visit.follow(input);
  visit.end();
  return 0;
}
