#include "tests/simulation/surroundings.hpp"

#include <cstdio>

#include "tests/simulation/host.hpp"

namespace chisme::simulation {

Surroundings::Surroundings(Scenario given) : scenario(given) {}
Surroundings::~Surroundings() = default;

void Surroundings::violated(Invariant invariant, std::string what) {
  constexpr std::size_t kept = 20;
  if (trace.tells()) say("violated: " + what);
  if (violations.size() >= kept) return;
  violations.push_back({invariant, agenda.now(), std::move(what)});
}

void Surroundings::say(std::string const& line) {
  char moment[32];
  std::snprintf(moment, sizeof moment, "%12.6f ",
                std::chrono::duration<double>{agenda.now() - Instant{}}.count());
  trace.say(moment + line);
}

}  // namespace chisme::simulation
