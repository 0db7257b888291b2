// The protocol of chisme in a host of your own: four cores in one thread, joined by a queue in
// memory.
//
// `cluster/` is pure: a Core is told what happens and what time it is, and answers with what it
// wants done. Who embeds it brings a clock, a network and a disk, of whatever kind. Here all three
// are a list of things to do at a time, so that half a minute of a cluster's life takes
// milliseconds. `node/core_driver.cpp` is the same with sockets and files, `tests/simulation` with
// everything that can go wrong.
//
// Build and run: cmake --preset release -DBUILD_TESTING=ON &&
// cmake --build build/release --target embed_core && build/release/examples/embed_core
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "cluster/base/overloaded.hpp"
#include "cluster/core.hpp"

namespace {

using namespace chisme;
using namespace chisme::cluster;
using namespace std::chrono_literals;

// What is to happen, in order of time. The only clock there is.
class Agenda {
 public:
  [[nodiscard]] Instant now() const { return now_; }
  void after(Duration delay, std::function<void()> action) {
    actions_.emplace(now_ + delay, std::move(action));
  }
  // Lets time pass until `done`; false when a minute was not enough.
  bool run_until(std::function<bool()> const& done) {
    for (Instant const end = now_ + 1min; !done();) {
      if (actions_.empty() || now_ > end) return false;
      auto first = actions_.extract(actions_.begin());
      now_ = first.key();
      first.mapped()();
    }
    return true;
  }

 private:
  Instant now_{};
  std::multimap<Instant, std::function<void()>> actions_;
};

class Host;

// Who answers at which address.
struct Network {
  Agenda agenda;
  std::map<Endpoint, Host*> hosts;
};

// Host is one node: a core, and what carries out its wishes. Its disk is a set of digests.
class Host {
 public:
  Host(Network& network, std::string const& address, std::vector<Endpoint> seeds)
      : network_(network), self_(self_at(address)) {
    CoreConfig config;
    config.profile = loopback_profile();
    config.repair_delay = config.last_copy_repair_delay = 2s;
    config.seeds = std::move(seeds);
    core_ = std::make_unique<Core>(std::move(config), self_, StoredState{}, Random{self_.id.low},
                                   now());
    network_.hosts[self_.peer] = this;
    watch_deadline();
    sample_load();
  }

  [[nodiscard]] NodeId id() const { return self_.id; }
  [[nodiscard]] Endpoint peer() const { return self_.peer; }
  [[nodiscard]] ClusterView view() const { return core_->view(now()); }
  [[nodiscard]] std::size_t living() const {
    std::size_t count = 0;
    for (MemberView const& member : view().members) count += member.state == MemberState::alive;
    return count;
  }

  // Something happened. What the core wants done about it is done in order.
  void give(Input input) {
    if (!core_) return;
    Effects wanted;
    core_->handle(std::move(input), now(), wanted);
    carry_out(wanted);
    watch_deadline();
  }

  // Stores `digest` as `name`, of which copies are on these hosts already.
  void write(std::string const& name, Digest const& digest, std::vector<NodeId> const& stored_on) {
    give(WriteRequested{
        .write = WriteId{1},
        .name = name,
        .what = StoreFile{.digest = digest, .size = ByteCount{1000}, .type = "video/mp4"},
        .stored_on = stored_on,
        .condition = {}});
  }
  void keep(Digest const& digest) {
    disk_.insert(digest);
    give(ObjectStored{digest, ByteCount{1000}});
  }
  [[nodiscard]] bool has(Digest const& digest) const { return disk_.contains(digest); }
  [[nodiscard]] bool has_written() const { return written_; }

  // The plug is pulled.
  void end() {
    core_.reset();
    network_.hosts.erase(self_.peer);
  }

 private:
  static Self self_at(std::string const& address) {
    Self self;
    self.peer = parse_endpoint(address).value();
    self.http = self.peer;
    self.id = NodeId{1, self.peer.address.back()};  // a real one is random, and kept on the disk
    self.epoch = Epoch{1};                          // raised at each start of the same node
    self.run_nonce = self.id.low;                   // random, too
    return self;
  }
  [[nodiscard]] Instant now() const { return network_.agenda.now(); }

  // Everything takes a millisecond here. An answer comes later, never from within.
  void answer(Input input) {
    network_.agenda.after(
        1ms, [this, held = std::make_shared<Input>(std::move(input))] { give(std::move(*held)); });
  }

  void carry_out(Effects& wanted) {
    for (Effect& effect : wanted) {
      std::visit(
          Overloaded{[this](Send& what) { send(what); },
                     [this](StartTransfer const& what) { fetch(what); },
                     [](CancelTransfer const&) {},
                     [this](RemoveObject const& what) {
                       disk_.erase(what.digest);
                       answer(ObjectRemoved{what.digest});
                     },
                     [this](VerifyObject const& what) {
                       answer(ObjectVerified{what.digest, has(what.digest)});
                     },
                     [this](SaveCatalogue const& what) {
                       answer(CatalogueSaved{what.save});  // a disk would be synced first
                     },
                     [this](SaveAccess const& what) { answer(AccessSaved{what.save}); },
                     [this](WriteFinished const& what) { written_ = what.outcome.has_value(); },
                     [](LookupFinished const&) {}, [](Announce const&) {}, [](SavePeers const&) {},
                     [](RevokeFinished const&) {}, [](Stop const&) {}},
          effect);
    }
  }

  // Over a real network the envelope goes as bytes (cluster/wire/codec.hpp). A datagram to nobody
  // is lost; a stream says so.
  void send(Send& what) {
    auto const envelope = std::make_shared<Envelope>(
        Envelope{self_.id, self_.epoch, self_.peer, std::move(what.message)});
    network_.agenda.after(1ms, [this, to = what.to, channel = what.channel, envelope] {
      auto const host = network_.hosts.find(to);
      if (host != network_.hosts.end()) return host->second->give(Received{channel, *envelope});
      if (channel == Channel::stream) give(PeerUnreachable{to});
    });
  }

  void fetch(StartTransfer const& what) {
    network_.agenda.after(1ms, [this, what] {
      for (Source const& source : what.sources) {
        auto const host = network_.hosts.find(source.peer);
        if (host == network_.hosts.end() || !host->second->has(what.digest)) continue;
        keep(what.digest);
        return give(TransferFinished{what.transfer, true});
      }
      give(TransferFinished{what.transfer, false});
    });
  }

  // One timer is enough: when it fires early, nothing happens.
  void watch_deadline() {
    auto const deadline = core_ ? core_->deadline() : std::nullopt;
    if (!deadline || (rings_at_ && *rings_at_ <= *deadline)) return;
    rings_at_ = *deadline;
    network_.agenda.after(std::max(*deadline - now(), Duration{}), [this, at = *deadline] {
      if (rings_at_ != at) return;
      rings_at_.reset();
      if (!core_) return;
      Effects wanted;
      core_->tick(now(), wanted);
      carry_out(wanted);
      watch_deadline();
    });
  }

  // The wall clock orders writes of different nodes, so it is told with the load, twice a second.
  void sample_load() {
    if (!core_) return;
    LoadSampled sampled;
    sampled.wall =
        WallTime{std::chrono::floor<std::chrono::milliseconds>(now().time_since_epoch()) +
                 std::chrono::years{50}};
    give(sampled);
    network_.agenda.after(500ms, [this] { sample_load(); });
  }

  Network& network_;
  Self self_;
  std::unique_ptr<Core> core_;
  std::set<Digest> disk_;
  std::optional<Instant> rings_at_;
  bool written_ = false;
};

void expect(bool happened, char const* what, Network const& network) {
  auto const passed = std::chrono::duration<double>(network.agenda.now().time_since_epoch());
  std::printf("%6.2f s  %s%s\n", passed.count(), happened ? "" : "NOT: ", what);
  if (!happened) std::exit(EXIT_FAILURE);
}

}  // namespace

int main() {
  Network network;
  std::vector<std::unique_ptr<Host>> hosts;
  for (char const* const address :
       {"10.0.0.1:8701", "10.0.0.2:8701", "10.0.0.3:8701", "10.0.0.4:8701"}) {
    std::vector<Endpoint> seeds;
    if (!hosts.empty()) seeds.push_back(hosts.front()->peer());
    hosts.push_back(std::make_unique<Host>(network, address, seeds));
  }
  auto const all_see = [&](std::size_t count) {
    for (auto const& host : hosts) {
      if (network.hosts.contains(host->peer()) && host->living() != count) return false;
    }
    return true;
  };
  auto const copies = [&](Digest const& digest) {
    std::size_t count = 0;
    for (auto const& [endpoint, host] : network.hosts) count += host->has(digest);
    return count;
  };

  expect(network.agenda.run_until([&] { return all_see(4); }), "all four see all four", network);

  Digest const film{{1, 2, 3}};  // the SHA-256 of its bytes, where there are any
  hosts[0]->keep(film);
  hosts[1]->keep(film);
  hosts[0]->write("film.mp4", film, {hosts[0]->id(), hosts[1]->id()});
  expect(network.agenda.run_until([&] { return hosts[0]->has_written(); }),
         "film.mp4 is durable on two of them", network);
  expect(network.agenda.run_until([&] { return copies(film) == 3; }), "a third copy was made",
         network);
  expect(network.agenda.run_until([&] {
    return hosts[2]->view().catalogue.find("film.mp4") &&
           hosts[3]->view().catalogue.find("film.mp4");
  }),
         "all of them know its name", network);

  hosts[1]->end();
  expect(network.agenda.run_until([&] { return all_see(3); }), "one died, the others know",
         network);
  expect(network.agenda.run_until([&] { return copies(film) == 3; }),
         "there are three copies again", network);
  return EXIT_SUCCESS;
}
