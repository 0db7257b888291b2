#include "node/peer/discovery.hpp"

#include <netinet/in.h>
#include <sys/socket.h>

#include <array>
#include <asio/awaitable.hpp>
#include <asio/buffer.hpp>
#include <asio/co_spawn.hpp>
#include <asio/ip/multicast.hpp>
#include <asio/ip/udp.hpp>
#include <asio/redirect_error.hpp>
#include <asio/steady_timer.hpp>
#include <asio/use_awaitable.hpp>
#include <span>
#include <string>
#include <utility>

#include "cluster/wire/codec.hpp"
#include "node/clock.hpp"
#include "node/keeping.hpp"
#include "node/log.hpp"
#include "node/peer/address.hpp"
#include "node/peer/sealing.hpp"

namespace chisme::node {
namespace {

using asio::ip::udp;
using cluster::Announcement;
using cluster::Discovery;
namespace multicast = asio::ip::multicast;

constexpr std::array<unsigned char, 4> group_bytes{239, 255, 67, 72};
constexpr unsigned announcements_per_turn = 16;
// Far more than one is long: a longer datagram is none.
constexpr std::size_t announcement_bytes_max = 256;

asio::ip::address_v4 multicast_group() {
  return asio::ip::address_v4{group_bytes};
}

// Of the groups that a socket takes part in only, not of all that this machine does.
void hear_own_groups_only(udp::socket& socket) {
  int const all = 0;
  ::setsockopt(socket.native_handle(), IPPROTO_IP, IP_MULTICAST_ALL, &all, sizeof all);
}

}  // namespace

struct PeerDiscovery::State : std::enable_shared_from_this<PeerDiscovery::State> {
  State(asio::io_context& loop, Announcement self, Random random, Host its_host)
      : host{std::move(its_host)},
        discovery{self, random, steady_now()},
        sealer{self.node, self.epoch, announcement_purpose},
        socket{loop},
        timer{loop} {}

  void open(std::uint16_t port, asio::error_code& error);
  void wait();
  void announce();
  asio::awaitable<void> receive();
  void take(std::span<std::byte const> bytes);
  void act(Announcement const& heard);

  Host host;
  Discovery discovery;
  DatagramSealer sealer;
  DatagramOpener opener{announcement_purpose};
  udp::socket socket;
  udp::endpoint to;
  asio::steady_timer timer;
  bool stopped = false;
};

PeerDiscovery::PeerDiscovery(asio::io_context& loop, Announcement self, Random random, Host host)
    : state_{std::make_shared<State>(loop, std::move(self), random, std::move(host))} {}

PeerDiscovery::~PeerDiscovery() {
  state_->stopped = true;
  state_->timer.cancel();
  asio::error_code ignored;
  state_->socket.close(ignored);
}

Result<void> PeerDiscovery::open(std::uint16_t port) {
  asio::error_code error;
  state_->open(port, error);
  if (!error) return {};
  return fail(Fault::io,
              "nodes of this network cannot be discovered from " +
                  to_string(state_->discovery.self().peer) + " on port " + std::to_string(port) +
                  ": " + error.message() +
                  "; choose another --discover-port, or leave out --discover and name a node with "
                  "--join",
              error.value());
}

void PeerDiscovery::State::open(std::uint16_t port, asio::error_code& error) {
  auto const own = to_address(discovery.self().peer);
  if (!own.is_v4()) {
    error = asio::error::address_family_not_supported;
    return;
  }
  to = {multicast_group(), port};
  if (socket.open(udp::v4(), error); error) return;
  if (socket.set_option(udp::socket::reuse_address{true}, error); error) return;
  if (socket.bind(to, error); error) return;
  hear_own_groups_only(socket);
  if (socket.set_option(multicast::join_group{multicast_group(), own.to_v4()}, error); error)
    return;
  if (socket.set_option(multicast::outbound_interface{own.to_v4()}, error); error) return;
  if (socket.set_option(multicast::hops{1}, error); error) return;
  if (socket.set_option(multicast::enable_loopback{true}, error); error) return;
  socket.non_blocking(true, error);
}

void PeerDiscovery::start() {
  asio::co_spawn(state_->socket.get_executor(), state_->receive(), keeping(state_));
  state_->wait();
}

void PeerDiscovery::State::wait() {
  timer.expires_at(to_steady(discovery.deadline()));
  timer.async_wait([weak = weak_from_this()](asio::error_code const& error) {
    auto const self = weak.lock();
    if (error || !self || self->stopped) return;
    self->announce();
    self->wait();
  });
}

// A network that is down is no news: the next announcement will show.
void PeerDiscovery::State::announce() {
  Announcement const& own = discovery.self();
  if (!discovery.is_due(host.look(own.node).others, steady_now())) return;
  auto const ring = host.keys.ring();
  if (!ring) return;
  std::string const text = cluster::encode(own);
  std::string const sealed = sealer.seal(*ring, std::as_bytes(std::span{text.data(), text.size()}));
  asio::error_code error;
  socket.send_to(asio::buffer(sealed), to, 0, error);
  if (error) log::debug(LogComponent::peer, "this node could not be announced: " + error.message());
}

asio::awaitable<void> PeerDiscovery::State::receive() {
  auto const keep = shared_from_this();
  std::array<std::byte, announcement_bytes_max> buffer;
  asio::error_code error;
  auto token = asio::redirect_error(asio::use_awaitable, error);
  while (!stopped) {
    co_await socket.async_wait(udp::socket::wait_read, token);
    for (unsigned i = 0; i < announcements_per_turn && !stopped; ++i) {
      udp::endpoint from;
      std::size_t const count = socket.receive_from(asio::buffer(buffer), from, 0, error);
      if (error) break;
      take(std::span{buffer}.first(count));
    }
  }
}

void PeerDiscovery::State::take(std::span<std::byte const> bytes) {
  auto const ring = host.keys.ring();
  if (!ring || !discovery.may_look(steady_now())) return;
  auto const opened = opener.open(*ring, bytes);
  if (!opened) return;
  std::string const& text = opened->text;
  auto const heard =
      cluster::decode_announcement(std::as_bytes(std::span{text.data(), text.size()}));
  if (!heard || heard->node != opened->sender || heard->epoch != opened->epoch) return;
  act(*heard);
}

void PeerDiscovery::State::act(Announcement const& heard) {
  switch (discovery.hear(heard, host.look(heard.node), steady_now())) {
    case Discovery::Verdict::join:
      log::info(LogComponent::peer, "node " + to_string(heard.node) + " announces itself at " +
                                        to_string(heard.peer) + ": joining it");
      return host.found(heard);
    case Discovery::Verdict::other_version:
      return log::warning(LogComponent::peer,
                          "node " + to_string(heard.node) + " announces itself at " +
                              to_string(heard.peer) + ", but speaks protocol versions " +
                              std::to_string(heard.versions.lowest) + " to " +
                              std::to_string(heard.versions.highest) + " only: it is not joined");
    case Discovery::Verdict::known:
    case Discovery::Verdict::later:
    case Discovery::Verdict::out_of_reach:
      return;
  }
}

}  // namespace chisme::node
