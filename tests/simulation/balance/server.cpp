#include "tests/simulation/balance/server.hpp"

#include <algorithm>
#include <limits>

#include "cluster/base/check.hpp"

namespace chisme::simulation::balance {
namespace {

constexpr auto ends_later = [](auto const& a, auto const& b) {
  return a.ends_at_progress > b.ends_at_progress;
};

}  // namespace

double Server::rate() const {
  return streams_.empty() ? 1 : std::min(1.0, 1 / load());
}

void Server::advance(double now) {
  delivered_ = delivered(now);
  progress_ += (now - at_) * rate();
  at_ = now;
}

double Server::delivered(double now) const {
  return delivered_ + (now - at_) * rate() * static_cast<double>(streams_.size());
}

void Server::set_capacity(double capacity, double now) {
  advance(now);
  capacity_ = capacity;
}

void Server::begin(double work, double now) {
  advance(now);
  streams_.push_back({progress_ + work, now, work});
  std::ranges::push_heap(streams_, ends_later);
}

double Server::next_end() const {
  if (streams_.empty()) return std::numeric_limits<double>::infinity();
  return at_ + std::max(0.0, streams_.front().ends_at_progress - progress_) / rate();
}

Server::Ended Server::end_next(double now) {
  CHECK(!streams_.empty());
  advance(now);
  std::ranges::pop_heap(streams_, ends_later);
  Stream const ended = streams_.back();
  streams_.pop_back();
  return {ended.began, ended.work};
}

}  // namespace chisme::simulation::balance
