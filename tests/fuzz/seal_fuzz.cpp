// Datagrams as they come from anybody, and streams' first bytes. Some are sealed with the right
// key, so that what is behind the seal is reached too.
#include <array>
#include <cstdint>
#include <span>
#include <vector>

#include "cluster/wire/codec.hpp"
#include "node/peer/framing.hpp"
#include "node/peer/sealing.hpp"

using namespace chisme;

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
  static std::vector<node::Secret> const secrets{node::Secret{}};
  static node::KeyRing const ring{secrets};
  static node::DatagramSealer sealer{NodeId{1, 2}, Epoch{3}};
  static node::DatagramOpener opener;
  auto const bytes = std::as_bytes(std::span{data, size});
  if (auto const opened = opener.open(ring, bytes)) {
    static_cast<void>(cluster::decode(opened->text, cluster::datagram_bytes_max));
  }
  std::string const sealed = sealer.seal(ring, bytes);
  auto const opened = opener.open(ring, std::as_bytes(std::span{sealed.data(), sealed.size()}));
  if (!opened || opened->text.size() != size) __builtin_trap();
  static_cast<void>(cluster::decode(opened->text, cluster::datagram_bytes_max));
  if (size >= node::hello_bytes) {
    static_cast<void>(node::parse_hello(bytes.first<node::hello_bytes>()));
  }
  node::FrameParser frames{cluster::stream_message_bytes_max};
  node::PushParser pushes;
  for (auto rest = bytes; !rest.empty();) {
    auto const did = frames.feed(rest);
    if (did.state == node::FrameParser::State::bad) break;
    rest = rest.subspan(did.consumed);
  }
  for (auto rest = bytes; !rest.empty();) {
    auto const did = pushes.feed(rest);
    using State = node::PushParser::State;
    if (did.state == State::bad || did.state == State::end) break;
    rest = rest.subspan(did.consumed);
  }
  return 0;
}
