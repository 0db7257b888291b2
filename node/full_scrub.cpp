#include "node/full_scrub.hpp"

#include <asio/post.hpp>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "node/log.hpp"
#include "node/storage/object_store.hpp"

namespace chisme::node {

struct FullScrub::State : std::enable_shared_from_this<FullScrub::State> {
  State(asio::io_context& loop, CopyVerifier::Host its_host)
      : control{loop}, host{std::move(its_host)} {}

  void begin();
  void next();
  void checked(Digest const& digest, Result<void> const& result);

  asio::io_context& control;
  CopyVerifier::Host host;
  std::optional<CopyVerifier> verifier;  // the control loop's, as the next two
  std::vector<StoredObject> copies;
  std::size_t at = 0;
  mutable std::mutex mutex;
  web::ScrubStatus status;
};

FullScrub::FullScrub(asio::io_context& control, CopyVerifier::Host host, ByteCount bytes_per_second)
    : state_{std::make_shared<State>(control, std::move(host))} {
  CopyVerifier::Host own = state_->host;
  own.on_verified = [weak = state_->weak_from_this()](Digest digest, Result<void> const& result) {
    if (auto const state = weak.lock()) state->checked(digest, result);
  };
  state_->verifier.emplace(control, std::move(own), bytes_per_second);
}

FullScrub::~FullScrub() {
  state_->verifier.reset();
}

void FullScrub::start() {
  {
    std::lock_guard const lock{state_->mutex};
    if (state_->status.running) return;
    state_->status = {};
    state_->status.running = true;
  }
  asio::post(state_->control, [weak = state_->weak_from_this()] {
    if (auto const state = weak.lock()) state->begin();
  });
}

web::ScrubStatus FullScrub::status() const {
  std::lock_guard const lock{state_->mutex};
  return state_->status;
}

void FullScrub::State::begin() {
  copies = host.objects.objects();
  at = 0;
  {
    std::lock_guard const lock{mutex};
    status.copies = copies.size();
    for (StoredObject const& copy : copies) status.bytes += copy.size;
  }
  log::info("a scrub of all " + std::to_string(copies.size()) + " copies begins");
  next();
}

// Its queue is empty, so that it takes one more.
void FullScrub::State::next() {
  if (!verifier) return;
  if (at < copies.size()) return static_cast<void>(verifier->verify(copies[at].digest));
  copies.clear();
  copies.shrink_to_fit();
  std::lock_guard const lock{mutex};
  status.running = false;
  log::info("the scrub of all copies is over: " + std::to_string(status.checked) + " read, " +
            std::to_string(status.damaged) + " damaged");
}

void FullScrub::State::checked(Digest const& digest, Result<void> const& result) {
  {
    std::lock_guard const lock{mutex};
    ++status.checked;
    status.bytes_checked += copies[at].size;
    if (!result && result.error().fault == Fault::corrupt) {
      ++status.damaged;
      bool const room = status.damaged_first.size() < web::ScrubStatus::damaged_told_max;
      if (room) status.damaged_first.push_back(digest);
    }
  }
  host.on_verified(digest, result);
  ++at;
  next();
}

}  // namespace chisme::node
