// Announcements as they come from anybody on the network; and, sealed with the right key, what a
// node of the cluster might say.
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "cluster/base/check.hpp"
#include "cluster/membership/discovery.hpp"
#include "cluster/wire/codec.hpp"
#include "node/peer/sealing.hpp"

using namespace chisme;

namespace {

cluster::Discovery make_discovery() {
  return {cluster::Announcement{NodeId{1, 2}, Epoch{3}, *parse_endpoint("127.0.0.1:8701"),
                                cluster::spoken_versions},
          Random{1}, Instant{}};
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
  static std::vector<node::Secret> const secrets{node::Secret{}};
  static node::KeyRing const ring{secrets};
  static node::DatagramSealer sealer{NodeId{1, 2}, Epoch{3}, node::announcement_purpose};
  static node::DatagramOpener opener{node::announcement_purpose};
  static node::DatagramOpener gossip;
  auto const bytes = std::as_bytes(std::span{data, size});
  CHECK(!opener.open(ring, bytes).has_value());
  std::string const sealed = sealer.seal(ring, bytes);
  auto const datagram = std::as_bytes(std::span{sealed});
  CHECK(!gossip.open(ring, datagram).has_value());
  auto const opened = opener.open(ring, datagram);
  CHECK(opened.has_value() && !opener.open(ring, datagram).has_value());
  auto const heard = cluster::decode_announcement(std::as_bytes(std::span{opened->text}));
  if (!heard) return 0;
  CHECK(cluster::encode(*heard) == opened->text);
  cluster::Discovery discovery = make_discovery();
  if (discovery.hear(*heard, {}, Instant{}) == cluster::Discovery::Verdict::join) {
    CHECK(is_loopback(heard->peer) && heard->peer.port != 0);
    CHECK(discovery.hear(*heard, {}, Instant{}) != cluster::Discovery::Verdict::join);
  }
  return 0;
}
