#pragma once

#include <string>

#include "cluster/base/identity.hpp"
#include "cluster/effect.hpp"

namespace chisme::simulation {

class Host;

// Observer is told what hosts do at the moment they do it: what a look at them afterwards would
// miss. It changes nothing. The default ignores everything.
class Observer {
 public:
  virtual ~Observer() = default;
  // Its core has just been called; nothing of what it wants was done yet.
  virtual void worked(Host const&) {}
  // Its core would like somebody to know.
  virtual void announces(Host const&, cluster::Event const&) {}
  // `bytes` is the frame of what it sends.
  virtual void sends(Host const&, cluster::Send const&, std::string const& /*bytes*/) {}
  // Its core wants the local copy removed.
  virtual void removes(Host const&, Digest const&) {}
  // That removal is done. One that the end of the process overtakes never is.
  virtual void removed(Host const&, Digest const&) {}
  // It has read its copy for its core, and found it whole.
  virtual void verified(Host const&, Digest const&) {}
  // One of its copies becomes corrupt without a word.
  virtual void rots(Host const&, Digest const&) {}
  // Its disk, with all that it holds, is about to be replaced by an empty one.
  virtual void loses_disk(Host const&) {}
  [[nodiscard]] virtual bool is_rotten(Host const&, Digest const&) const { return false; }
  // It has fetched the object from `source` and stored it.
  virtual void fetched(Host const&, Host const& /*source*/, Digest const&) {}
};

}  // namespace chisme::simulation
