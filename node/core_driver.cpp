#include "node/core_driver.hpp"

#include <asio/post.hpp>
#include <asio/steady_timer.hpp>
#include <atomic>
#include <map>
#include <mutex>
#include <optional>
#include <utility>

#include "cluster/base/overloaded.hpp"
#include "node/catalogue_writer.hpp"
#include "node/clock.hpp"
#include "node/local_copies.hpp"
#include "node/peer/transfer_client.hpp"
#include "node/peer/transport.hpp"
#include "node/storage/access_file.hpp"

namespace chisme::node {
namespace {

// Load figures do not move the view's number: a view is at most this old.
constexpr Duration view_age_max = std::chrono::milliseconds{100};

}  // namespace

struct CoreDriver::State : std::enable_shared_from_this<CoreDriver::State> {
  State(asio::io_context& control, cluster::Core its_core, Host its_host)
      : loop{control},
        core{std::move(its_core)},
        host{std::move(its_host)},
        timer{control},
        publish_timer{control},
        published{std::make_shared<cluster::ClusterView const>(core.view(steady_now()))} {}

  void handle(cluster::Input input);
  void tick();
  void follow_up(cluster::Effects effects);
  void carry_out(cluster::Effect effect);
  void arm();
  void publish();
  void publish_regularly();
  template <class Done, class Id, class Outcome>
  void complete(std::map<Id, Done>& waiting, Id id, Outcome outcome);

  asio::io_context& loop;
  cluster::Core core;
  Host host;
  asio::steady_timer timer;
  asio::steady_timer publish_timer;
  std::optional<Instant> armed;
  std::map<cluster::WriteId, WriteDone> writes;
  std::map<cluster::LookupId, LookupDone> lookups;
  std::map<cluster::RevokeId, RevokeDone> revocations;
  std::uint64_t next_id = 0;
  bool catalogue_full = false;
  std::atomic<std::size_t> waiting = 0;
  std::mutex view_mutex;
  std::shared_ptr<cluster::ClusterView const> published;
};

CoreDriver::CoreDriver(asio::io_context& control, cluster::Core core, Host host)
    : state_{std::make_shared<State>(control, std::move(core), std::move(host))} {}

CoreDriver::~CoreDriver() = default;

void CoreDriver::start() {
  asio::post(state_->loop, [state = state_] {
    state->tick();
    state->publish_regularly();
  });
}

void CoreDriver::handle(cluster::Input input) {
  state_->handle(std::move(input));
}

void CoreDriver::catalogue_is_full(bool full) {
  state_->catalogue_full = full;
  if (!full) return;
  for (auto const& [id, done] : std::exchange(state_->writes, {})) {
    done(fail(Fault::unknown_outcome,
              "this node's disk has no room for the catalogue; the write may still appear"));
  }
}

void CoreDriver::post(cluster::Input input, std::function<void()> handled) {
  ++state_->waiting;
  asio::post(state_->loop,
             [state = state_, input = std::move(input), handled = std::move(handled)]() mutable {
               --state->waiting;
               state->handle(std::move(input));
               if (handled) handled();
             });
}

void CoreDriver::write(cluster::WriteRequested request, WriteDone done) {
  if (state_->waiting >= inputs_max) {
    return done(fail(Fault::busy, "this node has too many writes to do"));
  }
  ++state_->waiting;
  asio::post(state_->loop,
             [state = state_, request = std::move(request), done = std::move(done)]() mutable {
               --state->waiting;
               if (state->catalogue_full) {
                 return done(fail(Fault::no_space, "this node's catalogue finds no room"));
               }
               request.write = cluster::WriteId{++state->next_id};
               state->writes.emplace(request.write, std::move(done));
               state->handle(std::move(request));
             });
}

void CoreDriver::lookup(std::string name, LookupDone done) {
  if (state_->waiting >= inputs_max) {
    return done(fail(Fault::busy, "this node has too many requests to answer"));
  }
  ++state_->waiting;
  asio::post(state_->loop,
             [state = state_, name = std::move(name), done = std::move(done)]() mutable {
               --state->waiting;
               cluster::LookupId const id{++state->next_id};
               state->lookups.emplace(id, std::move(done));
               state->handle(cluster::LookupRequested{id, std::move(name)});
             });
}

void CoreDriver::revoke(cluster::Revocation revocation, RevokeDone done) {
  if (state_->waiting >= inputs_max) {
    return done(fail(Fault::busy, "this node has too many requests to answer"));
  }
  ++state_->waiting;
  asio::post(state_->loop, [state = state_, revocation, done = std::move(done)]() mutable {
    --state->waiting;
    cluster::RevokeId const id{++state->next_id};
    state->revocations.emplace(id, std::move(done));
    state->handle(cluster::RevokeRequested{id, revocation});
  });
}

void CoreDriver::suspect(Digest const& digest) {
  asio::post(state_->loop, [state = state_, digest] { state->host.copies.suspect(digest); });
}

std::shared_ptr<cluster::ClusterView const> CoreDriver::view() const {
  std::lock_guard const lock{state_->view_mutex};
  return state_->published;
}

void CoreDriver::State::handle(cluster::Input input) {
  if (auto const* const stored = std::get_if<cluster::ObjectStored>(&input)) {
    host.copies.stored(stored->digest);
  }
  cluster::Effects effects;
  core.handle(std::move(input), steady_now(), effects);
  follow_up(std::move(effects));
}

void CoreDriver::State::tick() {
  cluster::Effects effects;
  core.tick(steady_now(), effects);
  follow_up(std::move(effects));
}

void CoreDriver::State::follow_up(cluster::Effects effects) {
  if (core.view_number() != published->number) publish();
  for (cluster::Effect& effect : effects) carry_out(std::move(effect));
  arm();
}

void CoreDriver::State::carry_out(cluster::Effect effect) {
  std::visit(
      Overloaded{
          [&](cluster::Send& send) {
            host.transport.send(send.to, send.channel, std::move(send.message));
          },
          [&](cluster::StartTransfer& start) { host.transfers.start(std::move(start)); },
          [&](cluster::CancelTransfer const& cancel) { host.transfers.cancel(cancel.transfer); },
          [&](cluster::RemoveObject const& remove) { host.copies.remove(remove.digest); },
          [&](cluster::VerifyObject const& verify) {
            host.copies.verify(verify.digest, verify.urgent);
          },
          [&](cluster::SaveCatalogue& save) { host.catalogue.save(std::move(save)); },
          [&](cluster::WriteFinished& finished) {
            complete(writes, finished.write, std::move(finished.outcome));
          },
          [&](cluster::LookupFinished& finished) {
            complete(lookups, finished.lookup, std::move(finished.found));
          },
          [&](cluster::Announce const& announce) { host.on_event(announce.event, *published); },
          [&](cluster::SavePeers& save) { host.catalogue.save_peers(std::move(save.peers)); },
          [&](cluster::SaveAccess& save) { host.access.save(std::move(save)); },
          [&](cluster::RevokeFinished& finished) {
            complete(revocations, finished.revoke, std::move(finished.outcome));
          },
          [&](cluster::Stop& stop) { host.on_stop(std::move(stop)); }},
      effect);
}

template <class Done, class Id, class Outcome>
void CoreDriver::State::complete(std::map<Id, Done>& waiting_for, Id id, Outcome outcome) {
  auto const found = waiting_for.find(id);
  if (found == waiting_for.end()) return;
  Done const done = std::move(found->second);
  waiting_for.erase(found);
  done(std::move(outcome));
}

void CoreDriver::State::arm() {
  auto const deadline = core.deadline();
  if (deadline == armed) return;
  armed = deadline;
  if (!deadline) {
    timer.cancel();
    return;
  }
  timer.expires_at(to_steady(*deadline));
  timer.async_wait([weak = weak_from_this()](asio::error_code const& error) {
    auto const self = weak.lock();
    if (error || !self) return;
    self->armed.reset();
    self->tick();
  });
}

void CoreDriver::State::publish() {
  auto fresh = std::make_shared<cluster::ClusterView const>(core.view(steady_now()));
  std::lock_guard const lock{view_mutex};
  published = std::move(fresh);
}

void CoreDriver::State::publish_regularly() {
  publish();
  publish_timer.expires_after(view_age_max);
  publish_timer.async_wait([weak = weak_from_this()](asio::error_code const& error) {
    auto const self = weak.lock();
    if (self && !error) self->publish_regularly();
  });
}

}  // namespace chisme::node
