#pragma once

#include <cstdint>
#include <map>
#include <mutex>

#include "cluster/access/access_state.hpp"
#include "cluster/base/identity.hpp"
#include "cluster/base/time.hpp"
#include "web/credentials.hpp"

namespace chisme::node {

class CoreDriver;

// LinkCounts decides, for all web loops of a node, whether one more download may begin by a counted
// link. What it lets in counts at once; the core, and by it the disk and the other nodes, hear of
// it behind that. So what a node let in in its last moments may be forgotten when it dies.
//
// Thread-safe. `core` must outlive it.
class LinkCounts {
 public:
  // Who began a download may go on with it, behind the file's beginning, for so long after the last
  // one began: players jump, and downloads break off.
  static constexpr Duration read_on = std::chrono::hours{6};

  LinkCounts(NodeId self, CoreDriver& core) : self_(self), core_(core) {}

  // REQUIRES: link.is_counted(). `known`: what the cluster is known to have counted.
  [[nodiscard]] web::Standing use(web::SharedLink const& link, web::LinkUse use,
                                  cluster::AccessState const& known, Instant now, WallTime wall);

 private:
  struct Own {
    WallTime until{};
    std::uint32_t count = 0;  // here, since for ever
    Instant last_begun{};
  };
  // nullptr: there are too many links.
  Own* find(web::CredentialId const& link, cluster::AccessState const& known, WallTime wall);

  NodeId self_;
  CoreDriver& core_;
  std::mutex mutex_;
  std::map<std::uint64_t, Own> own_;  // at most AccessState::links_max
};

}  // namespace chisme::node
