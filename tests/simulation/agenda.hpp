#pragma once

#include <algorithm>
#include <cstdint>
#include <utility>
#include <vector>

#include "cluster/base/time.hpp"
#include "tests/simulation/action.hpp"

namespace chisme::simulation {

// Agenda is virtual time: actions in order of their moment, those of one moment in order of entry.
//
// A binary heap of small keys; the actions themselves stay where they are until they are done.
class Agenda {
 public:
  [[nodiscard]] Instant now() const { return now_; }
  [[nodiscard]] std::uint64_t done() const { return done_; }
  [[nodiscard]] std::size_t entered() const { return heap_.size(); }

  void at(Instant when, Action action) {
    std::uint32_t place = 0;
    if (free_.empty()) {
      place = static_cast<std::uint32_t>(actions_.size());
      actions_.push_back(std::move(action));
    } else {
      place = free_.back();
      free_.pop_back();
      actions_[place] = std::move(action);
    }
    heap_.push_back({std::max(when, now_), entered_++, place});
    std::push_heap(heap_.begin(), heap_.end(), Later{});
  }
  void after(Duration delay, Action action) { at(now_ + delay, std::move(action)); }

  // Does everything up to `until`, which is then the time.
  void run_until(Instant until) {
    while (!heap_.empty() && heap_.front().when <= until) {
      std::pop_heap(heap_.begin(), heap_.end(), Later{});
      Key const next = heap_.back();
      heap_.pop_back();
      now_ = next.when;
      ++done_;
      Action action = std::move(actions_[next.place]);
      free_.push_back(next.place);
      action();
    }
    now_ = until;
  }

 private:
  struct Key {
    Instant when{};
    std::uint64_t number = 0;
    std::uint32_t place = 0;  // of its action
  };
  struct Later {
    bool operator()(Key const& a, Key const& b) const {
      return a.when != b.when ? a.when > b.when : a.number > b.number;
    }
  };

  std::vector<Key> heap_;
  std::vector<Action> actions_;
  std::vector<std::uint32_t> free_;
  Instant now_{};
  std::uint64_t entered_ = 0;
  std::uint64_t done_ = 0;
};

}  // namespace chisme::simulation
