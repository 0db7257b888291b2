#pragma once

#include <asio/io_context.hpp>
#include <functional>
#include <memory>
#include <vector>

#include "cluster/base/identity.hpp"
#include "cluster/base/result.hpp"
#include "node/config.hpp"

namespace chisme::node {

// NameLookup asks the system's resolver, getaddrinfo(3), which blocks: each question has a thread
// of its own, and nobody waits for it, for with a DNS server that does not answer it takes half a
// minute, and a node that stops should not. Who asks bounds how many there are at once.
//
// On the thread of the loop; answers come there, and none after this object is gone.
class NameLookup {
 public:
  static constexpr std::size_t addresses_max = 256;  // more are not looked at
  using Answer = std::function<void(Result<std::vector<Endpoint>>)>;

  explicit NameLookup(asio::io_context& loop);
  ~NameLookup();
  NameLookup(NameLookup const&) = delete;
  NameLookup& operator=(NameLookup const&) = delete;

  // The addresses of a host, IPv4 and IPv6, each with the port. Fault::unavailable, with the
  // resolver's reason: it has none, or nobody knows.
  void ask(PeerName const& name, Answer answer);

 private:
  struct Inbox;
  std::shared_ptr<Inbox> inbox_;
};

}  // namespace chisme::node
