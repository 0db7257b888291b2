#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "cluster/base/identity.hpp"
#include "cluster/base/random.hpp"
#include "cluster/input.hpp"
#include "tests/simulation/acquaintances.hpp"
#include "tests/simulation/agenda.hpp"

namespace chisme::simulation {

// Machine is what a network connects.
class Machine {
 public:
  virtual ~Machine() = default;
  [[nodiscard]] virtual bool is_up() const = 0;
  virtual void deliver(cluster::Channel channel, std::string bytes) = 0;
  virtual void unreachable(Endpoint const& endpoint) = 0;
};

// What datagrams suffer everywhere. Streams repeat what is lost, and deliver it late.
struct Weather {
  double loss = 0;  // of each packet of a stream too
  double duplication = 0;
  double corruption = 0;
  Duration delay = std::chrono::microseconds{200};  // the mean, exponential
};

// Network carries bytes between places (0, 1, 2 …), each with an address that may change.
//
// Datagrams may be lost, delayed, duplicated, damaged and overtaken. A stream delivers in order, or
// its sender hears that the endpoint is unreachable: soon when nobody listens, late when the
// network swallows everything. It is opened for the first message, and again after it broke or was
// idle; of packets that are lost it repeats the first after a second and others after 200 ms, then
// after twice as long each time, as TCP does. What a place sent before it crashed may still arrive.
class Network {
 public:
  // A partition: places of different sides do not reach each other, or one side not the other, or
  // not by one of the channels.
  struct Cut {
    std::vector<unsigned> sides;                // of each place
    bool one_way = false;                       // only from higher to lower sides nothing arrives
    std::optional<cluster::Channel> only = {};  // that is cut; nullopt: both
  };
  // Links that hold what is sent until a moment: of a pair in both directions, or all of one place.
  struct Clog {
    unsigned place = 0;
    std::optional<unsigned> peer;
    Instant until{};
  };

  Network(Agenda& agenda, Random random) : agenda_(agenda), random_(random) {}

  // `machine` outlives the network's use; it becomes the next place.
  void add(Machine& machine);
  [[nodiscard]] Endpoint endpoint_of(unsigned place) const;
  // Gives `place` an address that nobody had.
  void move(unsigned place);
  // Gives `place` the address of `other`, and `other` one that nobody had.
  void take_address(unsigned place, unsigned other);
  // Somebody else lived at this one's address: what it gets may be meant for him.
  [[nodiscard]] bool is_heir(unsigned place) const { return heirs_.contains(place); }
  // Who listens at `endpoint` now.
  [[nodiscard]] std::optional<unsigned> place_at(Endpoint const& endpoint) const;

  void send(unsigned from, Endpoint const& to, cluster::Channel channel, std::string bytes);
  // Breaks what `place` has connected: it crashed.
  void forget_streams(unsigned place);

  [[nodiscard]] Weather& weather() { return weather_; }
  [[nodiscard]] Weather const& weather() const { return weather_; }
  // Cuts stand side by side; each has a number to be mended by.
  std::uint64_t cut(Cut cut);
  void mend(std::uint64_t number) { cuts_.erase(number); }
  void clog(Clog clog) { clogs_.push_back(clog); }
  // Good weather, no cuts, no clogs.
  void heal();

  // Whether what `from` sends over `channel` gets to `to`.
  [[nodiscard]] bool passes(unsigned from, unsigned to, cluster::Channel channel) const;
  // Whether `a` and `b` can talk by stream, which takes both directions.
  [[nodiscard]] bool connects(unsigned a, unsigned b) const;
  [[nodiscard]] Duration delay();
  [[nodiscard]] Acquaintances const& acquaintances() const { return acquaintances_; }
  // Of datagrams, but `messages` of both channels.
  struct Counts {
    std::uint64_t messages = 0;
    std::uint64_t lost = 0;  // by the weather; what a cut swallows is not counted
    std::uint64_t duplicated = 0;
    std::uint64_t damaged = 0;
  };
  [[nodiscard]] Counts const& counts() const { return counts_; }

 private:
  using Port = std::uint16_t;
  struct Stream {
    Instant last_delivery{};
    std::uint64_t connection = 0;  // moves when it breaks: what is under way is lost
    bool is_open = false;          // or being opened
    std::optional<Instant> fails;  // when it turns out that it cannot be opened
    Instant last_used{};
  };
  void send_datagram(unsigned from, Port to, std::string bytes);
  void send_stream(unsigned from, Port to, std::string bytes);
  // How long it takes to open it.
  Duration open(Stream& stream, unsigned from, Port to);
  void end(Stream& stream);
  // How much longer a packet takes that may be lost again and again, when it is repeated after
  // `first`, then after twice as long each time.
  Duration repeated(double loss, Duration first);
  void fly(Duration delay, unsigned from, Port to, std::string bytes);
  void deliver(unsigned from, unsigned to, cluster::Channel channel, std::string bytes);
  void arrive(unsigned from, Port to, std::uint64_t connection, std::string bytes);
  void report_unreachable(Duration after, unsigned from, Port to);
  [[nodiscard]] std::optional<unsigned> place_at(Port port) const;
  [[nodiscard]] Duration held(unsigned from, Port to) const;

  Agenda& agenda_;
  Random random_;
  Weather weather_;
  std::vector<Machine*> places_;
  std::vector<Port> ports_;      // of each place
  std::vector<unsigned> owner_;  // of each port, from the first; `nobody`
  std::set<unsigned> heirs_;
  std::map<std::uint64_t, Cut> cuts_;
  std::uint64_t cuts_made_ = 0;
  std::vector<Clog> clogs_;
  std::vector<std::map<Port, Stream>> streams_;  // of each place
  Acquaintances acquaintances_;
  Counts counts_;
};

}  // namespace chisme::simulation
