#include "node/load_probe.hpp"

#include <algorithm>
#include <asio/post.hpp>
#include <asio/steady_timer.hpp>
#include <atomic>
#include <cmath>
#include <utility>

#include "node/clock.hpp"
#include "node/storage/disk_pool.hpp"
#include "node/storage/object_store.hpp"

namespace chisme::node {
namespace {

constexpr double delivery_tau_seconds = 2;
constexpr double arrival_tau_seconds = 10;
constexpr Duration disk_period = std::chrono::seconds{2};

double seconds(Duration duration) {
  return std::chrono::duration<double>{duration}.count();
}

// An exponentially weighted rate of a counter that only grows.
class Rate {
 public:
  explicit Rate(double tau_seconds) : tau_seconds_{tau_seconds} {}
  void count(std::uint64_t total, double elapsed_seconds) {
    double const rate = static_cast<double>(total - total_) / elapsed_seconds;
    total_ = total;
    now_ = rate;
    value_ += (rate - value_) * (1 - std::exp(-elapsed_seconds / tau_seconds_));
  }
  [[nodiscard]] double value() const { return value_; }
  // Not smoothed: between the last two counts.
  [[nodiscard]] double now() const { return now_; }

 private:
  double tau_seconds_;
  double value_ = 0;
  double now_ = 0;
  std::uint64_t total_ = 0;
};

// One loop's answer to "how late are you?"
struct Lag {
  explicit Lag(asio::io_context& its_loop) : loop{its_loop} {}
  asio::io_context& loop;
  std::atomic<std::int64_t> asked_ns = 0;  // 0: no question is pending
  std::atomic<std::int64_t> lag_ns = 0;
};

}  // namespace

struct LoadProbe::State : std::enable_shared_from_this<LoadProbe::State> {
  State(asio::io_context& control, Watched its_watched,
        std::function<void(cluster::LoadSampled)> sampled)
      : timer{control}, watched{std::move(its_watched)}, on_sample{std::move(sampled)} {
    for (asio::io_context* const loop : watched.loops) lags.push_back(std::make_shared<Lag>(*loop));
  }

  void wait();
  void sample();
  Duration lateness();
  void ask_disk(Instant now);

  asio::steady_timer timer;
  Watched watched;
  std::function<void(cluster::LoadSampled)> on_sample;
  std::vector<std::shared_ptr<Lag>> lags;
  Instant last{};
  Instant disk_asked{};
  std::atomic<float> disk_used_ratio = 0;
  Rate delivered{delivery_tau_seconds};
  Rate arrived{arrival_tau_seconds};
  Rate faults{arrival_tau_seconds};
};

LoadProbe::LoadProbe(asio::io_context& control, Watched watched,
                     std::function<void(cluster::LoadSampled)> on_sample)
    : state_{std::make_shared<State>(control, std::move(watched), std::move(on_sample))} {}

LoadProbe::~LoadProbe() = default;

void LoadProbe::start() {
  state_->last = steady_now();
  state_->disk_used_ratio = static_cast<float>(state_->watched.objects.used_ratio());
  state_->disk_asked = state_->last;
  state_->wait();
}

void LoadProbe::State::wait() {
  timer.expires_after(period);
  timer.async_wait([weak = weak_from_this()](asio::error_code const& error) {
    auto const self = weak.lock();
    if (!self || error) return;
    self->sample();
    self->wait();
  });
}

void LoadProbe::State::sample() {
  Instant const now = steady_now();
  double const elapsed = std::max(1e-3, seconds(now - last));
  Duration const late = std::max(lateness(), now - last - period);
  last = now;
  delivered.count(watched.counters.bytes_delivered, elapsed);
  arrived.count(watched.counters.requests, elapsed);
  faults.count(watched.counters.own_faults, elapsed);
  ask_disk(now);
  cluster::LoadSampled sampled;
  sampled.wall = wall_now();
  sampled.in_flight = watched.counters.in_flight;
  sampled.bytes_per_second = static_cast<float>(delivered.value());
  sampled.bytes_per_second_now = static_cast<float>(delivered.now());
  sampled.arrival_rate = static_cast<float>(arrived.value());
  sampled.delay_seconds = static_cast<float>(seconds(std::max(late, Duration{})));
  sampled.error_ratio =
      static_cast<float>(arrived.value() > 0 ? std::min(1.0, faults.value() / arrived.value()) : 0);
  sampled.disk_used_ratio = disk_used_ratio;
  sampled.saturated = late > saturated_lag;
  on_sample(sampled);
}

// The latest loop's lag; a loop that has not answered yet is at least as late as its question old.
Duration LoadProbe::State::lateness() {
  std::int64_t const now = steady_now().time_since_epoch().count();
  std::int64_t worst = 0;
  for (auto const& lag : lags) {
    std::int64_t const asked = lag->asked_ns;
    worst = std::max({worst, lag->lag_ns.load(), asked == 0 ? 0 : now - asked});
    if (asked != 0) continue;
    lag->asked_ns = now;
    asio::post(lag->loop, [lag] {
      lag->lag_ns = steady_now().time_since_epoch().count() - lag->asked_ns;
      lag->asked_ns = 0;
    });
  }
  return Duration{worst};
}

// The file system's answer may take long, so a disk thread waits for it.
void LoadProbe::State::ask_disk(Instant now) {
  if (now - disk_asked < disk_period) return;
  disk_asked = now;
  static_cast<void>(watched.disk.post([state = shared_from_this()] {
    state->disk_used_ratio = static_cast<float>(state->watched.objects.used_ratio());
  }));
}

}  // namespace chisme::node
