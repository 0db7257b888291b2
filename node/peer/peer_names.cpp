#include "node/peer/peer_names.hpp"

#include <algorithm>
#include <asio/ip/tcp.hpp>
#include <asio/steady_timer.hpp>
#include <chrono>
#include <string>
#include <utility>

#include "node/log.hpp"
#include "node/peer/address.hpp"

namespace chisme::node {
namespace {

using asio::ip::tcp;

constexpr std::chrono::seconds pause_alone{1};
constexpr std::chrono::seconds pause_in_company{30};

}  // namespace

struct PeerNames::State : std::enable_shared_from_this<State> {
  struct Name {
    PeerName name;
    bool asking = false;
    asio::error_code said = {};  // the last answer, so that each is logged once
  };

  State(asio::io_context& loop, std::vector<PeerName> told, Host host_given)
      : host(std::move(host_given)), resolver(loop), timer(loop) {
    for (PeerName& name : told) names.push_back({std::move(name)});
  }

  void ask_all();
  void ask(Name& name);
  void take(Name& name, asio::error_code const& error, tcp::resolver::results_type const& found);
  void tell(Name& name, asio::error_code const& error) const;

  Host host;
  std::vector<Name> names;
  tcp::resolver resolver;
  asio::steady_timer timer;
  bool stopped = false;
};

PeerNames::PeerNames(asio::io_context& loop, std::vector<PeerName> names, Host host)
    : state_{std::make_shared<State>(loop, std::move(names), std::move(host))} {}

PeerNames::~PeerNames() {
  state_->stopped = true;
  state_->timer.cancel();
  state_->resolver.cancel();
}

void PeerNames::start() {
  state_->ask_all();
}

void PeerNames::State::ask_all() {
  for (Name& name : names) {
    if (!name.asking) ask(name);
  }
  bool const is_alone = host.alive().size() <= 1;
  timer.expires_after(is_alone ? pause_alone : pause_in_company);
  timer.async_wait([weak = weak_from_this()](asio::error_code const& error) {
    auto const self = weak.lock();
    if (!error && self && !self->stopped) self->ask_all();
  });
}

void PeerNames::State::ask(Name& name) {
  name.asking = true;
  resolver.async_resolve(
      name.name.host, std::to_string(name.name.port), tcp::resolver::numeric_service,
      [weak = weak_from_this(), &name](asio::error_code const& error,
                                       tcp::resolver::results_type const& found) {
        auto const self = weak.lock();
        if (self && !self->stopped) self->take(name, error, found);
      });
}

void PeerNames::State::take(Name& name, asio::error_code const& error,
                            tcp::resolver::results_type const& found) {
  name.asking = false;
  tell(name, error);
  if (error) return;
  std::vector<Endpoint> const alive = host.alive();
  std::size_t looked_at = 0;
  for (auto const& entry : found) {
    if (++looked_at > addresses_max) break;
    Endpoint const peer = from_tcp(entry.endpoint());
    if (std::ranges::find(alive, peer) == alive.end()) host.found(peer);
  }
}

void PeerNames::State::tell(Name& name, asio::error_code const& error) const {
  if (name.said == error) return;
  name.said = error;
  if (!error) return log::info(name.name.host + " has addresses now");
  log::warning(name.name.host + ", which is to be joined, has no address: " + error.message() +
               "; it is looked for again");
}

}  // namespace chisme::node
