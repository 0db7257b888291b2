#include "tests/simulation/balance/chooser.hpp"

#include <algorithm>
#include <chrono>
#include <map>

#include "cluster/base/check.hpp"

namespace chisme::simulation::balance {
namespace {

using cluster::Candidate;

double load_of(Candidate const& candidate) {
  return (candidate.in_flight + 1) / candidate.capacity;
}

class AtRandom final : public Chooser {
 public:
  explicit AtRandom(Random random) : random_{random} {}
  std::size_t choose(std::size_t, std::span<NodeId const> holders, double) override {
    return index_of(holders[random_.below(holders.size())]);
  }

 private:
  Random random_;
};

class RoundRobin final : public Chooser {
 public:
  std::size_t choose(std::size_t asked, std::span<NodeId const> holders, double) override {
    return index_of(holders[next_[{asked, holders.data()}]++ % holders.size()]);
  }

 private:
  // A file is known by where its list of holders is; nothing is ordered by it.
  std::map<std::pair<std::size_t, NodeId const*>, std::size_t> next_;
};

// Believes the samples as they are: neither own redirects nor their age count.
class Believing final : public Chooser {
 public:
  Believing(Knowledge& knowledge, std::size_t choices, Random random)
      : knowledge_{knowledge}, choices_{choices}, random_{random} {}

  std::size_t choose(std::size_t asked, std::span<NodeId const> holders, double now) override {
    auto const& members = knowledge_.view(asked, holders, now).members;
    std::vector<NodeId> among{holders.begin(), holders.end()};
    while (among.size() > choices_) {
      among.erase(among.begin() + static_cast<std::ptrdiff_t>(random_.below(among.size())));
    }
    return index_of(*std::ranges::min_element(among, {}, [&](NodeId node) {
      cluster::MemberView const& member = members[index_of(node)];
      cluster::LoadRecord const load = member.load.value_or(cluster::LoadRecord{});
      return (load.in_flight + 1) / (static_cast<double>(load.capacity) * member.alive.weight);
    }));
  }

 private:
  Knowledge& knowledge_;
  std::size_t choices_;
  Random random_;
};

class Ideal final : public Chooser {
 public:
  explicit Ideal(std::vector<Server> const& servers) : servers_{servers} {}
  std::size_t choose(std::size_t, std::span<NodeId const> holders, double) override {
    return index_of(*std::ranges::min_element(holders, {}, [&](NodeId node) {
      Server const& server = servers_[index_of(node)];
      return (static_cast<double>(server.streams()) + 1) / server.capacity();
    }));
  }
  bool is_instant() const override { return true; }

 private:
  std::vector<Server> const& servers_;
};

// What a node does: a holder serves or sends on, another node redirects, both by `cluster/load`.
class Ours : public Chooser {
 public:
  Ours(Knowledge& knowledge, Random random) : knowledge_{knowledge}, random_{random} {}

  std::size_t choose(std::size_t asked, std::span<NodeId const> holders, double now) override {
    bool const here = std::ranges::count(holders, node_id(asked)) > 0;
    if (here) return bounce(asked, holders, now).value_or(asked);
    auto const candidates = knowledge_.candidates(asked, holders, now);
    return send_to(asked, draw(candidates, random_), holders, now);
  }

  std::optional<std::size_t> bounce(std::size_t target, std::span<NodeId const> holders,
                                    double now) override {
    auto const other = cluster::bounce(knowledge_.candidates(target, holders, now));
    if (!other) return std::nullopt;
    return send_to(target, *other, holders, now);
  }
  std::size_t probes() const override { return probes_; }

 protected:
  virtual NodeId draw(std::span<Candidate const> candidates, Random& random) {
    return *cluster::choose(candidates, random);
  }

 private:
  std::size_t send_to(std::size_t from, NodeId to, std::span<NodeId const> holders, double now) {
    knowledge_.redirected(from, index_of(to), now);
    probes_ += knowledge_.probe(from, holders, now);
    return index_of(to);
  }

  Knowledge& knowledge_;
  Random random_;
  std::size_t probes_ = 0;
};

// protocol.md's formula: choose i with probability ~ max(0, L * w_i - x_i), where the sum is V.
class Fluid final : public Ours {
 public:
  using Ours::Ours;

 protected:
  NodeId draw(std::span<Candidate const> candidates, Random& random) override {
    constexpr double exploration = 0.02;
    if (random.chance(exploration)) return candidates[random.below(candidates.size())].node;
    double volume = 1;
    for (Candidate const& c : candidates) {
      volume += c.arrival_rate * std::chrono::duration<double>{c.age}.count();
    }
    double const level = level_of(candidates, volume);
    double left = random.uniform() * volume;
    for (Candidate const& c : candidates) {
      left -= std::max(0.0, level * c.capacity - c.in_flight);
      if (left < 0) return c.node;
    }
    return std::ranges::min_element(candidates, {}, load_of)->node;  // rounding only
  }

 private:
  static double level_of(std::span<Candidate const> candidates, double volume) {
    std::vector<Candidate> lowest_first{candidates.begin(), candidates.end()};
    std::ranges::sort(lowest_first, {},
                      [](Candidate const& c) { return c.in_flight / c.capacity; });
    double in_flight = 0;
    double capacity = 0;
    double level = 0;
    for (Candidate const& c : lowest_first) {
      if (capacity > 0 && c.in_flight / c.capacity >= level) break;
      in_flight += c.in_flight;
      capacity += c.capacity;
      level = (volume + in_flight) / capacity;
    }
    return level;
  }
};

}  // namespace

std::optional<std::size_t> Chooser::bounce(std::size_t, std::span<NodeId const>, double) {
  return std::nullopt;
}

std::unique_ptr<Chooser> chooser(Policy policy, Knowledge& knowledge,
                                 std::vector<Server> const& servers, Random random) {
  switch (policy) {
    case Policy::random:
      return std::make_unique<AtRandom>(random);
    case Policy::round_robin:
      return std::make_unique<RoundRobin>();
    case Policy::least_loaded:
      return std::make_unique<Believing>(knowledge, copies, random);
    case Policy::two_choices:
      return std::make_unique<Believing>(knowledge, 2, random);
    case Policy::fluid:
      return std::make_unique<Fluid>(knowledge, random);
    case Policy::ours:
      return std::make_unique<Ours>(knowledge, random);
    case Policy::ideal:
      return std::make_unique<Ideal>(servers);
  }
  CHECK(false);
  return nullptr;
}

}  // namespace chisme::simulation::balance
