#include <algorithm>
#include <utility>

#include "cluster/base/planted_bug.hpp"
#include "tests/simulation/host.hpp"

// Host: the copies that it keeps, and the transfers that bring them.
namespace chisme::simulation {

using namespace cluster;
using namespace std::chrono_literals;

namespace {

constexpr std::uint64_t bytes_per_second = 50'000'000;
constexpr std::uint64_t object_step = 2'500;  // microseconds: to sync an object, and its directory

}  // namespace

template <typename Done>
void Host::keep(ObjectStored const& object, Done done) {
  struct Keeping {
    ObjectStored object;
    std::string staged;
  };
  auto const keeping = std::make_shared<Keeping const>(Keeping{object, disk_->stage(object)});
  later(disk_time(object_step), [this, keeping, done] {
    if (fenced_) return done(false);
    disk_->sync_staged(keeping->staged);
    disk_->publish(keeping->staged, keeping->object);
    later(disk_time(object_step), [this, keeping, done] {
      if (fenced_) return done(false);
      disk_->sync_published(keeping->object);
      done(true);
    });
  });
}

void Host::store(ObjectStored const& object) {
  bool const lies = disk_full_ && planted(PlantedBug::full_disk_says_stored);
  if (!is_up() || fenced_ || (disk_full_ && !lies)) return;
  auto const shared = std::make_shared<ObjectStored const>(object);
  if (lies) {
    return later(0s, [this, shared] {
      keep(*shared, [this, shared](bool stored) {
        if (!stored) return;
        disk_->rot(shared->digest);
        give(*shared);
      });
    });
  }
  later(0s, [this, shared] {
    keep(*shared, [this, shared](bool stored) {
      if (stored) give(*shared);
    });
  });
}

void Host::start_transfer(StartTransfer effect) {
  if (!transfers_.insert(effect.transfer).second) {
    around_.violated(who() + "a transfer was started twice");
  }
  if (transfers_.size() > config().transfers_in_max) {
    around_.violated(Invariant::within_bounds, who() + "too many transfers at once");
  }
  auto fetch = std::make_shared<Fetch>();
  fetch->what = std::move(effect);
  try_source(std::move(fetch), 0);
}

void Host::try_source(FetchPtr fetch, std::size_t source) {
  StartTransfer const& what = fetch->what;
  if (source >= what.sources.size() || disk_full_ || fenced_)
    return end_transfer(std::move(fetch), false);
  Duration const round_trip = around_.network->delay() + around_.network->delay();
  auto const place = around_.network->place_at(what.sources[source].peer);
  Host const* const from = place ? around_.hosts[*place].get() : nullptr;
  bool const has_it = from != nullptr && from->is_up() && from->disk().holds(what.digest) &&
                      around_.network->connects(index_, from->index_);
  if (!has_it) {
    later(round_trip, [this, fetch, source] { try_source(fetch, source + 1); });
    return;
  }
  Duration const copying =
      std::chrono::microseconds{what.size.value() * 1'000'000 / bytes_per_second};
  later(round_trip + scaled(copying, std::max(slowness_, from->slowness_)),
        [this, fetch, source, from = *place, run = from->run()] {
          receive_object(fetch, source, from, run);
        });
}

void Host::receive_object(FetchPtr fetch, std::size_t source, unsigned from,
                          std::uint64_t from_run) {
  if (!transfers_.contains(fetch->what.transfer)) return;
  Host const& other = *around_.hosts[from];
  if (other.run() != from_run || !around_.network->connects(index_, from) ||
      !other.disk().holds(fetch->what.digest)) {
    return try_source(std::move(fetch), source + 1);
  }
  if (!other.disk().is_intact(fetch->what.digest)) {
    fetch->corrupt.push_back(fetch->what.sources[source].node);
    return try_source(std::move(fetch), source + 1);
  }
  keep_fetched(std::move(fetch), from);
}

void Host::keep_fetched(FetchPtr fetch, unsigned from) {
  ObjectStored const object{fetch->what.digest, fetch->what.size};
  keep(object, [this, fetch, from](bool stored) {
    if (!stored) return end_transfer(fetch, false);
    bool const breaks = fetch->what.digest.bytes[0] % 4 == 0;
    if (breaks && planted(PlantedBug::broken_transfer_counts)) disk_->rot(fetch->what.digest);
    around_.observer->fetched(*this, *around_.hosts[from], fetch->what.digest);
    give(ObjectStored{fetch->what.digest, fetch->what.size});
    end_transfer(fetch, true);
  });
}

void Host::end_transfer(FetchPtr fetch, bool succeeded) {
  later(succeeded ? 0s : 1ms, [this, fetch, succeeded] {
    if (transfers_.erase(fetch->what.transfer) == 0) return;  // it was cancelled
    give(TransferFinished{fetch->what.transfer, succeeded, fetch->corrupt});
  });
}

}  // namespace chisme::simulation
