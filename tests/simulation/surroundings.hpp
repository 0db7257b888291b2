#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "cluster/effect.hpp"
#include "tests/simulation/agenda.hpp"
#include "tests/simulation/invariants.hpp"
#include "tests/simulation/network.hpp"
#include "tests/simulation/observer.hpp"
#include "tests/simulation/scenario.hpp"
#include "tests/simulation/trace.hpp"

namespace chisme::simulation {

class Host;

// What the hosts of one world share.
struct Surroundings {
  explicit Surroundings(Scenario given);
  ~Surroundings();

  Scenario scenario;
  Agenda agenda;
  Trace trace;
  std::unique_ptr<Network> network;
  std::vector<std::unique_ptr<Host>> hosts;
  std::function<void(cluster::WriteFinished const&)> write_finished;
  std::function<void(cluster::LookupFinished const&)> lookup_finished;
  Observer* observer = nullptr;  // of the world, which sets it before anything starts
  std::set<NodeId> cloned;       // identities that two machines have, or had
  std::vector<Violation> violations;

  // The first 20 are kept.
  void violated(Invariant invariant, std::string what);
  void violated(std::string what) { violated(Invariant::contract, std::move(what)); }
  // A line of the trace, after the time. REQUIRES: trace.tells().
  void say(std::string const& line);
};

}  // namespace chisme::simulation
