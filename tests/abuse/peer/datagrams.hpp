#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "cluster/base/identity.hpp"
#include "cluster/base/result.hpp"
#include "cluster/wire/messages.hpp"
#include "node/peer/sealing.hpp"
#include "node/security/key_ring.hpp"

namespace chisme::abuse {

// Who an attacker says that it is, and which of the cluster's secrets it knows.
struct Guise {
  NodeId id;
  Epoch epoch;
  std::optional<node::KeyRing> ring;  // nullopt: none, what it sends is not sealed
};

// Datagrams is a UDP socket that speaks to one node's peer port, and takes what that answers.
class Datagrams {
 public:
  Datagrams(Guise guise, Endpoint to);
  ~Datagrams();
  Datagrams(Datagrams const&) = delete;
  Datagrams& operator=(Datagrams const&) = delete;

  // As the guise would seal it. `at` is where answers go: here.
  [[nodiscard]] std::string sealed(cluster::Message message);
  [[nodiscard]] std::string sealed_text(std::string const& text);
  [[nodiscard]] std::string frame(cluster::Message message) const;
  // False when the system refuses it.
  bool send(std::string_view datagram);
  // What comes within so many milliseconds of silence, opened and decoded; what cannot be is an
  // empty message of the kind Nack with the sequence 0.
  [[nodiscard]] std::vector<cluster::Message> answers(int silence_ms);

  // As many datagrams of rubbish in a second as asked for, for so long. `known`: their headers are
  // those of datagrams of the cluster, from `sender` in another run each time. Returns how many.
  std::uint64_t flood(std::uint64_t per_second, double seconds, std::optional<NodeId> known);

 private:
  Guise guise_;
  int socket_;
  Endpoint here_;
  node::DatagramSealer sealer_;
  node::DatagramOpener opener_;
};

}  // namespace chisme::abuse
