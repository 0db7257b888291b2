#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "cluster/base/identity.hpp"
#include "cluster/base/random.hpp"
#include "cluster/input.hpp"
#include "tests/simulation/agenda.hpp"
#include "tests/simulation/scenario.hpp"

namespace chisme::simulation {

// Network carries bytes between places (0, 1, 2 …), each with a fixed endpoint.
//
// Datagrams may be lost, delayed, duplicated, damaged and overtaken. A stream delivers in order, or
// its sender hears that the endpoint is unreachable: soon when nobody listens, late when the
// network swallows everything. What a place sent before it crashed may still arrive.
class Network {
 public:
  // A partition: places of different sides do not reach each other, or one side not the other, or
  // not by datagram.
  struct Cut {
    std::vector<unsigned> sides;  // of each place; empty: no cut
    bool one_way = false;         // only from higher to lower sides nothing arrives
    bool datagrams_only = false;
  };
  struct Place {
    std::function<bool()> is_up;
    std::function<void(cluster::Channel, std::string const& bytes)> deliver;
    std::function<void(Endpoint const&)> unreachable;
  };

  Network(Agenda& agenda, Random random) : agenda_(agenda), random_(random) {}

  void add(Place place) { places_.push_back(std::move(place)); }
  [[nodiscard]] static Endpoint endpoint_of(unsigned place);

  void send(unsigned from, Endpoint const& to, cluster::Channel channel, std::string bytes);
  // Breaks what `place` has connected: it crashed.
  void forget_streams(unsigned place);

  // Datagrams suffer what `scenario` says; nullptr: nothing but a delay of about 0.2 ms.
  void suffer(Scenario const* scenario) { scenario_ = scenario; }
  void cut(Cut cut) { cut_ = std::move(cut); }
  // Whether what `from` sends over `channel` gets to `to`.
  [[nodiscard]] bool passes(unsigned from, unsigned to, cluster::Channel channel) const;
  // Whether `a` and `b` can talk by stream, which takes both directions.
  [[nodiscard]] bool connects(unsigned a, unsigned b) const;
  [[nodiscard]] Duration delay();
  [[nodiscard]] std::uint64_t datagram_bytes() const { return datagram_bytes_; }

 private:
  struct Stream {
    Instant last_delivery{};
    std::uint64_t connection = 0;  // moves when it breaks: what is under way is lost
  };
  void send_datagram(unsigned from, unsigned to, std::string bytes);
  void send_stream(unsigned from, unsigned to, std::string bytes);
  void arrive(unsigned from, unsigned to, std::uint64_t connection, std::string const& bytes);

  Agenda& agenda_;
  Random random_;
  Scenario const* scenario_ = nullptr;
  std::vector<Place> places_;
  Cut cut_;
  std::map<std::pair<unsigned, unsigned>, Stream> streams_;
  std::uint64_t datagram_bytes_ = 0;
};

}  // namespace chisme::simulation
