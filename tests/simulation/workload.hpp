#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "cluster/base/random.hpp"
#include "cluster/view.hpp"
#include "tests/simulation/host.hpp"

namespace chisme::simulation {

// Workload is the clients: they write, remove and look up files at random nodes, remember what they
// were told, and compare it with what the cluster says in the end.
class Workload {
 public:
  struct Counts {
    unsigned acknowledged = 0;
    unsigned absent = 0;  // removals of what is not there
    unsigned refused = 0;
    unsigned unknown = 0;  // the connection was lost, or the node said that it does not know
  };

  Workload(Surroundings& around, Random random) : around_(around), random_(random) {}

  // One client uploads, removes or looks up something at a node that is up.
  void act();
  void finished(cluster::WriteFinished const& finished);
  void finished(cluster::LookupFinished const& finished);
  // Compares all that was ever answered with `view`, on which all nodes agree.
  void compare(cluster::ClusterView const& view);
  // Whether clients were promised that the object of `name` survives, and it can: one of the disks
  // that acknowledged it is still there.
  [[nodiscard]] bool is_owed(std::string const& name, Digest const& digest) const;
  // Whether all who wrote these bytes as `name` were told that it was refused, at least one.
  [[nodiscard]] bool was_refused(std::string const& name, Digest const& digest) const;
  [[nodiscard]] Counts counts() const;

 private:
  enum class Outcome { unknown, acknowledged, absent, refused };
  // Which process owes the answer.
  struct Asked {
    unsigned host = 0;
    std::uint64_t run = 0;
    bool answered = false;
  };
  struct Attempt {
    std::string name;
    std::optional<Digest> digest;  // nullopt: a removal
    ByteCount size;
    Outcome outcome = Outcome::unknown;
    Version version;
    std::vector<NodeId> copies;  // that acknowledged it
    Asked asked;
  };
  // The places of one upload: who has stored it, and whose answer is awaited.
  struct Upload {
    cluster::WriteId write;
    std::vector<NodeId> stored_on;
    unsigned awaited = 0;
  };

  void look_up(Host& host);
  void upload(Host& host, cluster::WriteId write);
  void push(Host& host, Host& target, std::shared_ptr<Upload> const& upload);
  void commit(Host& host, Upload const& upload);
  void compare(std::string const& name, std::vector<Attempt const*> const& attempts,
               cluster::ClusterView const& view);
  [[nodiscard]] bool survives(Attempt const& attempt) const;
  [[nodiscard]] bool is_owed_an_answer(Asked const& asked) const;
  std::string random_name();
  Digest random_digest();

  Surroundings& around_;
  Random random_;
  std::map<cluster::WriteId, Attempt> attempts_;
  std::map<cluster::LookupId, Asked> lookups_;
};

}  // namespace chisme::simulation
