#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "cluster/base/random.hpp"
#include "cluster/core.hpp"
#include "tests/simulation/clocks.hpp"
#include "tests/simulation/disk.hpp"
#include "tests/simulation/network.hpp"
#include "tests/simulation/surroundings.hpp"

namespace chisme::simulation {

// Host is one simulated machine: a disk, clocks and, while it is up, a core whose effects it
// carries out. Everything that takes time takes virtual time.
class Host : public Machine {
 public:
  Host(Surroundings& around, unsigned index, Random random);

  void start();
  // The power fails: its process is gone, and what was not synced is lost with the probability
  // `lost`, or torn.
  void crash(double lost = 1);
  // A crashed machine gets an empty disk, and with it a new identity.
  void replace_disk();
  // A crashed machine gets a copy of what is safe on the disk of `other`, its identity included.
  void clone_disk(Host const& other);
  // It does nothing, and hears nothing, until `until`.
  void pause(Instant until);
  [[nodiscard]] bool is_paused() const;
  // Its processor and its disk take `times` as long as usual; 1: as long.
  void slow_down(double times) { slowness_ = times; }
  // Its disk takes no more objects.
  void fill_disk(bool is_full) { disk_full_ = is_full; }
  // Its disk fails to sync: what is not safe will not be, until it is started again.
  void fence();
  [[nodiscard]] bool is_fenced() const { return fenced_; }
  // It leaves; asked again, it hurries. Does nothing when it is down.
  void leave();
  [[nodiscard]] bool is_leaving() const { return leaving_; }
  // The addresses of peers that its process was given.
  [[nodiscard]] std::vector<Endpoint> const& seeds() const { return seeds_; }
  // One of its copies becomes corrupt. Returns whether there was one.
  bool rot_something(Random& random);
  // Finds every corrupt copy, as a scrub would: it goes to the quarantine.
  void scrub();
  // From its next start on.
  void speak(cluster::ProtocolVersions versions) { versions_ = versions; }
  void shrink(double times) { shrunk_ = times; }
  [[nodiscard]] bool is_shrunk() const { return shrunk_ < 1; }

  [[nodiscard]] bool is_up() const override { return core_ != nullptr; }
  [[nodiscard]] Clocks& clocks() { return clocks_; }
  [[nodiscard]] Disk const& disk() const { return *disk_; }
  [[nodiscard]] NodeId id() const { return disk_->id(); }
  [[nodiscard]] Epoch epoch() const { return epoch_; }
  [[nodiscard]] unsigned index() const { return index_; }
  // Moves with each start and crash.
  [[nodiscard]] std::uint64_t run() const { return run_; }
  // REQUIRES: is_up().
  [[nodiscard]] cluster::Core const& core() const { return *core_; }
  [[nodiscard]] cluster::ClusterView view() const { return core_->view(local_now()); }
  [[nodiscard]] cluster::CoreConfig config() const;
  [[nodiscard]] Instant local_now() const { return clocks_.local(around_.agenda.now()); }
  [[nodiscard]] WallTime wall() const { return clocks_.wall(around_.agenda.now()); }
  // The latest time that the core of this run may take for the present: from the wall clocks that
  // it was told, whatever they show by now. `latest_believed`: that of any run.
  [[nodiscard]] WallTime believed() const { return later_by(ahead_); }
  [[nodiscard]] WallTime latest_believed() const { return later_by(ahead_ever_); }

  void give(cluster::Input input);
  void deliver(cluster::Channel channel, std::string bytes) override;
  void unreachable(Endpoint const& endpoint) override { give(cluster::PeerUnreachable{endpoint}); }
  // Bytes came (from a client, or pushed by a peer): they are kept, synced, and the core is told.
  // When the disk is full, nothing of that.
  void store(cluster::ObjectStored const& object);

 private:
  // One transfer under way.
  struct Fetch {
    cluster::StartTransfer what;
    std::vector<NodeId> corrupt;
  };
  using FetchPtr = std::shared_ptr<Fetch>;  // held by whichever step is next

  // A new process or none: what was under way is forgotten.
  void forget_work();
  void carry_out(cluster::Effect& effect);
  void send(cluster::Send& effect);
  // What changes or reads copies is done in the order in which it was asked for.
  template <typename Callable>
  void in_turn(Callable action);
  void verify(Digest const& digest);
  void quarantine(Digest const& digest);
  void stop(cluster::Stop const& effect);
  void save(cluster::SaveCatalogue effect);
  void sync_saves();
  void save_access(cluster::SaveAccess effect);

  void start_transfer(cluster::StartTransfer effect);
  void try_source(FetchPtr fetch, std::size_t source);
  void receive_object(FetchPtr fetch, std::size_t source, unsigned from, std::uint64_t from_run);
  void keep_fetched(FetchPtr fetch, unsigned from);
  void end_transfer(FetchPtr fetch, bool succeeded);
  // The steps of the object store, with the time that each takes; then `done(stored)`.
  template <typename Done>
  void keep(cluster::ObjectStored const& object, Done done);

  void read(cluster::Channel channel, std::string const& bytes);
  // What its core does in `step` is carried out, and its timer set.
  template <typename Step>
  void work(Step step);
  void schedule();
  void ring();
  void tick();
  void sample_load();
  // The wall clock, as the core is told it.
  WallTime tell_wall();
  [[nodiscard]] WallTime later_by(std::chrono::milliseconds ahead) const {
    return WallTime{ahead +
                    std::chrono::ceil<std::chrono::milliseconds>(local_now().time_since_epoch())};
  }
  // Does `action` after `delay`, unless this process has ended by then; later while it is paused.
  template <typename Callable>
  void later(Duration delay, Callable action);
  // When it can handle what arrives now: it may be paused, or busy with what arrived before.
  [[nodiscard]] Instant free_at() const;
  [[nodiscard]] Duration disk_time(std::uint64_t microseconds_max);

  // "node 3: "
  [[nodiscard]] std::string who() const { return "node " + std::to_string(index_) + ": "; }
  [[nodiscard]] static Duration scaled(Duration duration, double times) {
    return Duration{static_cast<Duration::rep>(static_cast<double>(duration.count()) * times)};
  }

  Surroundings& around_;
  unsigned index_;
  Random random_;
  Clocks clocks_;
  Duration slowest_save_;
  cluster::ProtocolVersions versions_ = cluster::spoken_versions;
  std::vector<Endpoint> seeds_;
  double shrunk_ = 1;
  double slowness_ = 1;
  // Of the told wall clocks before the local one, the furthest: of this run, and of any.
  std::chrono::milliseconds ahead_ = std::chrono::milliseconds::min();
  std::chrono::milliseconds ahead_ever_ = ahead_;
  bool disk_full_ = false;
  bool fenced_ = false;
  bool leaving_ = false;
  std::optional<Disk> disk_;
  std::unique_ptr<cluster::Core> core_;
  cluster::Effects effects_;  // empty unless it works
  Epoch epoch_{};
  std::uint64_t run_ = 0;
  Instant paused_until_{};
  Instant busy_until_{};
  Instant disk_free_at_{};
  std::optional<Instant> rings_at_;  // the earliest ring that is in the agenda
  unsigned fruitless_ticks_ = 0;
  std::deque<cluster::SaveId> saves_;  // that are not synced, in order
  std::set<cluster::TransferId> transfers_;
};

template <typename Callable>
void Host::later(Duration delay, Callable action) {
  Instant const when = std::max(around_.agenda.now() + delay, paused_until_);
  around_.agenda.at(when, [this, run = run_, action = std::move(action)]() mutable {
    if (run != run_) return;
    if (around_.agenda.now() < paused_until_) {
      later(Duration{}, std::move(action));
    } else {
      action();
    }
  });
}

}  // namespace chisme::simulation
