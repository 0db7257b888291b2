#pragma once

#include <algorithm>
#include <map>
#include <optional>
#include <set>
#include <utility>

#include "cluster/base/identity.hpp"
#include "cluster/base/time.hpp"
#include "cluster/config.hpp"
#include "cluster/sizes.hpp"

namespace chisme::cluster {

// Unreferenced knows which of this node's copies no name refers to, since when, and which have been
// kept long enough (contract C3): of removed and replaced versions, of writes that lost against a
// concurrent one, of uploads that were never committed. Each holder decides for its own copy.
//
// A copy that arrives is kept from then on, even if it was here before: a write may be about to
// name it. A restart begins anew. At most one entry per local copy. Pure; one thread owns it.
class Unreferenced {
 public:
  explicit Unreferenced(CoreConfig const& config)
      : kept_(config.unreferenced_kept),
        kept_when_full_(config.unreferenced_kept_when_full),
        scratch_kept_(std::min(config.scratch_kept, config.unreferenced_kept)) {}

  // The copy is here and no name refers to it: from now on, or still.
  void note(Digest const& digest, Instant now);
  // It arrived, or something else showed that it may be wanted: the time begins anew.
  void renew(Digest const& digest, Instant now);
  // The copy is here, and its last name was scratch: it has as little time left as such copies are
  // kept.
  void hasten(Digest const& digest, Instant now) { renew(digest, now - (kept_ - scratch_kept_)); }
  // It is gone, or a name refers to it.
  void forget(Digest const& digest);
  void set_full(bool full) { full_ = full; }
  // The one that is due first, if its time has come.
  [[nodiscard]] std::optional<Digest> due(Instant now) const;
  [[nodiscard]] std::optional<Instant> deadline() const;
  void add_sizes(std::size_t copies, TableSizes& out) const {
    out.push_back({"copies without a name", since_.size(), copies});
    out.push_back({"times of copies without a name", oldest_first_.size(), since_.size()});
  }

 private:
  Duration kept_;
  Duration kept_when_full_;
  Duration scratch_kept_;
  bool full_ = false;
  std::map<Digest, Instant> since_;
  std::set<std::pair<Instant, Digest>> oldest_first_;
};

}  // namespace chisme::cluster
