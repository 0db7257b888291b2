#include "node/file_search.hpp"

#include <algorithm>
#include <numeric>
#include <utility>

#include "cluster/catalogue/expiry.hpp"
#include "node/clock.hpp"
#include "node/view_queries.hpp"
#include "web/names.hpp"

namespace chisme::node {
namespace {

web::FilePlace place_of(FileOrder::Row const& row) {
  return {row.value, row.file->name};
}

std::size_t first_of(FileOrder const& order, web::FilePage const& page) {
  auto first = order.rows.begin();
  auto const after = page.after ? web::parse_place(order.query.sort, *page.after) : std::nullopt;
  if (after) {
    auto const is_shown = [&](FileOrder::Row const& row) {
      return !web::comes_before(order.query, *after, place_of(row));
    };
    first = std::partition_point(first, order.rows.end(), is_shown);
  }
  auto const left = static_cast<std::uint64_t>(order.rows.end() - first);
  return order.rows.size() - left + std::min(page.offset, left);
}

// Those of one value stay in the order in which they are.
void sort_by_value(std::vector<FileOrder::Row>& rows, bool descending) {
  std::vector<std::pair<std::int64_t, std::size_t>> places;
  places.reserve(rows.size());
  for (std::size_t i = 0; i < rows.size(); ++i) {
    // The complement turns the order round, and cannot overflow.
    places.emplace_back(descending ? ~rows[i].value : rows[i].value, i);
  }
  std::ranges::sort(places);
  std::vector<FileOrder::Row> sorted;
  sorted.reserve(rows.size());
  for (auto const& [value, place] : places) sorted.push_back(rows[place]);
  rows = std::move(sorted);
}

}  // namespace

// The walk is by name already, so equals are told apart by their numbers.
FileOrder order_files(web::FileQuery query, cluster::CatalogueSnapshot const& snapshot,
                      WallTime now) {
  FileOrder order{std::move(query), snapshot, {}};
  web::FileQuery const& by = order.query;
  web::NameMatcher matcher{by.words};
  snapshot.walk_files(by.prefix, web::behind_internal, [&](cluster::PutRecord const& file) {
    if (!matcher.matches(file.name)) return;
    auto const expires = cluster::expiry_of(file);
    if (expires && *expires <= now) return;
    if (expires) order.expires = std::min(*expires, order.expires.value_or(*expires));
    order.rows.push_back({web::sort_value(by.sort, file.size, file.modified), &file});
  });
  if (by.sort != web::FileSort::name) {
    sort_by_value(order.rows, by.descending);
  } else if (by.descending) {
    std::ranges::reverse(order.rows);
  }
  return order;
}

web::FoundFiles page_of(FileOrder const& order, web::FilePage const& page,
                        cluster::ClusterView const& view, WallTime now) {
  web::FoundFiles found;
  found.total = order.rows.size();
  std::size_t const first = first_of(order, page);
  std::size_t const count = std::min(page.limit, order.rows.size() - first);
  for (std::size_t i = first; i < first + count; ++i) {
    cluster::PutRecord const& file = *order.rows[i].file;
    if (cluster::has_expired(file, now)) continue;
    found.files.push_back(file_info(view, {file, view.catalogue.holders(file.digest)}));
  }
  found.more = first + count < order.rows.size();
  return found;
}

FileSearch::Order FileSearch::kept(web::FileQuery const& query, cluster::ClusterView const& view,
                                   Instant now) {
  std::lock_guard const lock{mutex_};
  auto const found =
      std::ranges::find_if(kept_, [&](Kept const& kept) { return kept.order->query == query; });
  if (found == kept_.end()) return nullptr;
  FileOrder const& order = *found->order;
  bool const is_current = order.snapshot.has_same_names(view.catalogue) &&
                          (!order.expires || wall_now() < *order.expires);
  if (!is_current && now >= found->until) return nullptr;
  std::rotate(found, found + 1, kept_.end());
  return kept_.back().order;
}

void FileSearch::keep(Order order, Instant now, Instant until) {
  std::vector<Kept> forgotten;  // freed outside the lock
  std::lock_guard const lock{mutex_};
  auto const forget = [&](auto at) {
    forgotten.push_back(std::move(*at));
    kept_.erase(at);
  };
  auto const same = std::ranges::find_if(
      kept_, [&](Kept const& kept) { return kept.order->query == order->query; });
  if (same != kept_.end()) forget(same);
  // What is too old to be given again would hold on to files that are gone.
  for (std::size_t i = kept_.size(); i-- > 0;) {
    bool const current = kept_[i].order->snapshot.has_same_names(order->snapshot);
    if (!current && kept_[i].until <= now) {
      forget(kept_.begin() + static_cast<std::ptrdiff_t>(i));
    }
  }
  kept_.push_back({std::move(order), until});
  auto const rows = [&] {
    return std::accumulate(
        kept_.begin(), kept_.end(), std::size_t{0},
        [](std::size_t sum, Kept const& kept) { return sum + kept.order->rows.size(); });
  };
  while (kept_.size() > 1 && (kept_.size() > orders_max || rows() > rows_max)) {
    forget(kept_.begin());
  }
}

Result<void> FileSearch::make(web::FileQuery query, std::function<View()> view,
                              std::function<void(Order)> done) {
  auto const busy = [] { return fail(Fault::busy, "too many lists are being made"); };
  {
    std::lock_guard const lock{mutex_};
    if (waiting_ == waiting_max) return busy();
    ++waiting_;
  }
  auto const job = [this, query = std::move(query), view = std::move(view),
                    done = std::move(done)] {
    View const newest = view();
    Instant const begun = steady_now();
    Order order = kept(query, *newest, begun);  // the one before may have made it
    if (!order) {
      order = std::make_shared<FileOrder const>(order_files(query, newest->catalogue, wall_now()));
      Instant const made = steady_now();
      keep(order, made, made + 3 * (made - begun));
    }
    {
      std::lock_guard const lock{mutex_};
      --waiting_;
    }
    done(std::move(order));
  };
  if (lane_.post(job)) return {};
  std::lock_guard const lock{mutex_};
  --waiting_;
  return busy();
}

}  // namespace chisme::node
