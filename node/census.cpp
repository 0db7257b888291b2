#include "node/census.hpp"

#include <algorithm>
#include <string>

#include "node/clock.hpp"
#include "node/view_queries.hpp"
#include "web/names.hpp"

namespace chisme::node {
namespace {

constexpr std::size_t page_files = 1000;

Census::Count count(cluster::ClusterView const& view) {
  Census::Count result;
  std::string after;
  for (;;) {
    auto const files = view.catalogue.list("", after, page_files);
    for (cluster::FileEntry const& file : files) {
      if (web::is_internal(file.put.name)) ++result.internal;
      for (NodeId const holder : file.holders) ++result.copies[holder];
      std::uint32_t const copies = live_copies(view, file.holders);
      if (copies < view.copies_wanted) ++result.under_replicated;
      if (copies == 0) ++result.lost;
    }
    if (files.size() < page_files) return result;
    after = files.back().put.name;
  }
}

}  // namespace

std::shared_ptr<Census::Count const> Census::take(cluster::ClusterView const& view, Instant now) {
  std::lock_guard const lock{mutex_};
  if (count_ && (number_ == view.number || now < keep_until_)) return count_;
  Instant const begun = steady_now();
  count_ = std::make_shared<Count const>(count(view));
  number_ = view.number;
  keep_until_ = now + std::max(kept, 10 * (steady_now() - begun));
  return count_;
}

}  // namespace chisme::node
