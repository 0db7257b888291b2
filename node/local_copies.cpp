#include "node/local_copies.hpp"

#include <asio/awaitable.hpp>
#include <asio/co_spawn.hpp>
#include <asio/redirect_error.hpp>
#include <asio/steady_timer.hpp>
#include <asio/use_awaitable.hpp>
#include <deque>
#include <map>
#include <set>
#include <string>
#include <utility>

#include "node/copy_verifier.hpp"
#include "node/failpoint.hpp"
#include "node/full_scrub.hpp"
#include "node/keeping.hpp"
#include "node/load_counters.hpp"
#include "node/log.hpp"
#include "node/on_disk.hpp"
#include "node/storage/disk_pool.hpp"
#include "node/storage/object_store.hpp"

namespace chisme::node {
namespace {

constexpr Duration removal_retry_pause = std::chrono::seconds{1};
// How often the quarantine is looked at for what has grown too old.
constexpr Duration quarantine_period = std::chrono::hours{1};

}  // namespace

struct LocalCopies::State : std::enable_shared_from_this<LocalCopies::State> {
  State(asio::io_context& its_loop, Host its_host, ByteCount scrub_rate)
      : loop{its_loop},
        host{std::move(its_host)},
        pause{its_loop},
        quarantine_timer{its_loop},
        scrubs{its_loop, verifier_host(), scrub_rate},
        urgent{its_loop, verifier_host(), ByteCount{scrub_rate.value() * urgent_factor}},
        full{its_loop, verifier_host(), ByteCount{scrub_rate.value() * urgent_factor}} {}

  CopyVerifier::Host verifier_host();
  void verified(Digest const& digest, Result<void> const& result);
  void lost(Digest const& digest);
  asio::awaitable<void> run_removals();
  asio::awaitable<Result<void>> remove(Digest digest, CopyNumber number);
  void watch_quarantine();

  asio::io_context& loop;
  Host host;
  asio::steady_timer pause;
  asio::steady_timer quarantine_timer;
  CopyVerifier scrubs;
  CopyVerifier urgent;
  FullScrub full;
  std::set<Digest> asked;  // the core waits for these verdicts
  std::map<Digest, CopyNumber> removals;
  bool removing = false;
  bool complained = false;
  bool ended = false;
};

LocalCopies::LocalCopies(asio::io_context& control, Host host, ByteCount scrub_rate)
    : state_{std::make_shared<State>(control, std::move(host), scrub_rate)} {
  state_->watch_quarantine();
}

LocalCopies::~LocalCopies() {
  state_->ended = true;
  state_->pause.cancel();
  state_->quarantine_timer.cancel();
}

void LocalCopies::stored(Digest const& digest) {
  state_->host.objects.settle(digest);
}

// ---- Removal -----------------------------------------------------------------------------------

void LocalCopies::remove(Digest const& digest) {
  auto const copy = state_->host.objects.settled_copy(digest);
  if (!copy) return state_->lost(digest);
  FAILPOINT("removal.decided");
  state_->removals.insert_or_assign(digest, *copy);
  if (!std::exchange(state_->removing, true)) {
    asio::co_spawn(state_->loop, state_->run_removals(), keeping(state_));
  }
}

// Round and round by digest, so that one that cannot be removed does not hold up the others.
asio::awaitable<void> LocalCopies::State::run_removals() {
  auto const keep = shared_from_this();
  asio::error_code ignored;
  auto token = asio::redirect_error(asio::use_awaitable, ignored);
  Digest last{};
  while (!removals.empty() && !ended) {
    auto at = removals.upper_bound(last);
    if (at == removals.end()) at = removals.begin();
    auto const [digest, number] = *at;
    last = digest;
    auto const removed = co_await remove(digest, number);
    if (ended) co_return;
    if (removed) {
      complained = false;
      continue;
    }
    if (!std::exchange(complained, true)) {
      log::warning(LogComponent::storage,
                   "a copy that is not wanted any more cannot be removed now, trying again: " +
                       removed.error().message);
    }
    pause.expires_after(removal_retry_pause);
    co_await pause.async_wait(token);
  }
  removing = false;
}

asio::awaitable<Result<void>> LocalCopies::State::remove(Digest digest, CopyNumber number) {
  auto const job = [objects = &host.objects, digest, number] {
    return objects->remove(digest, number);
  };
  auto const removed = co_await on_disk(&host.disk, job);
  bool const is_over = removed || removed.error().fault == Fault::not_found;
  if (ended || !is_over) co_return removed;
  FAILPOINT("removal.done");
  if (removed) ++host.counters.copies_removed;
  auto const at = removals.find(digest);
  if (at != removals.end() && at->second == number) removals.erase(at);
  lost(digest);
  co_return Result<void>{};
}

// Nothing is told when a newer copy is there: the core is told of that one, or was already.
void LocalCopies::State::lost(Digest const& digest) {
  if (!host.objects.has(digest)) host.tell_core(cluster::ObjectRemoved{digest});
}

// ---- Verification ------------------------------------------------------------------------------

void LocalCopies::verify(Digest const& digest, bool urgent) {
  if ((urgent ? state_->urgent : state_->scrubs).verify(digest)) {
    state_->asked.insert(digest);
  } else {
    log::warning(LogComponent::storage, "a copy is not verified now: too many wait for it");
  }
}

FullScrub& LocalCopies::full_scrub() {
  return state_->full;
}

void LocalCopies::suspect(Digest const& digest) {
  if (!state_->host.objects.has(digest)) return state_->lost(digest);
  static_cast<void>(state_->urgent.verify(digest));  // when many wait, a later reader asks again
}

CopyVerifier::Host LocalCopies::State::verifier_host() {
  return {host.objects, host.disk, host.counters,
          [this](Digest digest, Result<void> const& result) { verified(digest, result); }};
}

void LocalCopies::State::verified(Digest const& digest, Result<void> const& result) {
  if (!result && result.error().fault == Fault::corrupt) {
    ++host.counters.copies_corrupt;
    log::warning(LogComponent::storage, result.error().message);
  }
  if (result) ++host.counters.copies_verified;
  FAILPOINT("verified.read");
  bool const intact = host.objects.has(digest);  // a bad one is there no more, unless stored again
  if (asked.erase(digest) > 0) {
    host.tell_core(cluster::ObjectVerified{digest, intact});
  } else if (!intact) {
    host.tell_core(cluster::ObjectRemoved{digest});
  }
}

void LocalCopies::State::watch_quarantine() {
  quarantine_timer.expires_after(quarantine_period);
  quarantine_timer.async_wait([weak = weak_from_this()](asio::error_code const& error) {
    auto const self = weak.lock();
    if (!self || error) return;
    static_cast<void>(self->host.disk.post([objects = &self->host.objects] {
      auto const emptied = objects->quarantine().empty_oldest();
      if (!emptied)
        log::warning(LogComponent::storage,
                     "the quarantine is not emptied: " + emptied.error().message);
    }));
    self->watch_quarantine();
  });
}

}  // namespace chisme::node
