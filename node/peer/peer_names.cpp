#include "node/peer/peer_names.hpp"

#include <algorithm>
#include <asio/steady_timer.hpp>
#include <chrono>
#include <string>
#include <utility>

#include "node/log.hpp"
#include "node/peer/name_lookup.hpp"

namespace chisme::node {
namespace {

constexpr std::chrono::seconds pause_alone{1};
constexpr std::chrono::seconds pause_in_company{30};

}  // namespace

struct PeerNames::State : std::enable_shared_from_this<State> {
  struct Name {
    PeerName name;
    bool asking = false;
    std::string said =
        {};  // why it had no address the last time, so that each reason is logged once
  };

  State(asio::io_context& loop, std::vector<PeerName> told, Host host_given)
      : host(std::move(host_given)), lookup(loop), timer(loop) {
    for (PeerName& name : told) names.push_back({std::move(name)});
  }

  void ask_all();
  void ask(Name& name);
  void take(Name& name, Result<std::vector<Endpoint>> const& found);
  void tell(Name& name, std::string const& reason) const;

  Host host;
  std::vector<Name> names;
  NameLookup lookup;
  asio::steady_timer timer;
  bool stopped = false;
};

PeerNames::PeerNames(asio::io_context& loop, std::vector<PeerName> names, Host host)
    : state_{std::make_shared<State>(loop, std::move(names), std::move(host))} {}

PeerNames::~PeerNames() {
  state_->stopped = true;
  state_->timer.cancel();
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
  lookup.ask(name.name,
             [weak = weak_from_this(), &name](Result<std::vector<Endpoint>> const& found) {
               auto const self = weak.lock();
               if (self && !self->stopped) self->take(name, found);
             });
}

void PeerNames::State::take(Name& name, Result<std::vector<Endpoint>> const& found) {
  name.asking = false;
  tell(name, found ? "" : found.error().message);
  if (!found) return;
  std::vector<Endpoint> const alive = host.alive();
  for (Endpoint const& peer : *found) {
    if (std::ranges::find(alive, peer) == alive.end()) host.found(peer);
  }
}

void PeerNames::State::tell(Name& name, std::string const& reason) const {
  if (name.said == reason) return;
  name.said = reason;
  if (reason.empty()) return log::info(name.name.host + " has addresses now");
  log::warning(name.name.host + ", which is to be joined, has no address: " + reason +
               "; it is looked for again");
}

}  // namespace chisme::node
