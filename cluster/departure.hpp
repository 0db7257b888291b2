#pragma once

#include <optional>
#include <string>

#include "cluster/base/time.hpp"
#include "cluster/view.hpp"

namespace chisme::cluster {

// Departure decides when a draining node may go: once each file of which it has a copy has R copies
// on nodes that stay, or one on each of them where there are fewer than R.
//
// It looks at `slice` files at a time and waits at the first that is not handed over yet; those
// that it has passed are not looked at again. It waits for ever: an operator who knows better ends
// the process, and nothing is lost that a restart would not bring back.
//
// Pure; one thread owns it.
class Departure {
 public:
  static constexpr std::size_t slice = 1000;
  static constexpr Duration period = std::chrono::milliseconds{200};
  // What other nodes write with this one in mind, because they do not know yet, comes within this.
  static constexpr Duration notice = std::chrono::seconds{1};

  void begin(Instant now);
  [[nodiscard]] bool has_begun() const { return next_.has_value(); }
  // True when the node may go. `view` is of `now`.
  bool tick(ClusterView const& view);
  // nullopt when it has not begun.
  [[nodiscard]] std::optional<Instant> deadline() const { return next_; }

 private:
  std::optional<Instant> next_;
  std::string passed_;  // the last file that is handed over
};

}  // namespace chisme::cluster
