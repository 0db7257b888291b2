#include "tests/simulation/shrink.hpp"

#include <algorithm>
#include <utility>

namespace chisme::simulation {
namespace {

class Shrinking {
 public:
  Shrinking(Case smallest, std::function<bool(Case const&)> const& fails, unsigned trials)
      : smallest_(std::move(smallest)), fails_(fails), trials_(trials) {}

  void drop_events() {
    std::vector<std::string> events;
    for (FaultEvent const& event : schedule_of(smallest_).events) events.push_back(id_of(event));
    if (events.empty() || try_without(events, 0, events.size())) return;
    for (std::size_t chunk = (events.size() + 1) / 2; chunk > 0;) {
      bool dropped = false;
      for (std::size_t at = 0; at < events.size();) {
        std::size_t const size = std::min(chunk, events.size() - at);
        if (try_without(events, at, size)) {
          dropped = true;
        } else {
          at += size;
        }
      }
      if (!dropped || events.size() < chunk) chunk = chunk == 1 ? 0 : (chunk + 1) / 2;
    }
  }

  void drop_nodes() {
    unsigned const nodes = scenario_of(smallest_).nodes;
    for (unsigned const fewer : {1u, 2u, 3u, 4u, 5u, 7u, 10u, 15u, 20u, 50u, 100u}) {
      Case smaller = smallest_;
      smaller.nodes = fewer;
      if (fewer >= nodes || accept(smaller)) return;
    }
  }

  void drop_time() {
    Duration const time = scenario_of(smallest_).faults_for;
    for (int const eighths : {1, 2, 4, 6}) {
      Case smaller = smallest_;
      // Whole milliseconds, or the command line would not say it exactly.
      smaller.faults_for = std::chrono::duration_cast<std::chrono::seconds>(time * eighths / 8);
      if (smaller.faults_for > Duration{} && accept(smaller)) return;
    }
  }

  [[nodiscard]] Case take() { return std::move(smallest_); }

 private:
  bool accept(Case const& smaller) {
    if (trials_ == 0) return false;
    --trials_;
    if (!fails_(smaller)) return false;
    smallest_ = smaller;
    return true;
  }

  // On success `events` is what is left.
  bool try_without(std::vector<std::string>& events, std::size_t from, std::size_t count) {
    auto const begin = events.begin() + static_cast<std::ptrdiff_t>(from);
    std::vector<std::string> left(events.begin(), begin);
    left.insert(left.end(), begin + static_cast<std::ptrdiff_t>(count), events.end());
    Case smaller = smallest_;
    smaller.only = left;
    if (left.empty()) smaller.kinds = FaultKinds{};
    if (!accept(smaller)) return false;
    events = std::move(left);
    return true;
  }

  Case smallest_;
  std::function<bool(Case const&)> const& fails_;
  unsigned trials_;
};

}  // namespace

Case shrink(Case the_case, std::function<bool(Case const&)> const& fails, unsigned trials) {
  Shrinking shrinking{std::move(the_case), fails, trials};
  shrinking.drop_events();
  shrinking.drop_nodes();
  shrinking.drop_time();
  shrinking.drop_events();
  return shrinking.take();
}

bool violates(Case const& the_case, Invariant invariant) {
  Report const report = run(the_case);
  return std::any_of(report.violations.begin(), report.violations.end(),
                     [invariant](auto const& found) { return found.invariant == invariant; });
}

}  // namespace chisme::simulation
