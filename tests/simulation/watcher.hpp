#pragma once

#include <optional>
#include <string>
#include <vector>

#include "tests/simulation/access_checks.hpp"
#include "tests/simulation/bounds_checks.hpp"
#include "tests/simulation/catalogue_checks.hpp"
#include "tests/simulation/copies_checks.hpp"
#include "tests/simulation/departure_checks.hpp"
#include "tests/simulation/intruder.hpp"
#include "tests/simulation/membership_checks.hpp"
#include "tests/simulation/merge_checks.hpp"
#include "tests/simulation/observer.hpp"
#include "tests/simulation/traffic_checks.hpp"
#include "tests/simulation/workload.hpp"

namespace chisme::simulation {

// Watcher holds a run against the invariants: it looks at every node now and then, hears what hosts
// do, and checks after the faults that all is well again. Each family of invariants has its checks
// in a file of its own; what clients are told is the workload's.
class Watcher : public Observer {
 public:
  Watcher(Surroundings& around, Workload& workload, Random random);

  // Nothing will be wrong but the weather, and that is mild: nobody may be held for dead.
  void expects_no_death() { membership_.expects_no_death(); }
  // Contract L1: without a partition all agree on members and names this long after the last write.
  static constexpr Duration agree_within = std::chrono::seconds{2};
  void expects_agreement();
  // To be called often; looks twice a second.
  void look();
  // Tokens are revoked, and later faults begin.
  void revokes() { access_.revoke(); }
  void faults_begin() { access_.faults_begin(); }
  // The faults are over.
  void heals();
  // All have long agreed: from now on there are to be no copies that should not be.
  void settles() { is_settled_ = true; }
  // Nobody asks for anything, and nothing is to be done: until `ends_idle`, which checks what can
  // be checked only now.
  void begins_idle() { traffic_.idle_begins(); }
  void ends_idle();
  // What is not as it has to be after the faults; nothing when all is well: everybody sees
  // everybody that is up as alive and nobody else, catalogues are identical and true, each file has
  // its copies, nothing waits; after `settles` no copies are left that should not be. `at` of the
  // answer is not set.
  [[nodiscard]] std::optional<Violation> disagreement();
  [[nodiscard]] TrafficChecks const& traffic() const { return traffic_; }

  void worked(Host const& host) override {
    bounds_.worked(host);
    membership_.worked(host);
    departures_.worked(host);
  }
  void announces(Host const& host, cluster::Event const& event) override {
    membership_.announces(host, event);
    departures_.announces(host, event);
  }
  void sends(Host const& host, cluster::Send const& what, std::string const& bytes) override;
  void removes(Host const& host, Digest const& digest) override { copies_.removes(host, digest); }
  void removed(Host const& host, Digest const& digest) override { copies_.removed(host, digest); }
  void verified(Host const& host, Digest const& digest) override { copies_.verified(host, digest); }
  void rots(Host const& host, Digest const& digest) override { copies_.rots(host, digest); }
  void loses_disk(Host const& host) override {
    copies_.loses_disk(host);
    access_.loses_disk(host);
  }
  // Whether a copy may be found wrong: it has become so, and nobody has looked at it since.
  [[nodiscard]] bool is_rotten(Host const& host, Digest const& digest) const override {
    return copies_.is_rotten(host, digest);
  }
  void fetched(Host const& host, Host const& source, Digest const& digest) override {
    copies_.fetched(host, source, digest);
  }

 private:
  [[nodiscard]] std::vector<Sight> next_sights();
  [[nodiscard]] bool is_carried(cluster::Send const& what) const;
  // Contract L1, after the faults: views and names agree in time, whatever else is still to be
  // done.
  void check_deadlines(std::span<Sight const> sights);

  Surroundings& around_;
  Workload& workload_;
  AccessChecks access_;
  BoundsChecks bounds_;
  MembershipChecks membership_;
  CatalogueChecks catalogues_;
  CopiesChecks copies_;
  DepartureChecks departures_;
  MergeChecks merges_;
  Intruder intruder_;
  TrafficChecks traffic_;
  Instant next_look_{};
  std::size_t next_host_ = 0;  // to be looked at
  std::optional<Instant> healed_;
  bool late_views_told_ = false;
  bool late_names_told_ = false;
  bool is_settled_ = false;  // there was time to remove what is too much
};

}  // namespace chisme::simulation
