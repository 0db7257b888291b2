#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <set>
#include <vector>

#include "cluster/base/random.hpp"
#include "tests/simulation/host.hpp"
#include "tests/simulation/schedule.hpp"

namespace chisme::simulation {

// Faults carries out a schedule: it makes machines and the network fail, and puts right what has
// lasted long enough.
class Faults {
 public:
  Faults(Surroundings& around, Schedule schedule)
      : around_(around), schedule_(std::move(schedule)) {}

  [[nodiscard]] bool are_mild() const { return is_mild(schedule_, around_.scenario); }
  [[nodiscard]] bool are_fair() const { return is_fair(schedule_, around_.scenario); }
  // What is so from the first start of a node on: versions and configurations. Before any starts.
  void prepare();
  // Whether it is not there when the others start.
  [[nodiscard]] bool comes_late(unsigned place) const;
  // The schedule begins now; nothing lasts beyond `end`.
  void begin(Instant end);
  // A write was acknowledged this moment: if a strike is due, the power of all fails, and one of
  // the disks that have the write may be gone.
  void strike(std::vector<NodeId> const& copies);
  // Heals the network, sets clocks right, frees disks, finds what is corrupt and starts every
  // machine, each with an identity of its own; but of a schedule with `unhealed` clocks stay as
  // they are, and a minority is down for good.
  void heal();

  // How many faults of each kind there have been.
  using Counts = std::array<std::uint64_t, fault_kinds>;
  [[nodiscard]] Counts counts() const;

 private:
  void apply(FaultEvent const& event);
  void change_weather(FaultEvent const& event);
  void cut(FaultEvent const& event);
  void clog(FaultEvent const& event);
  void crash_all(FaultEvent const& event);
  void clone(FaultEvent const& event);
  void swap_addresses(FaultEvent const& event);
  void leave(FaultEvent const& event, Host& host);
  void come_back(Host& host);
  // How many machines may stay down so that the others are a majority of all identities that may be
  // missed.
  [[nodiscard]] std::size_t spared() const;
  [[nodiscard]] std::set<unsigned> lost() const;
  void heal(Host& host, bool is_lost);
  void apply_to(FaultEvent const& event, Host& host);
  void lose_disk(Host& host);
  // Its power fails, and comes back when the event is over.
  void take_down(Host& host, FaultEvent const& event);
  void up_again(Host& host, Duration after);
  // Of machines with one identity the one that started last keeps it.
  void part_clones();
  [[nodiscard]] Instant end_of(FaultEvent const& event) const;

  Surroundings& around_;
  Schedule schedule_;
  Instant end_{};
  std::deque<FaultEvent const*> strikes_;  // that are due
  std::set<unsigned> stay_down_;
  std::size_t identities_lost_ = 0;
  Counts counts_{};
};

}  // namespace chisme::simulation
