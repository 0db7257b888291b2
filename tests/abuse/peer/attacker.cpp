// chisme_peer_attacker SECRET_FILE PEER_PORT SENDER EPOCH ORDER [WORD…]
//
// Says to the peer port of a node on loopback what no node would, as the node SENDER in its run
// EPOCH would seal it, or, with "-" for SECRET_FILE, in the clear. Prints one line of JSON: what
// was sent and what came back. The orders stand in `orders`, below.
#include <cstdlib>
#include <cstring>
#include <functional>
#include <iostream>
#include <limits>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "cluster/base/check.hpp"
#include "cluster/wire/codec.hpp"
#include "node/config.hpp"
#include "tests/abuse/peer/datagrams.hpp"
#include "tests/abuse/peer/streams.hpp"

namespace {

using namespace chisme;
using namespace chisme::abuse;
using cluster::Gossip;
using cluster::Message;
using cluster::Record;

constexpr int silence_ms = 400;
constexpr std::size_t checksum_at = 8;
constexpr std::size_t header_bytes = 16;

struct Attack {
  Guise guise;
  Endpoint to;
  std::vector<std::string> words;

  [[nodiscard]] std::string word(std::size_t at) const { return words.at(at); }
  [[nodiscard]] std::uint64_t number(std::size_t at) const {
    return std::strtoull(words.at(at).c_str(), nullptr, 10);
  }
  [[nodiscard]] NodeId node(std::size_t at) const {
    auto const id = parse_node_id(words.at(at));
    CHECK(id.has_value());
    return *id;
  }
};

void tell(std::uint64_t sent, std::uint64_t answered) {
  std::cout << R"({"sent":)" << sent << R"(,"answered":)" << answered << "}\n";
}

cluster::Ping ping_of(NodeId target) {
  return {7, target, {}, {}};
}

void send_all(Attack const& attack, std::function<void(Datagrams&, std::uint64_t&)> const& send) {
  Datagrams datagrams{attack.guise, attack.to};
  std::uint64_t sent = 0;
  send(datagrams, sent);
  tell(sent, datagrams.answers(silence_ms).size());
}

// ping NODE: what an honest one would say.
void ping(Attack const& attack) {
  send_all(attack, [&](Datagrams& datagrams, std::uint64_t& sent) {
    sent += datagrams.send(datagrams.sealed(ping_of(attack.node(0)))) ? 1 : 0;
  });
}

// replay NODE TIMES: one and the same ping.
void replay(Attack const& attack) {
  send_all(attack, [&](Datagrams& datagrams, std::uint64_t& sent) {
    std::string const datagram = datagrams.sealed(ping_of(attack.node(0)));
    for (std::uint64_t i = 0; i < attack.number(1); ++i) sent += datagrams.send(datagram) ? 1 : 0;
  });
}

// damage NODE: a ping with each of its bits changed, cut at each byte, and with bytes after it.
void damage(Attack const& attack) {
  send_all(attack, [&](Datagrams& datagrams, std::uint64_t& sent) {
    std::string const whole = datagrams.sealed(ping_of(attack.node(0)));
    for (std::size_t bit = 0; bit < 8 * whole.size(); ++bit) {
      std::string changed = whole;
      changed[bit / 8] = static_cast<char>(changed[bit / 8] ^ (1 << bit % 8));
      sent += datagrams.send(changed) ? 1 : 0;
    }
    for (std::size_t size = 0; size < whole.size(); ++size) {
      sent += datagrams.send(whole.substr(0, size)) ? 1 : 0;
    }
    for (std::size_t more : {1u, 100u, 1000u, 60'000u}) {
      sent += datagrams.send(whole + std::string(more, 'x')) ? 1 : 0;
    }
  });
}

// oversized NODE: pings that are longer than any datagram, rightly sealed.
void oversized(Attack const& attack) {
  send_all(attack, [&](Datagrams& datagrams, std::uint64_t& sent) {
    for (std::size_t records : {30u, 100u, 500u, 1000u}) {
      auto message = ping_of(attack.node(0));
      message.piggyback.resize(records, cluster::LeftRecord{NodeId{5, 5}, Epoch{1}, {}});
      sent += datagrams.send(datagrams.sealed(message)) ? 1 : 0;
    }
  });
}

// A frame whose list says that it has as many elements as can be said.
std::string with_giant_length(std::string frame) {
  std::uint32_t const giant = std::numeric_limits<std::uint32_t>::max();
  std::memcpy(frame.data() + frame.size() - sizeof giant, &giant, sizeof giant);
  std::uint64_t const sum =
      XXH3_64bits_withSeed(frame.data() + header_bytes, frame.size() - header_bytes, 0);
  std::memcpy(frame.data() + checksum_at, &sum, sizeof sum);
  return frame;
}

// lengths NODE: messages that end with the length of a list of which nothing follows.
void lengths(Attack const& attack) {
  send_all(attack, [&](Datagrams& datagrams, std::uint64_t& sent) {
    for (Message const& message : {Message{ping_of(attack.node(0))}, Message{Gossip{}}}) {
      std::string const text = with_giant_length(datagrams.frame(message));
      sent += datagrams.send(datagrams.sealed_text(text)) ? 1 : 0;
    }
  });
}

Record record_of(Attack const& attack, std::string const& kind) {
  NodeId const id = attack.node(1);
  Epoch const epoch{static_cast<std::uint32_t>(attack.number(2))};
  Incarnation const incarnation{static_cast<std::uint32_t>(attack.number(3))};
  if (kind == "dead") return cluster::DeadRecord{id, epoch, incarnation, attack.guise.id};
  if (kind == "suspect") return cluster::SuspectRecord{id, epoch, incarnation, attack.guise.id};
  if (kind == "left") return cluster::LeftRecord{id, epoch, incarnation};
  CHECK(kind == "alive");
  cluster::AliveRecord alive;
  alive.id = id;
  alive.epoch = epoch;
  alive.incarnation = incarnation;
  alive.peer = alive.http = attack.to;
  alive.versions = cluster::spoken_versions;
  alive.run_nonce = 99;
  return alive;
}

// gossip KIND NODE EPOCH INCARNATION: a record of that kind about that node, a few times.
void gossip(Attack const& attack) {
  send_all(attack, [&](Datagrams& datagrams, std::uint64_t& sent) {
    for (int i = 0; i < 5; ++i) {
      Gossip const message{0, {record_of(attack, attack.word(0))}};
      sent += datagrams.send(datagrams.sealed(message)) ? 1 : 0;
    }
  });
}

// flood PER_SECOND SECONDS [NODE]: rubbish; with NODE, in datagrams whose headers are right and
// name that node.
void flood(Attack const& attack) {
  Datagrams datagrams{attack.guise, attack.to};
  std::optional<NodeId> known;
  if (attack.words.size() > 2) known = attack.node(2);
  std::uint64_t const sent =
      datagrams.flood(attack.number(0), static_cast<double>(attack.number(1)), known);
  tell(sent, datagrams.answers(silence_ms).size());
}

// stream: frames with giant lengths, lists of giant lengths, unknown kinds, requests beyond ends.
// Answered: how many of these connections the node ended by itself, as it should.
void stream(Attack const& attack) {
  CHECK(attack.guise.ring.has_value());
  using node::StreamKind;
  Datagrams const datagrams{attack.guise, attack.to};
  auto const hello = [&](StreamKind kind) { return hello_text(kind, attack.guise.id); };
  std::string const list = with_giant_length(datagrams.frame(Gossip{}));
  std::vector<std::string> const all{
      hello(StreamKind::control) + frame_text("", ~0u),
      hello(StreamKind::control) + frame_text("", (1u << 20) + 1),
      hello(StreamKind::control) + frame_text(list, static_cast<std::uint32_t>(list.size())),
      hello(StreamKind::control) + frame_text("rubbish", 7),
      hello(StreamKind::push) + std::string(16, '\0') + std::string(4, '\xff'),
      hello(StreamKind::push) + '\1' + std::string(15, '\xff') + std::string(8, '\xff'),
      std::string(24, 'x')};
  std::uint64_t ended = 0;
  for (std::string const& bytes : all) {
    Stream connection{*attack.guise.ring, attack.to};
    CHECK(connection.is_secured());
    connection.write(bytes);
    ended += connection.ends_within(3000) ? 1 : 0;
  }
  tell(all.size(), ended);
}

// half COUNT: streams of a member that says who it is, and then half a frame that may be as long as
// a frame is, each. Answered: how many the node took.
void half(Attack const& attack) {
  CHECK(attack.guise.ring.has_value());
  std::vector<std::unique_ptr<Stream>> held;
  std::string const part(64u << 10, 'x');
  std::uint64_t taken = 0;
  for (std::uint64_t i = 0; i < attack.number(0); ++i) {
    auto connection = std::make_unique<Stream>(*attack.guise.ring, attack.to);
    bool const written = connection->is_secured() &&
                         connection->write(hello_text(node::StreamKind::control, attack.guise.id) +
                                           frame_text(part, 1u << 20));
    taken += written ? 1 : 0;
    held.push_back(std::move(connection));
  }
  tell(attack.number(0), taken);
  std::cout.flush();
  std::cin.get();  // until it is looked at
}

std::map<std::string, void (*)(Attack const&)> const orders{
    {"ping", ping},           {"replay", replay},   {"damage", damage},
    {"oversized", oversized}, {"lengths", lengths}, {"gossip", gossip},
    {"flood", flood},         {"stream", stream},   {"half", half}};

}  // namespace

int main(int count, char** arguments) {
  std::vector<std::string> const words(arguments + 1, arguments + count);
  if (words.size() < 5 || !orders.contains(words[4])) {
    std::cerr << "chisme_peer_attacker SECRET_FILE PEER_PORT SENDER EPOCH ORDER [WORD…]\n";
    return 2;
  }
  Attack attack;
  if (words[0] != "-") {
    auto const secrets = node::read_secret_file(words[0]);
    CHECK(secrets.has_value());
    attack.guise.ring.emplace(*secrets);
  }
  attack.to = node::NodeConfig::loopback_endpoint(
      static_cast<std::uint16_t>(std::strtoul(words[1].c_str(), nullptr, 10)));
  auto const sender = parse_node_id(words[2]);
  CHECK(sender.has_value());
  attack.guise.id = *sender;
  attack.guise.epoch =
      Epoch{static_cast<std::uint32_t>(std::strtoul(words[3].c_str(), nullptr, 10))};
  attack.words.assign(words.begin() + 5, words.end());
  orders.at(words[4])(attack);
  return 0;
}
