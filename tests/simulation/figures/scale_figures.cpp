#include <malloc.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <array>
#include <chrono>
#include <cstdio>
#include <ctime>
#include <memory>
#include <string>
#include <vector>

#include "cluster/membership/traffic.hpp"
#include "cluster/placement/rendezvous.hpp"
#include "tests/simulation/host.hpp"
#include "tests/simulation/surroundings.hpp"

// Prints, in Markdown, what one node of a cluster sends, computes and remembers, for clusters of
// several sizes: the same nodes as in every simulation, but nobody checks them, so that what is
// measured is theirs (and the network's, which is simulated with them).

namespace {

using namespace chisme;
using namespace chisme::simulation;
using namespace std::chrono_literals;

enum class Use : std::uint8_t { membership, loads, catalogue, files };
constexpr std::size_t uses = 4;

// Of what is about files: the catalogue's exchange, and the rest.
Use use_of_files(cluster::Message const& message) {
  using namespace cluster;
  bool const levels = std::holds_alternative<CatalogueDigest>(message) ||
                      std::holds_alternative<CatalogueDelta>(message) ||
                      std::holds_alternative<CatalogueAnswer>(message) ||
                      std::holds_alternative<HorizonNotice>(message) ||
                      std::holds_alternative<RangeSync>(message);
  return levels ? Use::catalogue : Use::files;
}

// Counts the bytes that are sent by what they are for, as the figures of membership do.
class Meter : public Observer {
 public:
  void sends(Host const&, cluster::Send const& send, std::string const& frame) override {
    ++messages;
    cluster::Traffic const share = cluster::shares_of(send.message, frame.size());
    bytes_for(Use::membership) += share.membership;
    bytes_for(Use::loads) += share.loads;
    bytes_for(Use::catalogue) += share.catalogue + share.fingerprints;
    bytes_for(use_of_files(send.message)) += share.files;
  }
  std::uint64_t& bytes_for(Use use) { return bytes[static_cast<std::size_t>(use)]; }

  std::array<std::uint64_t, uses> bytes{};
  std::uint64_t messages = 0;
};

double cpu_seconds() {
  return static_cast<double>(std::clock()) / CLOCKS_PER_SEC;
}

std::size_t allocated_bytes() {
  return mallinfo2().uordblks;
}

class Cluster {
 public:
  Cluster(unsigned nodes, NetworkKind network) : around_(Scenario{.nodes = nodes}) {
    around_.scenario.network = network;
    around_.observer = &meter_;
    around_.network = std::make_unique<Network>(around_.agenda, random_.split(1));
    around_.write_finished = [this](auto const& finished) { acknowledged_ += !!finished.outcome; };
    around_.lookup_finished = [](auto const&) {};
    for (unsigned i = 0; i < nodes; ++i) {
      around_.hosts.push_back(std::make_unique<Host>(around_, i, random_.split(i + 2)));
      around_.network->add(*around_.hosts.back());
    }
  }

  // How long it takes until every node has every other for a live member.
  double start() {
    for (auto const& host : around_.hosts) {
      around_.agenda.after(std::chrono::milliseconds{random_.below(500)},
                           [host = host.get()] { host->start(); });
    }
    Instant const begins = around_.agenda.now();
    do run_for(500ms);
    while (!all_see_all() && around_.agenda.now() < begins + 5min);
    return std::chrono::duration<double>{around_.agenda.now() - begins}.count();
  }
  void run_for(Duration span) { around_.agenda.run_until(around_.agenda.now() + span); }

  // One upload by a client at a random node.
  void write() {
    Host& host = *around_.hosts[random_.below(around_.hosts.size())];
    std::string const name = "file-" + std::to_string(++writes_);
    Digest digest;
    for (std::uint8_t& byte : digest.bytes) byte = static_cast<std::uint8_t>(random_.below(256));
    ByteCount const size{100'000};
    std::vector<NodeId> const self{host.id()};
    auto on = cluster::place(cluster::placement_key(name), host.view().members, 1, self);
    on.push_back(host.id());
    for (auto const& other : around_.hosts) {
      if (std::ranges::count(on, other->id()) > 0) other->store({digest, size});
    }
    auto request = std::make_shared<cluster::WriteRequested>(cluster::WriteRequested{
        cluster::WriteId{writes_}, name, cluster::StoreFile{digest, size, "text/plain"}, on, {}});
    around_.agenda.after(500ms, [&host, request] { host.give(*request); });
  }

  [[nodiscard]] Meter& meter() { return meter_; }
  [[nodiscard]] std::uint64_t acknowledged() const { return acknowledged_; }

 private:
  bool all_see_all() const {
    return std::ranges::all_of(around_.hosts, [&](auto const& host) {
      auto const members = host->view().members;
      return members.size() == around_.hosts.size() &&
             std::ranges::all_of(members, [](auto const& member) {
               return member.state == cluster::MemberState::alive;
             });
    });
  }

  Random random_{7};
  Meter meter_;
  Surroundings around_;
  std::uint64_t writes_ = 0;
  std::uint64_t acknowledged_ = 0;
};

struct Spent {
  std::array<std::uint64_t, uses> bytes{};
  std::uint64_t messages = 0;
  double cpu = 0;
};

Spent spent(Cluster& cluster) {
  return {cluster.meter().bytes, cluster.meter().messages, cpu_seconds()};
}

void print_row(unsigned nodes, char const* what, Spent const& before, Spent const& after,
               double seconds, double memory) {
  double const node_seconds = seconds * nodes;
  std::printf("| %u | %s |", nodes, what);
  for (std::size_t i = 0; i < uses; ++i) {
    std::printf(" %.0f |", static_cast<double>(after.bytes[i] - before.bytes[i]) / node_seconds);
  }
  std::printf(" %.1f | %.0f | %.2f |\n",
              static_cast<double>(after.messages - before.messages) / node_seconds,
              (after.cpu - before.cpu) / node_seconds * 1e6, memory / nodes / 1e6);
  std::fflush(stdout);
}

void measure(unsigned nodes, NetworkKind network, double seconds, double writes_per_second) {
  std::size_t const memory_before = allocated_bytes();
  Cluster cluster{nodes, network};
  auto const memory = [&] { return static_cast<double>(allocated_bytes() - memory_before); };
  Duration const span{static_cast<Duration::rep>(seconds * 1e9)};
  Spent before = spent(cluster);
  double const starting = cluster.start();
  print_row(nodes, ("starts, " + std::to_string(starting) + " s").c_str(), before, spent(cluster),
            starting, memory());
  cluster.run_for(30s);
  before = spent(cluster);
  cluster.run_for(span);
  print_row(nodes, "idle", before, spent(cluster), seconds, memory());
  before = spent(cluster);
  auto const writes = static_cast<unsigned>(seconds * writes_per_second);
  for (unsigned i = 0; i < writes; ++i) {
    cluster.write();
    cluster.run_for(span / writes);
  }
  print_row(nodes, "written to", before, spent(cluster), seconds, memory());
  if (static_cast<double>(cluster.acknowledged()) + 2 * writes_per_second < writes) {
    std::printf("only %llu of %u writes were acknowledged\n",
                static_cast<unsigned long long>(cluster.acknowledged()), writes);
  }
}

}  // namespace

int main(int argc, char** argv) {
  std::vector<unsigned> sizes{10, 100, 1000};
  double seconds = 30;
  double writes_per_second = 5;
  std::string network = "lan";
  CLI::App app{"What one node of a cluster sends, computes and remembers"};
  app.add_option("--nodes", sizes, "Sizes of the clusters");
  app.add_option("--seconds", seconds, "Simulated seconds of each measure");
  app.add_option("--writes", writes_per_second, "Uploads a second, in the whole cluster");
  app.add_option("--network", network)->check(CLI::IsMember({"loopback", "lan", "wan"}));
  CLI11_PARSE(app, argc, argv);
  NetworkKind const kind = network == "lan"   ? NetworkKind::lan
                           : network == "wan" ? NetworkKind::wan
                                              : NetworkKind::loopback;
  std::puts(
      "| nodes | phase | membership B/s | loads B/s | catalogue B/s | files B/s | messages/s | CPU "
      "µs/s | memory MB |");
  std::puts("|--:|---|--:|--:|--:|--:|--:|--:|--:|");
  for (unsigned const nodes : sizes) measure(nodes, kind, seconds, writes_per_second);
  return 0;
}
