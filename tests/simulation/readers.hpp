#pragma once

#include <map>
#include <optional>
#include <string>

#include "cluster/load/load_probes.hpp"
#include "cluster/load/redirect_tally.hpp"
#include "tests/simulation/host.hpp"

namespace chisme::simulation {

class Workload;

// Readers are the clients that download: each asks some node for a file and follows the redirects,
// which nodes choose as web/downloads.cpp does. It holds what they are given against invariants 5
// (served bytes match), 11 (at most two redirects) and 4 (who made a write durable knows of it).
class Readers {
 public:
  struct Counts {
    unsigned served = 0;
    unsigned redirected = 0;
    unsigned bounced = 0;
  };
  Readers(Surroundings& around, Workload const& workload, Random random)
      : around_(around), workload_(workload), random_(random) {}

  // A client asks `host` for `name`.
  void read(Host& host, std::string name);
  [[nodiscard]] Counts counts() const { return counts_; }

 private:
  // What a redirect's `hop` says of the way so far.
  enum class Hops : std::uint8_t { none, redirected, bounced };
  struct Request {
    std::string name;
    Hops hops = Hops::none;
    unsigned redirects = 0;
  };
  void arrives(Request request, Endpoint const& at);
  void answer(Request request, Host& host);
  void redirect(Request request, Hops hops, cluster::ClusterView const& view, NodeId target);
  void relay(std::string const& name, cluster::FileEntry const& file);
  void serve(Host const& host, std::string const& name, Digest const& digest);

  Surroundings& around_;
  Workload const& workload_;
  Random random_;
  std::map<unsigned, cluster::RedirectTally> tallies_;  // of each host
  std::map<unsigned, cluster::WantedLoads> wanted_;     // of each host
  Counts counts_;
};

}  // namespace chisme::simulation
