#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <string_view>

#include "cluster/core.hpp"

namespace chisme::fuzz {

// Trio is three cores of one cluster under virtual time, with a file on two of them and a network
// that delivers everything after a millisecond. A fuzzer speaks to them as a member that knows the
// cluster's keys, or forges them, would: with whatever bytes it likes.
//
// What a core wants of its disk is done at once. A core that stops stays away, or is started again
// in its next epoch, when it asks for that. Every call of a core is followed by checks: its tables
// are within their bounds, its deadline moves, and what waits in the network is bounded.
class Trio {
 public:
  static constexpr std::size_t size = 3;

  // They have met, and the file is there.
  Trio();

  [[nodiscard]] static NodeId id_of(std::size_t place) { return {0, place + 1}; }
  [[nodiscard]] static Endpoint endpoint_of(std::size_t place);
  // Bytes arrive at a place as a frame; what is no frame is dropped, as the transport does.
  void deliver(std::size_t place, cluster::Channel channel, std::string const& frame);
  void run_for(Duration time);
  // How many members the core at `place` takes for alive; 0 when it is not up.
  [[nodiscard]] std::size_t alive_at(std::size_t place) const;
  // Has each that is up choose a holder, as it does for a client.
  void choose_holders() const;

 private:
  struct Place {
    std::unique_ptr<cluster::Core> core;  // nullptr: it stopped
    Epoch epoch;
    std::set<Digest> objects;
    unsigned fruitless = 0;
  };
  struct Flight {
    std::size_t to = 0;
    cluster::Input input;
  };

  void start(std::size_t place);
  void give(std::size_t place, cluster::Input input);
  void later(Duration after, std::size_t place, cluster::Input input);
  void ring(std::size_t place);
  void sample(std::size_t place);
  void carry_out(std::size_t place, cluster::Effects& effects);
  void send(std::size_t from, cluster::Send& what);
  void transfer(std::size_t place, cluster::StartTransfer const& what);
  void stop(std::size_t place, cluster::Stop const& what);
  void check(std::size_t place);
  [[nodiscard]] std::size_t place_at(Endpoint const& endpoint) const;

  Instant now_{std::chrono::seconds{1}};
  std::array<Place, size> places_;
  std::multimap<Instant, Flight> network_;
  Instant next_sample_ = now_;
};

}  // namespace chisme::fuzz
