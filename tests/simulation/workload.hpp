#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "cluster/base/random.hpp"
#include "cluster/view.hpp"
#include "tests/simulation/host.hpp"
#include "tests/simulation/readers.hpp"

namespace chisme::simulation {

// Workload is the clients: they write, remove, read and look up files at random nodes, remember
// what they were told, and compare it with what the cluster says later and in the end (invariants 4
// and 15, and contracts C1 to C3).
//
// Some uploads have a condition, some bring bytes that were uploaded before.
class Workload {
 public:
  struct Counts {
    unsigned acknowledged = 0;
    unsigned absent = 0;  // removals of what is not there
    unsigned refused = 0;
    unsigned unmet = 0;    // a condition was not met
    unsigned unknown = 0;  // the connection was lost, or the node said that it does not know
  };

  Workload(Surroundings& around, Random random)
      : around_(around), random_(random), readers_(around, *this, random_.split(1)) {}

  // One client uploads, removes or looks up something at a node that is up; another one reads.
  void act();
  void finished(cluster::WriteFinished const& finished);
  void finished(cluster::LookupFinished const& finished);
  // Compares all that was ever answered with `view`, on which all nodes agree.
  void compare(cluster::ClusterView const& view);
  // Whether clients were promised that the object of `name` survives, and it can: one of the
  // machines that acknowledged it is up, with bytes that have not rotted, and no copy is on one
  // that is down: it may be the last one then.
  [[nodiscard]] bool is_owed(std::string const& name, Digest const& digest) const;
  // A removal is remembered for longer (CoreConfig::tombstones_kept, by clocks that may run fast).
  static constexpr Duration forgotten_after = std::chrono::seconds{4};
  // Whether somebody asked for what the record says after `moment`.
  // A removal as a node knows it.
  struct Removal {
    unsigned host = 0;
    Instant at{};
  };
  // Whether the record is of a write that was asked for once the removal may have been forgotten,
  // or of machines that the remover could not know of.
  [[nodiscard]] bool is_apart(cluster::CatalogueRecord const& record, Removal const& removal) const;
  // Whether all who wrote these bytes as `name` were told that it was refused, at least one.
  [[nodiscard]] bool was_refused(std::string const& name, Digest const& digest) const;
  // Whether `host` is one of those that made a write of `name` durable which was acknowledged
  // before `moment`, is newer than `version` (nullopt: the name is absent), and has not been
  // removed since for all that clients know. One that is filling asks the others.
  [[nodiscard]] bool must_know_newer(std::string const& name, Host const& host,
                                     std::optional<Version> const& version, Instant moment) const;
  // Each node that made a write durable lately has it on its disk.
  void check_durable();
  // All objects that were ever uploaded.
  [[nodiscard]] std::set<Digest> contents() const;
  [[nodiscard]] Counts counts() const;
  [[nodiscard]] Readers::Counts reads() const { return readers_.counts(); }

 private:
  enum class Outcome { unknown, acknowledged, absent, refused };
  // Which process owes the answer.
  struct Asked {
    unsigned host = 0;
    std::uint64_t run = 0;
    NodeId node;
    Instant at{};
    bool answered = false;
  };
  struct Attempt {
    std::string name;
    std::optional<Digest> digest;  // nullopt: a removal
    ByteCount size;
    cluster::Condition condition;
    bool must_fail = false;        // the condition did not hold when it was asked
    std::optional<Version> known;  // that the name had at the asked node
    Outcome outcome = Outcome::unknown;
    bool unmet = false;  // it was refused for its condition
    Version version;
    // What the asked node's own clock allows; above it only the name's other versions explain it.
    std::uint64_t time_max = 0;
    std::vector<NodeId> copies;  // that acknowledged it
    Asked asked;
    Instant answered_at{};
  };
  struct Lookup {
    std::string name;
    Asked asked;
    std::vector<NodeId> alive;  // as the asked node saw it
    std::size_t in_reach = 0;   // then
  };
  // The places of one upload: who has stored it, and whose answer is awaited.
  struct Upload {
    cluster::WriteId write;
    std::vector<NodeId> stored_on;
    unsigned awaited = 0;
  };

  void write(Host& host);
  void set_condition(Host const& host, Attempt& attempt);
  void look_up(Host& host);
  void upload(Host& host, cluster::WriteId write);
  void push(Host& host, Host& target, std::shared_ptr<Upload> const& upload);
  void commit(Host& host, Upload const& upload);
  void answered(Attempt& attempt, cluster::WriteOutcome const& outcome);
  void answered(Attempt& attempt, Error const& error);
  void check_version(Attempt const& attempt);
  void check_clock(std::string const& name, std::vector<Attempt const*> const& attempts) const;
  void check_copies(Attempt const& attempt) const;
  void check_saved(Attempt const& attempt) const;
  void check_absence(Lookup const& lookup);
  void check_majority(Lookup const& lookup) const;
  [[nodiscard]] std::size_t in_reach(Host const& host) const;
  void compare(std::string const& name, std::vector<Attempt const*> const& attempts,
               cluster::ClusterView const& view);
  // The newest Put of `name` acknowledged before `moment`; nullptr when there is none, or a removal
  // may have followed.
  [[nodiscard]] Attempt const* standing(std::string const& name, Instant moment) const;
  [[nodiscard]] bool was_ever_removed(std::string const& name) const;
  [[nodiscard]] bool stored(Host const& host, Attempt const& attempt) const;
  [[nodiscard]] bool survives(Attempt const& attempt) const;
  // The same, and its copy has not rotted.
  [[nodiscard]] bool survives_whole(Attempt const& attempt) const;
  [[nodiscard]] bool is_owed_an_answer(Asked const& asked) const;
  [[nodiscard]] Asked asked_now(Host const& host) const;
  std::string random_name();
  // Now and then the one that was written last.
  std::string some_name(double last);
  Digest random_digest();
  Digest content_for(std::string const& name);
  Host* some_host_up();

  Surroundings& around_;
  Random random_;
  Readers readers_;
  std::map<cluster::WriteId, Attempt> attempts_;
  std::map<std::string, std::vector<Attempt const*>> writes_of_;  // by name, in order
  std::deque<Attempt const*> acknowledged_;                       // lately, in order
  std::map<cluster::LookupId, Lookup> lookups_;
  std::string last_acknowledged_;
};

}  // namespace chisme::simulation
