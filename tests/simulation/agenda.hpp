#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <utility>

#include "cluster/base/time.hpp"

namespace chisme::simulation {

// Agenda is virtual time: actions in order of their moment, those of one moment in order of entry.
class Agenda {
 public:
  using Action = std::function<void()>;

  [[nodiscard]] Instant now() const { return now_; }
  [[nodiscard]] std::uint64_t done() const { return done_; }

  void at(Instant when, Action action) {
    actions_.emplace(std::pair{std::max(when, now_), entered_++}, std::move(action));
  }
  void after(Duration delay, Action action) { at(now_ + delay, std::move(action)); }

  // Does everything up to `until`, which is then the time.
  void run_until(Instant until) {
    while (!actions_.empty() && actions_.begin()->first.first <= until) {
      auto next = actions_.extract(actions_.begin());
      now_ = next.key().first;
      ++done_;
      next.mapped()();
    }
    now_ = until;
  }

 private:
  std::map<std::pair<Instant, std::uint64_t>, Action> actions_;
  Instant now_{};
  std::uint64_t entered_ = 0;
  std::uint64_t done_ = 0;
};

}  // namespace chisme::simulation
