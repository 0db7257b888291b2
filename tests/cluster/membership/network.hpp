#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "cluster/base/random.hpp"
#include "cluster/membership/swim.hpp"
#include "cluster/membership/traffic.hpp"

namespace chisme::cluster::testing {

// Network runs several Swim nodes under virtual time. Every message is encoded and decoded on its
// way; datagrams may be lost, streams arrive or are reported as unreachable. The same seed gives
// the same run.
class Network {
 public:
  explicit Network(std::uint64_t seed, Profile const& profile = loopback_profile());

  // Adds a node whose seeds are the first node's address; returns its index. Nodes are numbered
  // from 0, and their ids are index + 1.
  std::size_t add();
  std::size_t add(std::vector<Endpoint> const& seeds, ProtocolVersions versions = spoken_versions);
  // `count` nodes that know each other.
  void grow(std::size_t count);

  void run(Duration duration);
  // Runs until `condition` holds; how long that took, or nothing if it did not within `limit`.
  std::optional<Duration> run_until(std::function<bool()> const& condition, Duration limit);

  void crash(std::size_t node);
  // The same identity and data directory with the next epoch.
  void restart(std::size_t node);
  // From its next start on it speaks these.
  void set_versions(std::size_t node, ProtocolVersions versions) {
    nodes_[node].versions = versions;
  }
  // A new identity at the same address: its disk was lost.
  void replace(std::size_t node);
  // A copy of `node`'s data directory, started at another address with the same epoch.
  std::size_t clone(std::size_t node);
  void pause(std::size_t node) { nodes_[node].paused = true; }
  void resume(std::size_t node);

  // Nothing passes from `from` to `to`; `datagrams_only` lets streams pass.
  void cut(std::size_t from, std::size_t to, bool datagrams_only = false);
  void heal() { cut_.clear(); }
  void lose(double share) { loss_ = share; }

  [[nodiscard]] Swim& at(std::size_t node) { return *nodes_[node].swim; }
  [[nodiscard]] std::size_t size() const { return nodes_.size(); }
  [[nodiscard]] Instant now() const { return now_; }
  // How `observer` sees `node`; nothing if it does not know it.
  [[nodiscard]] std::optional<MemberState> seen(std::size_t observer, std::size_t node) const;
  [[nodiscard]] bool is_up(std::size_t node) const {
    return nodes_[node].swim && !nodes_[node].paused;
  }
  // Every running node sees `node` in this state.
  [[nodiscard]] bool all_see(std::size_t node, MemberState state) const;
  [[nodiscard]] bool all_see_all_alive() const;
  [[nodiscard]] static NodeId id_of(std::size_t node) { return NodeId{0, node + 1}; }
  [[nodiscard]] static Endpoint endpoint_of(std::size_t node);
  // Gives `message` to `to` as if `from` had sent it.
  Effects deliver(std::size_t to, Envelope const& envelope, Channel channel);
  // From now on each node measures its load at this period and tells it, and passes on the loads
  // that are news to it, as a core does.
  void tell_loads(Duration period);
  void act(std::size_t node, std::function<void(Swim&, Effects&)> const& action);

  // What happened, for the tests to judge.
  std::vector<std::pair<std::size_t, MemberChanged>> announced;
  std::vector<std::pair<std::size_t, PeerRefused>> refused;
  std::map<std::size_t, Stop> stopped;
  std::map<std::size_t, std::vector<Record>> carried;
  std::size_t longest_datagram = 0;
  std::uint64_t datagrams = 0;
  std::uint64_t datagram_bytes = 0;
  std::function<void(std::size_t from, Message const&)> on_send;
  Traffic traffic;  // of everything sent, by what it is for
  [[nodiscard]] std::size_t deaths() const;
  // What is in the table of `node` that has this name (Swim::add_sizes).
  [[nodiscard]] std::size_t size_of(std::size_t node, std::string_view table) const;

 private:
  struct Node {
    Self self;
    ProtocolVersions versions;
    std::unique_ptr<Swim> swim;  // none while it is down
    std::vector<KnownPeer> saved;
    bool paused = false;
    std::optional<Instant> ticks;           // its place in `ticks_`
    std::map<NodeId, std::uint64_t> loads;  // the newest load heard of each
  };
  struct Delivery {
    std::size_t from;
    std::size_t to;
    Channel channel;
    std::string bytes;  // empty: `endpoint` is unreachable
    Endpoint endpoint;
  };

  void start(std::size_t node, std::vector<Endpoint> const& seeds,
             std::vector<KnownPeer> const& remembered = {});
  void carry_out(std::size_t node, Effects& effects);
  void transmit(std::size_t from, Send& send);
  void arrive(Delivery const& delivery);
  bool step(Instant until);
  void reschedule(std::size_t node);
  bool measure_load(Instant before);
  void pass_on_loads(std::size_t node);
  [[nodiscard]] std::size_t index_of(Endpoint const& endpoint) const;
  static constexpr std::size_t first_port = 8701;
  [[nodiscard]] bool passes(std::size_t from, std::size_t to, Channel channel) const;

  Profile profile_;
  Random random_;
  Instant now_{};
  double loss_ = 0;
  std::vector<Node> nodes_;
  std::map<std::pair<std::size_t, std::size_t>, bool> cut_;  // true: datagrams only
  std::multimap<Instant, Delivery> in_flight_;
  std::set<std::pair<Instant, std::size_t>> ticks_;
  Duration load_period_{};  // 0: no loads are told
  std::set<std::pair<Instant, std::size_t>> measures_;
};

}  // namespace chisme::cluster::testing
