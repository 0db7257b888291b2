#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "cluster/base/random.hpp"
#include "cluster/core.hpp"
#include "tests/simulation/agenda.hpp"
#include "tests/simulation/disk.hpp"
#include "tests/simulation/invariants.hpp"
#include "tests/simulation/network.hpp"
#include "tests/simulation/observer.hpp"
#include "tests/simulation/scenario.hpp"
#include "tests/simulation/trace.hpp"

namespace chisme::simulation {

class Host;

// What the hosts of one world share.
struct Surroundings {
  explicit Surroundings(Scenario given) : scenario(given) {}

  Scenario scenario;
  Agenda agenda;
  Trace trace;
  std::unique_ptr<Network> network;
  std::vector<std::unique_ptr<Host>> hosts;
  std::function<void(cluster::WriteFinished const&)> write_finished;
  std::function<void(cluster::LookupFinished const&)> lookup_finished;
  Observer* observer = nullptr;  // of the world, which sets it before anything starts
  std::vector<Violation> violations;

  void violated(Invariant invariant, std::string what);
  void violated(std::string what) { violated(Invariant::contract, std::move(what)); }
};

// Host is one simulated machine: a disk, clocks and, while it is up, a core whose effects it
// carries out. Everything that takes time takes virtual time.
class Host {
 public:
  Host(Surroundings& around, unsigned index, Random random);

  void start();
  // Loses what was not synced. Its process is gone; its disk stays.
  void crash();
  // A crashed machine gets an empty disk, and with it a new identity.
  void replace_disk();
  // It does nothing, and hears nothing, until `until`.
  void pause(Instant until) { paused_until_ = until; }

  [[nodiscard]] bool is_up() const { return core_ != nullptr; }
  [[nodiscard]] Disk const& disk() const { return *disk_; }
  [[nodiscard]] NodeId id() const { return disk_->id(); }
  [[nodiscard]] unsigned index() const { return index_; }
  // Moves with each start and crash.
  [[nodiscard]] std::uint64_t run() const { return run_; }
  // REQUIRES: is_up().
  [[nodiscard]] cluster::ClusterView view() const { return core_->view(local_now()); }
  [[nodiscard]] Instant local_now() const { return around_.agenda.now() + clock_offset_; }

  void give(cluster::Input input);
  // Bytes arrive from the network.
  void receive(cluster::Channel channel, std::string const& bytes);
  // A verified copy came (from a client, or pushed by a peer) and is synced.
  void store(cluster::ObjectStored const& object);

 private:
  struct Save {
    cluster::SaveCatalogue what;
    Instant synced_at{};
  };

  void carry_out(cluster::Effect& effect);
  void send(cluster::Send const& effect);
  void save(cluster::SaveCatalogue effect);
  void finish_save();
  void start_transfer(cluster::StartTransfer const& effect);
  void try_source(cluster::StartTransfer const& transfer, std::size_t source);
  void finish_transfer(cluster::StartTransfer const& transfer, Host& source,
                       std::uint64_t source_run, std::size_t index);
  void tick();
  void work(std::function<void(cluster::Effects&)> const& step);
  void schedule();
  void sample_load();
  // Does `action` after `delay`, unless this process has ended by then; later while it is paused.
  void later(Duration delay, std::function<void()> action);
  [[nodiscard]] WallTime wall() const;
  [[nodiscard]] Host* host_of(NodeId id) const;
  [[nodiscard]] cluster::CoreConfig config() const;

  Surroundings& around_;
  unsigned index_;
  Random random_;
  Duration clock_offset_;
  Duration wall_skew_{};
  Duration slowest_save_;
  std::optional<Disk> disk_;
  std::unique_ptr<cluster::Core> core_;
  Epoch epoch_{};
  std::uint64_t run_ = 0;
  Instant paused_until_{};
  std::optional<Instant> scheduled_;
  unsigned fruitless_ticks_ = 0;
  std::deque<Save> saves_;
  std::set<cluster::TransferId> transfers_;
};

}  // namespace chisme::simulation
