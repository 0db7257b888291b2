#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "cluster/replication/replication.hpp"
#include "tests/cluster/catalogue/records.hpp"

namespace chisme::cluster::testing {

// What a test waits for a write to be answered, and for all copies to be made.
inline constexpr Duration soon = std::chrono::milliseconds{50};
inline constexpr Duration settled = std::chrono::seconds{2};

// LittleCluster runs the file half of some cores under virtual time, with a network, disks and
// transfers that do what a test tells them. Membership is what the test says, at once, everywhere.
// Nodes are numbered from 1.
class LittleCluster {
 public:
  struct Options {
    std::uint64_t nodes = 5;
    unsigned copies_wanted = 3;
    unsigned copies_durable = 2;
    bool gossip = true;
    Duration scrub_period = std::chrono::hours{24 * 25};
  };
  static constexpr Duration repair_delay = std::chrono::seconds{20};
  static constexpr Duration last_copy_repair_delay = std::chrono::seconds{5};
  static constexpr Duration surplus_kept = std::chrono::seconds{4};
  static constexpr Duration copy_promise = std::chrono::seconds{6};
  static constexpr Duration unreferenced_kept = std::chrono::minutes{10};
  static constexpr Duration scratch_kept = std::chrono::seconds{10};
  static constexpr char const* scratch_prefix = "scratch/";
  static constexpr Duration write_timeout = std::chrono::seconds{4};

  explicit LittleCluster(Options options);

  // ---- What happens
  void run(Duration time);
  // A verified copy appears on the node's disk.
  void store(std::uint64_t number, std::uint8_t content);
  void lose(std::uint64_t number, std::uint8_t content);
  // A Put whose object is stored on `on` already.
  WriteId put(std::uint64_t at, std::string name, std::uint8_t content,
              std::vector<std::uint64_t> on, Condition condition = {});
  // What else the request says is as given.
  WriteId put(std::uint64_t at, WriteRequested request, std::uint8_t content,
              std::vector<std::uint64_t> const& on);
  // The same without storing anything: the caller says who was given the object.
  WriteId write(std::uint64_t at, WriteRequested request, std::uint8_t content,
                std::vector<std::uint64_t> const& on);
  WriteId remove(std::uint64_t at, std::string name, Condition condition = {});
  LookupId look_up(std::uint64_t at, std::string name);
  void set_state(std::uint64_t number, MemberState state);
  void set_draining(std::uint64_t number);
  // The process ends; the others learn of it only by `set_state`.
  void stop(std::uint64_t number) { hosts_.at(number).up = false; }
  // A new process on the same disk, in a higher epoch.
  void start(std::uint64_t number);
  // As `start`, from a copy of the catalogue on its disk as old as the node, in its first epoch.
  void start_from_first_copy(std::uint64_t number);
  void kill(std::uint64_t number);  // stop, and be known to be dead
  void cut(std::uint64_t a, std::uint64_t b);
  // Its membership knows of peers that it has not met.
  void lose_touch(std::uint64_t number) { hosts_.at(number).in_touch = false; }
  void heal() { cuts_.clear(); }
  // Saves stay unanswered.
  void stall_disk(std::uint64_t number, bool stalled);
  // The copy no longer has its digest, and nobody has noticed yet.
  void rot(std::uint64_t number, std::uint8_t content) { hosts_.at(number).rotten.insert(content); }
  // Removals and verifications stay undone.
  void stall_chores(std::uint64_t number, bool stalled) { hosts_.at(number).chores_wait = stalled; }
  // Of 1, of which everybody hears at once.
  void set_disk(std::uint64_t number, float used);
  void set_in_flight(std::uint64_t number, std::uint32_t requests);
  void set_versions(std::uint64_t number, ProtocolVersions versions) {
    members_.at(number - 1).alive.versions = versions;
    members_changed();
  }
  void fail_transfers_to(std::uint64_t number) { hosts_.at(number).transfers_fail = true; }
  void set_wall(std::uint64_t number, WallTime wall);

  // ---- What came of it
  [[nodiscard]] std::optional<Result<WriteOutcome>> outcome(WriteId write) const;
  [[nodiscard]] std::optional<Result<bool>> found(LookupId lookup) const;
  [[nodiscard]] bool sees(std::uint64_t number, std::string const& name) const;
  // The object of the name's current version, as the node knows it.
  [[nodiscard]] std::optional<Digest> current(std::uint64_t number, std::string const& name) const;
  [[nodiscard]] std::set<std::uint64_t> holders(std::uint8_t content) const;  // by their disks
  [[nodiscard]] std::uint64_t pending(std::uint64_t number) const;
  [[nodiscard]] bool agree() const;  // those that are up have equal catalogues
  template <class Event>
  [[nodiscard]] std::vector<Event> events(std::uint64_t number) const {
    std::vector<Event> found;
    for (auto const& event : hosts_.at(number).events) {
      if (auto const* const match = std::get_if<Event>(&event)) found.push_back(*match);
    }
    return found;
  }
  // Sent, delivered or not.
  template <class T>
  [[nodiscard]] int sent() const {
    int count = 0;
    for (auto const& message : sent_) count += std::holds_alternative<T>(message) ? 1 : 0;
    return count;
  }
  [[nodiscard]] int transfers_at_once_max(std::uint64_t number) const {
    return hosts_.at(number).transfers_max;
  }
  // The contents that the node's host read and compared, in order.
  [[nodiscard]] std::vector<std::uint8_t> const& verified(std::uint64_t number) const {
    return hosts_.at(number).verified;
  }
  [[nodiscard]] bool is_rotten(std::uint64_t number, std::uint8_t content) const {
    return hosts_.at(number).rotten.contains(content);
  }
  [[nodiscard]] Replication const& replication(std::uint64_t number) const {
    return *hosts_.at(number).replication;
  }
  [[nodiscard]] Instant now() const { return now_; }

 private:
  struct Transfer {
    Instant ends;
    StartTransfer what;
  };
  struct Chore {
    Instant ends;
    std::variant<RemoveObject, VerifyObject> what;
  };
  struct Host {
    std::unique_ptr<Replication> replication;
    std::uint32_t epoch = 1;
    bool up = true;
    bool in_touch = true;
    bool stalled = false;
    bool transfers_fail = false;
    bool chores_wait = false;
    int transfers_max = 0;
    StoredCatalogue disk;
    std::set<std::uint8_t> objects;
    std::set<std::uint8_t> rotten;
    std::vector<std::uint8_t> verified;
    std::vector<Chore> chores;
    std::vector<SaveCatalogue> unsaved;
    std::vector<Transfer> transfers;
    std::vector<Event> events;
  };
  struct Letter {
    Instant arrives;
    std::uint64_t from;
    std::uint64_t to;
    Message message;
  };

  [[nodiscard]] Situation situation(std::uint64_t number) const;
  template <class Input>
  void give(std::uint64_t number, Input const& input) {
    Effects out;
    hosts_.at(number).replication->handle(input, situation(number), out);
    carry_out(number, out);
  }
  void carry_out(std::uint64_t number, Effects& effects);
  void send(std::uint64_t from, Send const& send);
  void deliver();
  void save(std::uint64_t number);
  void transfer(std::uint64_t number);
  void do_chores(std::uint64_t number);
  [[nodiscard]] LoadRecord& load_of(std::uint64_t number);
  void gossip();
  void boot(std::uint64_t number);
  void members_changed();
  [[nodiscard]] bool connected(std::uint64_t a, std::uint64_t b) const;

  Options options_;
  CoreConfig config_;
  Instant now_{};
  Instant next_gossip_{};
  std::vector<MemberView> members_;
  std::map<std::uint64_t, Host> hosts_;
  std::vector<Letter> letters_;
  std::vector<Message> sent_;
  std::set<std::pair<std::uint64_t, std::uint64_t>> cuts_;
  std::uint64_t last_id_ = 0;
  std::map<WriteId, Result<WriteOutcome>> outcomes_;
  std::map<LookupId, Result<bool>> lookups_;
};

}  // namespace chisme::cluster::testing
