#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cmath>
#include <functional>

#include "cluster/load/balancer.hpp"

// A queueing model of a cluster whose redirectors know loads that are up to a second old: 20 nodes,
// every fifth of them four times slower, files on 3 nodes each, popularity by Zipf, heavy-tailed
// streams that share what their node has.
namespace chisme::cluster {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t node_count = 20;
constexpr std::size_t file_count = 200;
constexpr double utilisation = 0.6;
constexpr Duration model_step = 10ms;
constexpr Duration sample_period = 1s;
constexpr double mean_work_seconds = 1;
// A stream runs at its own rate until a node serves more of them than it has capacity for.
constexpr double streams_at_full_rate = 32;
constexpr double slow_capacity = 0.25;

using Choice = std::function<NodeId(std::span<Candidate const>, Random&)>;
// Whether a redirector counts the clients that it has sent since the sample.
enum class Counts { own_redirects, samples_only };

struct Outcome {
  double peak_over_mean = 0;  // the busiest node's load over the mean load, on average
  double slowdown = 0;        // mean time of a stream over that of an empty cluster (Little's law)
};

class Model {
 public:
  Model(Choice choice, Counts counts, std::uint64_t seed)
      : choice_(std::move(choice)), counts_(counts), random_(seed) {
    for (std::size_t i = 0; i < node_count; ++i) {
      capacity_[i] = i % 5 == 4 ? slow_capacity : 1;
      total_capacity_ += capacity_[i];
    }
    for (auto& holders : holders_) {
      while (holders.size() < 3) {
        auto const node = static_cast<std::size_t>(random_.below(node_count));
        if (std::find(holders.begin(), holders.end(), node) == holders.end()) {
          holders.push_back(node);
        }
      }
    }
    for (std::size_t i = 0; i < file_count; ++i) {
      popularity_total_ += std::pow(static_cast<double>(i + 1), -0.6);
      popularity_[i] = popularity_total_;
    }
  }

  Outcome run(Duration span) {
    Outcome outcome;
    double samples = 0;
    for (now_ = Instant{}; now_ < Instant{} + span; now_ += model_step) {
      if ((now_ - Instant{}) % sample_period == Duration{}) sample();
      arrive();
      serve();
      if (now_ < Instant{} + 10s) continue;  // until it is warm
      observe(outcome);
      ++samples;
    }
    outcome.peak_over_mean /= samples;
    outcome.slowdown /= samples * offered_streams();
    return outcome;
  }

 private:
  double offered_streams() const { return utilisation * streams_at_full_rate * total_capacity_; }

  struct Sample {
    double in_flight = 0;
    double arrival_rate = 0;
  };

  void sample() {
    for (std::size_t i = 0; i < node_count; ++i) {
      sampled_[i].in_flight = static_cast<double>(work_[i].size());
      double const rate = static_cast<double>(arrived_[i]);
      sampled_[i].arrival_rate += (rate - sampled_[i].arrival_rate) * 0.1;
      arrived_[i] = 0;
    }
    sampled_at_ = now_;
  }

  void arrive() {
    double const rate = offered_streams() / mean_work_seconds;
    arrival_credit_ += rate * std::chrono::duration<double>{model_step}.count();
    // A Poisson stream: the exponential gaps are paid from the credit.
    while (arrival_credit_ > next_gap_) {
      arrival_credit_ -= next_gap_;
      next_gap_ = -std::log(1 - random_.uniform());
      redirect();
    }
  }

  void redirect() {
    double const draw = random_.uniform() * popularity_total_;
    auto const file = static_cast<std::size_t>(
        std::lower_bound(popularity_.begin(), popularity_.end(), draw) - popularity_.begin());
    RedirectTally& tally = tallies_[random_.below(node_count)];
    std::vector<Candidate> candidates;
    for (std::size_t const i : holders_[file]) {
      NodeId const id{0, i};
      candidates.push_back(
          {.node = id,
           .capacity = capacity_[i],
           .in_flight = sampled_[i].in_flight +
                        (counts_ == Counts::own_redirects ? tally.since(id, sampled_at_) : 0),
           .arrival_rate = sampled_[i].arrival_rate,
           .age = now_ - sampled_at_});
    }
    NodeId const chosen = choice_(candidates, random_);
    tally.note(chosen, now_ + 1ns);
    auto const target = static_cast<std::size_t>(chosen.low);
    work_[target].push_back(stream_seconds());
    ++arrived_[target];
  }

  // Bounded Pareto (shape 1.5) with the mean `mean_work_seconds`.
  double stream_seconds() {
    double const pareto = std::pow(1 - random_.uniform(), -1 / 1.5);
    return std::min(pareto, 100.0) * mean_work_seconds / 2.8;
  }

  void serve() {
    for (std::size_t i = 0; i < node_count; ++i) {
      if (work_[i].empty()) continue;
      auto const streams = static_cast<double>(work_[i].size());
      double const share = std::chrono::duration<double>{model_step}.count() *
                           std::min(1.0, capacity_[i] * streams_at_full_rate / streams);
      for (double& left : work_[i]) left -= share;
      std::erase_if(work_[i], [](double left) { return left <= 0; });
    }
  }

  void observe(Outcome& outcome) const {
    double peak = 0;
    double total = 0;
    for (std::size_t i = 0; i < node_count; ++i) {
      auto const streams = static_cast<double>(work_[i].size());
      peak = std::max(peak, streams / capacity_[i]);
      total += streams;
    }
    outcome.peak_over_mean += peak / std::max(1.0, total / total_capacity_);
    outcome.slowdown += total;
  }

  Choice choice_;
  Counts counts_;
  Random random_;
  Instant now_{};
  Instant sampled_at_{};
  std::array<double, node_count> capacity_{};
  double total_capacity_ = 0;
  std::array<std::vector<double>, node_count> work_;
  std::array<Sample, node_count> sampled_{};
  std::array<unsigned, node_count> arrived_{};
  std::array<RedirectTally, node_count> tallies_;
  std::array<std::vector<std::size_t>, file_count> holders_;
  std::array<double, file_count> popularity_{};
  double popularity_total_ = 0;
  double arrival_credit_ = 0;
  double next_gap_ = 1;
};

NodeId by_water_filling(std::span<Candidate const> from, Random& random) {
  return *choose(from, random);
}
NodeId least_loaded(std::span<Candidate const> from, Random&) {
  return std::min_element(from.begin(), from.end(),
                          [](auto const& a, auto const& b) {
                            return a.in_flight / a.capacity < b.in_flight / b.capacity;
                          })
      ->node;
}
NodeId at_random(std::span<Candidate const> from, Random& random) {
  return from[random.below(from.size())].node;
}

TEST(Herding, OldInformationMisleadsUsLessThanThoseWhoBelieveIt) {
  for (std::uint64_t const seed : {1u, 2u}) {
    Outcome const ours = Model{by_water_filling, Counts::own_redirects, seed}.run(50s);
    Outcome const believing = Model{least_loaded, Counts::samples_only, seed}.run(50s);
    Outcome const blind = Model{at_random, Counts::samples_only, seed}.run(50s);
    SCOPED_TRACE(::testing::Message()
                 << "seed " << seed << ": peak over mean " << ours.peak_over_mean << " against "
                 << believing.peak_over_mean << " and " << blind.peak_over_mean << ", slowdown "
                 << ours.slowdown << " against " << believing.slowdown << " and "
                 << blind.slowdown);
    EXPECT_LT(ours.peak_over_mean, 0.85 * believing.peak_over_mean);
    EXPECT_LT(ours.slowdown, believing.slowdown);
    EXPECT_LT(ours.slowdown, 1.1);
    EXPECT_LT(ours.slowdown, 0.5 * blind.slowdown);
  }
}

TEST(Herding, TheSameSeedGivesTheSameRun) {
  Outcome const once = Model{by_water_filling, Counts::own_redirects, 5}.run(20s);
  Outcome const again = Model{by_water_filling, Counts::own_redirects, 5}.run(20s);
  EXPECT_EQ(once.peak_over_mean, again.peak_over_mean);
  EXPECT_EQ(once.slowdown, again.slowdown);
}

}  // namespace
}  // namespace chisme::cluster
