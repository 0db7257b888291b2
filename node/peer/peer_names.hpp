#pragma once

#include <asio/io_context.hpp>
#include <functional>
#include <memory>
#include <vector>

#include "node/config.hpp"

namespace chisme::node {

// PeerNames finds the nodes that stand behind names of hosts, as a headless service of Kubernetes
// or a name with several addresses has them: it asks the system's resolver again and again, every
// second while this node is alone, else every 30 s, and has every address called at which nobody is
// known to live. So a name may have no address yet, several, this node's own among them, or others
// than it had: who is called proves that it knows the secret, or nothing comes of it.
//
// A name that is being asked for is not asked for again. At most `NameLookup::addresses_max` of the
// addresses of a name are looked at. One loop's thread.
class PeerNames {
 public:
  struct Host {
    // The peer addresses of this node and of all who live.
    std::function<std::vector<Endpoint>()> alive;
    // Somebody may be here, who is to be called.
    std::function<void(Endpoint)> found;
  };

  PeerNames(asio::io_context& loop, std::vector<PeerName> names, Host host);
  ~PeerNames();
  PeerNames(PeerNames const&) = delete;
  PeerNames& operator=(PeerNames const&) = delete;

  void start();

 private:
  struct State;
  std::shared_ptr<State> state_;
};

}  // namespace chisme::node
