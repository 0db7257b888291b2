#include "node/census.hpp"

#include <algorithm>
#include <utility>

#include "cluster/base/check.hpp"
#include "node/clock.hpp"
#include "node/view_queries.hpp"
#include "web/names.hpp"

namespace chisme::node {
namespace {

// Whether a count of one is a count of the other.
bool count_alike(cluster::ClusterView const& a, cluster::ClusterView const& b) {
  auto const same_life = [](cluster::MemberView const& one, cluster::MemberView const& other) {
    return one.alive.id == other.alive.id && is_live(one) == is_live(other);
  };
  return a.number == b.number ||
         (a.copies_wanted == b.copies_wanted && a.catalogue.has_same_files(b.catalogue) &&
          std::ranges::equal(a.members, b.members, same_life));
}

}  // namespace

Census::Count count_copies(cluster::ClusterView const& view) {
  Census::Count count;
  view.catalogue.walk_files("", "", [&](cluster::PutRecord const& file) {
    auto const holders = view.catalogue.holders(file.digest);
    if (web::is_internal(file.name)) ++count.internal;
    for (NodeId const holder : holders) ++count.copies[holder];
    std::uint32_t const copies = live_copies(view, holders);
    if (copies < view.copies_wanted) ++count.under_replicated;
    if (copies == 0) ++count.lost;
  });
  return count;
}

std::shared_ptr<Census::Count const> Census::latest() const {
  std::lock_guard const lock{mutex_};
  return count_;
}

bool Census::is_good(cluster::ClusterView const& view, Instant now) const {
  std::lock_guard const lock{mutex_};
  return counted_ && (now < good_until_ || count_alike(*counted_, view));
}

void Census::take(std::function<View()> view, Instant now, std::function<void()> done) {
  if (is_good(*view(), now)) return done();
  {
    std::lock_guard const lock{mutex_};
    waiting_.push_back(std::move(done));
    if (std::exchange(counting_, true)) return;
  }
  CHECK(thread_.post([this, view = std::move(view)] { count(view()); }));
}

void Census::count(View const& view) {
  Instant const begun = steady_now();
  auto made = std::make_shared<Count const>(count_copies(*view));
  Instant const ended = steady_now();
  std::vector<std::function<void()>> waited;
  {
    std::lock_guard const lock{mutex_};
    count_ = std::move(made);
    counted_ = view;
    good_until_ = ended + std::max(kept, 4 * (ended - begun));
    counting_ = false;
    waited = std::exchange(waiting_, {});
  }
  for (auto const& done : waited) done();
}

}  // namespace chisme::node
