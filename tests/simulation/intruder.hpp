#pragma once

#include <deque>
#include <string>

#include "tests/simulation/host.hpp"

namespace chisme::simulation {

// Intruder sends nodes what is not for them (invariant 12): frames of another cluster, frames that
// were damaged on the way, and, long after, datagrams that they received before. The first two must
// be refused; the last must change nothing, which the other invariants show. What a member of the
// cluster forges cannot be told from what it says as long as messages are not authenticated; nor
// can what was true before a removal that is forgotten by now, so that is not replayed.
class Intruder {
 public:
  static constexpr std::size_t remembered_max = 256;

  Intruder(Surroundings& around, Random random) : around_(around), random_(random) {}

  void sends(cluster::Send const& what, std::string const& bytes);
  // Does each of these once to a node that is up. At most once per `period`.
  void act();

 private:
  static constexpr Duration period = std::chrono::seconds{1};
  struct Datagram {
    Endpoint to;
    std::string bytes;
    Instant sent{};
  };
  void refused(Host const& host, std::string const& bytes, char const* what);
  void replay();
  std::string damaged(std::string bytes);

  Surroundings& around_;
  Random random_;
  std::deque<Datagram> remembered_;
  Instant next_{};
};

}  // namespace chisme::simulation
