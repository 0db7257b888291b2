#include "node/copy_verifier.hpp"

#include <algorithm>
#include <asio/awaitable.hpp>
#include <asio/co_spawn.hpp>
#include <asio/redirect_error.hpp>
#include <asio/steady_timer.hpp>
#include <asio/use_awaitable.hpp>
#include <deque>
#include <optional>
#include <utility>

#include "node/clock.hpp"
#include "node/keeping.hpp"
#include "node/load_counters.hpp"
#include "node/log.hpp"
#include "node/on_disk.hpp"
#include "node/storage/disk_pool.hpp"
#include "node/storage/object_store.hpp"

namespace chisme::node {
namespace {

// When the disk has too much to do, or a check cannot be begun for want of descriptors.
constexpr Duration check_retry_pause = std::chrono::seconds{1};

}  // namespace

struct CopyVerifier::State : std::enable_shared_from_this<CopyVerifier::State> {
  State(asio::io_context& its_loop, Host its_host, ByteCount its_bytes_per_second)
      : loop{its_loop},
        host{std::move(its_host)},
        bytes_per_second{static_cast<double>(its_bytes_per_second.value())},
        pause{its_loop} {}

  asio::awaitable<void> run();
  asio::awaitable<Result<void>> check(Digest digest);
  asio::awaitable<Result<std::shared_ptr<CopyCheck>>> begin(Digest digest);
  asio::awaitable<void> read(std::shared_ptr<CopyCheck> copy);
  asio::awaitable<void> wait(Duration duration);
  [[nodiscard]] Duration time_for(std::uint64_t bytes) const {
    std::chrono::duration<double> const seconds{static_cast<double>(bytes) / bytes_per_second};
    return std::chrono::duration_cast<Duration>(seconds);
  }

  asio::io_context& loop;
  Host host;
  double bytes_per_second;
  asio::steady_timer pause;
  std::deque<Digest> queue;  // its front is being read
  bool running = false;
  bool ended = false;
};

CopyVerifier::CopyVerifier(asio::io_context& loop, Host host, ByteCount bytes_per_second)
    : state_{std::make_shared<State>(loop, std::move(host), bytes_per_second)} {}

CopyVerifier::~CopyVerifier() {
  state_->ended = true;
  state_->pause.cancel();
}

bool CopyVerifier::verify(Digest const& digest) {
  State& state = *state_;
  if (std::ranges::find(state.queue, digest) != state.queue.end()) return true;
  if (state.queue.size() >= queue_max) return false;
  state.queue.push_back(digest);
  if (!std::exchange(state.running, true)) {
    asio::co_spawn(state.loop, state.run(), keeping(state_));
  }
  return true;
}

asio::awaitable<void> CopyVerifier::State::run() {
  auto const keep = shared_from_this();
  while (!queue.empty() && !ended) {
    Digest const digest = queue.front();
    auto const checked = co_await check(digest);
    if (ended) co_return;
    queue.pop_front();
    host.on_verified(digest, checked);
  }
  running = false;
}

asio::awaitable<Result<void>> CopyVerifier::State::check(Digest digest) {
  auto const begun = co_await begin(digest);
  if (!begun) co_return tl::unexpected(begun.error());
  auto const copy = *begun;
  co_await read(copy);
  auto const finish = [objects = &host.objects, copy] {
    return objects->finish_check(std::move(*copy));
  };
  for (;;) {
    if (ended) co_return fail(Fault::cancelled, "cancelled");
    auto const finished = co_await on_disk(&host.disk, finish);
    if (finished || finished.error().fault != Fault::busy) co_return finished;
    co_await wait(check_retry_pause);
  }
}

// Until it could be begun, or there is nothing to check.
asio::awaitable<Result<std::shared_ptr<CopyCheck>>> CopyVerifier::State::begin(Digest digest) {
  auto const open = [objects = &host.objects, digest]() -> Result<std::shared_ptr<CopyCheck>> {
    return objects->begin_check(digest).map(
        [](CopyCheck&& check) { return std::make_shared<CopyCheck>(std::move(check)); });
  };
  for (bool complained = false;;) {
    if (ended) co_return fail(Fault::cancelled, "cancelled");
    auto begun = co_await on_disk(&host.disk, open);
    if (begun || begun.error().fault == Fault::not_found) co_return begun;
    if (!std::exchange(complained, true)) {
      log::warning(LogComponent::storage,
                   "a copy cannot be verified now, trying again: " + begun.error().message);
    }
    co_await wait(check_retry_pause);
  }
}

asio::awaitable<void> CopyVerifier::State::read(std::shared_ptr<CopyCheck> copy) {
  auto const advance = [copy]() -> Result<bool> { return copy->advance(piece_bytes); };
  Instant next = steady_now();
  while (!ended) {
    ByteCount const before = copy->read_so_far();
    auto const more = co_await on_disk(&host.disk, advance);
    std::uint64_t const read = (copy->read_so_far() - before).value();
    host.counters.bytes_verified += read;
    // What one piece took too long is not made up for: the disk is busy then.
    next = std::max(steady_now(), next + time_for(read));
    co_await wait(more ? next - steady_now() : check_retry_pause);
    if (more && !*more) co_return;
  }
}

asio::awaitable<void> CopyVerifier::State::wait(Duration duration) {
  if (ended || duration <= Duration{}) co_return;
  asio::error_code ignored;
  auto token = asio::redirect_error(asio::use_awaitable, ignored);
  pause.expires_after(duration);
  co_await pause.async_wait(token);
}

}  // namespace chisme::node
