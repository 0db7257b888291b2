#include <gtest/gtest.h>

#include <map>

#include "cluster/base/random.hpp"
#include "tests/cluster/replication/little_cluster.hpp"

// Writes and removals while nodes die, come back and lose sight of each other; then everything is
// healed, and what was promised must hold.
namespace chisme::cluster {
namespace {

using namespace std::chrono_literals;
using namespace testing;

constexpr std::uint64_t nodes = 5;

class Chaos {
 public:
  explicit Chaos(std::uint64_t seed) : random_(seed) {}

  void run() {
    for (int step = 0; step < 150; ++step) {
      act();
      cluster_.run(std::chrono::milliseconds{random_.below(400)});
    }
    cluster_.heal();
    for (std::uint64_t number = 1; number <= nodes; ++number) {
      cluster_.stall_disk(number, false);
      if (down_.erase(number) > 0) cluster_.start(number);
    }
    cluster_.run(3 * LittleCluster::repair_delay);
  }

  void check() const {
    EXPECT_TRUE(cluster_.agree());
    int acknowledged = 0;
    for (auto const& [name, writes] : writes_) acknowledged += check(name, writes);
    EXPECT_GT(acknowledged, 10) << "too little happened to say anything";
    for (std::uint64_t number = 1; number <= nodes; ++number) {
      EXPECT_EQ(cluster_.pending(number), 0u);
    }
  }

 private:
  struct Write {
    WriteId id;
    std::optional<std::uint8_t> content;  // nullopt: a removal
  };

  std::uint64_t some_node() { return 1 + random_.below(nodes); }

  void act() {
    std::uint64_t const one = some_node();
    std::uint64_t const other = some_node();
    switch (random_.below(10)) {
      case 0:
        // Two are the most that W = 2 of three copies can do without.
        if (down_.size() < 2 && down_.insert(one).second) cluster_.kill(one);
        break;
      case 1:
        if (down_.erase(one) > 0) cluster_.start(one);
        break;
      case 2:
        if (one != other) cluster_.cut(one, other);
        break;
      case 3:
        cluster_.heal();
        break;
      case 4:
        cluster_.stall_disk(one, random_.chance(0.3));
        break;
      case 5:
        write(one, std::nullopt);
        break;
      default:
        write(one, static_cast<std::uint8_t>(1 + random_.below(200)));
    }
  }

  void write(std::uint64_t at, std::optional<std::uint8_t> content) {
    if (down_.contains(at)) return;
    std::string const name(random_.chance(0.9) ? 1 : 1000,
                           static_cast<char>('a' + random_.below(8)));
    if (!content) {
      writes_[name].push_back({cluster_.remove(at, name), content});
      return;
    }
    std::vector<std::uint64_t> on{at};
    for (std::uint64_t number = 1; number <= nodes; ++number) {
      if (number != at && !down_.contains(number) && random_.chance(0.4)) on.push_back(number);
    }
    writes_[name].push_back({cluster_.put(at, name, *content, on), content});
  }

  // Returns how many writes of `name` were acknowledged.
  int check(std::string const& name, std::vector<Write> const& writes) const {
    int acknowledged = 0;
    std::optional<Write> newest;
    Version version;
    bool doubt = false;
    for (Write const& write : writes) {
      auto const outcome = cluster_.outcome(write.id);
      // Unanswered: its node died. It may have become visible or not.
      doubt = doubt || !outcome || (!*outcome && outcome->error().fault == Fault::unknown_outcome);
      if (!outcome || !*outcome) continue;
      ++acknowledged;
      if (version < (*outcome)->version) newest = write;
      version = std::max(version, (*outcome)->version);
    }
    if (!newest || doubt) return acknowledged;
    for (std::uint64_t number = 1; number <= nodes; ++number) {
      EXPECT_EQ(cluster_.sees(number, name), newest->content.has_value()) << name.front();
    }
    if (newest->content) {
      EXPECT_GE(cluster_.holders(*newest->content).size(), 3u) << name.front();
    }
    return acknowledged;
  }

  Random random_;
  LittleCluster cluster_{{.nodes = nodes}};
  std::set<std::uint64_t> down_;
  std::map<std::string, std::vector<Write>> writes_;
};

class ReplicationUnderFaults : public ::testing::TestWithParam<std::uint64_t> {};

TEST_P(ReplicationUnderFaults, KeepsItsPromises) {
  Chaos chaos{GetParam()};
  chaos.run();
  chaos.check();
}

INSTANTIATE_TEST_SUITE_P(Seeds, ReplicationUnderFaults, ::testing::Range<std::uint64_t>(1, 41));

}  // namespace
}  // namespace chisme::cluster
