#include <asio/ip/tcp.hpp>
#include <asio/write.hpp>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "node/peer/address.hpp"
#include "node/peer/framing.hpp"
#include "node/peer/narrow_paths.hpp"
#include "node/peer/transfer_client.hpp"
#include "node/security/peer_keys.hpp"
#include "tests/fuzz/input.hpp"
#include "tests/fuzz/stores.hpp"

// What a holder may answer to a node that fetches an object: any bytes, and answers that are right
// but for what follows. Only the bytes that were asked for are ever kept.
//
// A byte (bit 0: an answer of the right size goes before; bit 1: two holders say the same), bytes.
using namespace chisme;
using namespace chisme::node;

namespace {

constexpr std::string_view wanted = "hello, world";

// Answers each that connects with the same bytes, and cuts the connection off.
class Holder {
 public:
  explicit Holder(asio::io_context& loop) : acceptor_{loop, {asio::ip::address_v4::loopback(), 0}} {
    accept();
  }
  void say(std::string bytes) { bytes_ = std::move(bytes); }
  [[nodiscard]] Endpoint endpoint() const { return from_tcp(acceptor_.local_endpoint()); }

 private:
  void accept() {
    acceptor_.async_accept([this](asio::error_code error, asio::ip::tcp::socket socket) {
      if (error) return;
      asio::error_code ignored;
      asio::write(socket, asio::buffer(bytes_), ignored);
      // No port waits for stray packets: there are thousands of connections a second.
      socket.set_option(asio::socket_base::linger{true, 0}, ignored);
      read_to_end(std::make_shared<asio::ip::tcp::socket>(std::move(socket)));
      accept();
    });
  }
  void read_to_end(std::shared_ptr<asio::ip::tcp::socket> const& socket) {
    socket->async_read_some(asio::buffer(ignored_),
                            [this, socket](asio::error_code error, std::size_t count) {
                              asked_ = (error ? 0 : asked_) + count;
                              if (error || asked_ >= hello_bytes + pull_request_bytes) {
                                asked_ = 0;
                                asio::error_code ignored;
                                socket->close(ignored);
                                return;
                              }
                              read_to_end(socket);
                            });
  }

  asio::ip::tcp::acceptor acceptor_;
  std::string bytes_;
  std::array<char, 256> ignored_{};
  std::size_t asked_ = 0;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
  static fuzz::Stores stores;
  static Digest const digest = [] {
    Digest const kept = stores.keep(wanted);
    stores.forget(kept);
    return kept;
  }();
  static Holder holder{stores.loop()};
  static NarrowPaths paths;
  static PeerKeys const keys;
  static std::optional<TransferClient::Finished> finished;
  static TransferClient client{
      stores.loop(),
      TransferClient::Host{stores.objects(), stores.disk(), Caller{NodeId{1, 1}, paths, keys},
                           [](StoredObject const& object) { stores.forget(object.digest); },
                           [](TransferClient::Finished end) { finished = std::move(end); }}};
  fuzz::Input input{data, size};
  std::uint8_t const choice = input.byte();
  std::string said;
  if ((choice & 1) != 0) {
    auto const head = encode(PullAnswer{{}, ByteCount{wanted.size()}, ByteCount{wanted.size()}});
    said.assign(reinterpret_cast<char const*>(head.data()), head.size());
  }
  said += input.rest();
  holder.say(said);
  finished.reset();
  cluster::StartTransfer transfer{cluster::TransferId{1}, digest, ByteCount{wanted.size()}, {}};
  transfer.sources.push_back({NodeId{2, 2}, holder.endpoint()});
  if ((choice & 2) != 0) transfer.sources.push_back({NodeId{3, 3}, holder.endpoint()});
  client.start(transfer);
  stores.run_until([] { return finished.has_value(); });
  bool const is_right = said.find(wanted) != std::string::npos;
  if (finished->result) CHECK(finished->result->digest == digest && is_right);
  return 0;
}
