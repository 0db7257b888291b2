#include "node/prefix_quotas.hpp"

#include <algorithm>
#include <utility>

#include "cluster/base/check.hpp"
#include "node/clock.hpp"
#include "web/names.hpp"

namespace chisme::node {
namespace {

std::string refusal_of(PrefixQuota const& quota, std::int64_t used, std::int64_t more) {
  return "the files whose names begin with \"" + quota.prefix + "\" may have " +
         std::to_string(quota.limit.value()) + " bytes together and have " +
         std::to_string(std::max<std::int64_t>(used, 0)) + " of them: " + std::to_string(more) +
         " more do not fit";
}

std::uint64_t size_in(cluster::ClusterView const& view, std::string const& name) {
  auto const file = name.empty() ? std::nullopt : view.catalogue.find(name);
  return file ? file->put.size.value() : 0;
}

}  // namespace

// One set of quotas, with what is known of each. A claim keeps the one that it was made of.
struct PrefixQuotas::Table {
  struct Row {
    PrefixQuota quota;
    std::uint64_t counted = 0;
    // What was acknowledged here, less what went, since the count; and of that, what the count that
    // is being made has: acknowledged is what a view shows already.
    std::int64_t since = 0;
    std::int64_t since_at_count = 0;
    std::uint64_t arriving = 0;

    [[nodiscard]] std::int64_t used() const {
      return static_cast<std::int64_t>(counted) + since + static_cast<std::int64_t>(arriving);
    }
  };

  [[nodiscard]] std::uint64_t under(std::string_view name) const {
    std::uint64_t bits = 0;
    if (web::is_internal(name)) return bits;
    for (std::size_t i = 0; i < rows.size(); ++i) {
      if (name.starts_with(rows[i].quota.prefix)) bits |= std::uint64_t{1} << i;
    }
    return bits;
  }
  template <class Visit>
  void each(std::uint64_t bits, Visit&& visit) {
    for (std::size_t i = 0; i < rows.size(); ++i) {
      if ((bits >> i & 1) != 0) visit(rows[i]);
    }
  }
  [[nodiscard]] bool is_good(cluster::ClusterView const& view, Instant now) const {
    if (!counted) return false;
    if (now < good_until) return true;
    bool const nothing_since =
        std::ranges::all_of(rows, [](Row const& row) { return row.since == 0; });
    return nothing_since && counted->catalogue.has_same_names(view.catalogue);
  }
  void count(std::function<View()> const& newest);

  mutable std::mutex mutex;
  std::vector<Row> rows;  // their quotas never change
  std::shared_ptr<std::atomic<std::uint64_t>> refused;
  View counted;  // null: nothing yet
  Instant good_until{};
  bool counting = false;
  std::vector<std::function<void()>> waiting;  // for the count that is under way
};

void PrefixQuotas::Table::count(std::function<View()> const& newest) {
  Instant const begun = steady_now();
  {
    std::lock_guard const lock{mutex};
    for (Row& row : rows) row.since_at_count = row.since;
  }
  View const view = newest();
  std::vector<std::uint64_t> sums;
  for (Row const& row : rows) {
    std::uint64_t& sum = sums.emplace_back(0);
    view->catalogue.walk_files(row.quota.prefix, "", [&](cluster::PutRecord const& file) {
      if (!web::is_internal(file.name)) sum += file.size.value();
    });
  }
  Instant const ended = steady_now();
  std::vector<std::function<void()>> waited;
  {
    std::lock_guard const lock{mutex};
    for (std::size_t i = 0; i < rows.size(); ++i) {
      rows[i].counted = sums[i];
      rows[i].since -= rows[i].since_at_count;
    }
    counted = view;
    good_until = ended + std::max(kept, 4 * (ended - begun));
    counting = false;
    waited = std::exchange(waiting, {});
  }
  for (auto const& done : waited) done();
}

// ---- Claims ------------------------------------------------------------------------------------

PrefixQuotas::Claim::Claim(std::shared_ptr<Table> table, Wish wish,
                           cluster::ClusterView const& view)
    : table_{std::move(table)},
      wish_{std::move(wish)},
      under_{table_->under(wish_.name)},
      replaced_{size_in(view, wish_.name)},
      freed_{wish_.instead_of == wish_.name ? 0 : size_in(view, wish_.instead_of)},
      freed_under_{table_->under(wish_.instead_of)} {}

PrefixQuotas::Claim::~Claim() {
  std::lock_guard const lock{table_->mutex};
  table_->each(under_, [&](Table::Row& row) { row.arriving -= size_.value(); });
}

Result<void> PrefixQuotas::Claim::grow(ByteCount received) {
  ByteCount const size = std::max(wish_.size, wish_.before + received);
  return size > size_ ? take(size) : Result<void>{};
}

// What it takes the place of is counted once more until it is stored: it may not come to that.
Result<void> PrefixQuotas::Claim::take(ByteCount size) {
  auto const more = static_cast<std::int64_t>(size.value() - size_.value());
  std::lock_guard const lock{table_->mutex};
  Result<void> fits;
  std::size_t at = 0;
  for (Table::Row const& row : table_->rows) {
    std::uint64_t const bit = std::uint64_t{1} << at++;
    if ((under_ & bit) == 0 || wish_.is_acknowledged) continue;
    std::uint64_t const goes = replaced_ + ((freed_under_ & bit) != 0 ? freed_ : 0);
    // Who makes a file smaller is never refused.
    bool const shrinks = size.value() <= goes;
    std::int64_t const used = row.used() - static_cast<std::int64_t>(goes);
    bool const is_over = used + more > static_cast<std::int64_t>(row.quota.limit.value());
    if (shrinks || !is_over) continue;
    fits =
        fail(Fault::no_space, refusal_of(row.quota, used - static_cast<std::int64_t>(size_.value()),
                                         static_cast<std::int64_t>(size.value())));
    break;
  }
  if (!fits) {
    ++*table_->refused;
    return fits;
  }
  table_->each(under_, [&](Table::Row& row) { row.arriving += static_cast<std::uint64_t>(more); });
  size_ = size;
  return fits;
}

void PrefixQuotas::Claim::stored(ByteCount size) {
  std::lock_guard const lock{table_->mutex};
  CHECK(!is_stored_);
  is_stored_ = true;
  auto const added = static_cast<std::int64_t>(size.value()) - static_cast<std::int64_t>(replaced_);
  table_->each(under_, [&](Table::Row& row) {
    row.arriving -= size_.value();
    row.since += added;
  });
  // What goes now is taken off twice, here and by `removed`, until the next count.
  table_->each(under_ & freed_under_,
               [&](Table::Row& row) { row.since -= static_cast<std::int64_t>(freed_); });
  size_ = ByteCount{};
}

// ---- All of them -------------------------------------------------------------------------------

PrefixQuotas::PrefixQuotas(std::vector<PrefixQuota> quotas, std::function<View()> newest)
    : newest_{std::move(newest)},
      refused_{std::make_shared<std::atomic<std::uint64_t>>(std::uint64_t{0})} {
  change(std::move(quotas));
}

void PrefixQuotas::change(std::vector<PrefixQuota> quotas) {
  CHECK(quotas.size() <= PrefixQuota::quotas_max);
  auto made = std::make_shared<Table>();
  for (PrefixQuota& quota : quotas) made->rows.emplace_back().quota = std::move(quota);
  made->refused = refused_;
  std::lock_guard const lock{mutex_};
  table_ = std::move(made);
}

std::shared_ptr<PrefixQuotas::Table> PrefixQuotas::table() const {
  std::lock_guard const lock{mutex_};
  return table_;
}

bool PrefixQuotas::concern(std::string_view name) const {
  return table()->under(name) != 0;
}

void PrefixQuotas::count(Instant now, std::function<void()> done) {
  auto const its = table();
  if (its->rows.empty()) return done();
  View const view = newest_();
  {
    std::unique_lock lock{its->mutex};
    if (its->is_good(*view, now)) {
      lock.unlock();
      return done();
    }
    its->waiting.push_back(std::move(done));
    if (std::exchange(its->counting, true)) return;
  }
  CHECK(thread_.post([its, newest = newest_] { its->count(newest); }));
}

Result<std::shared_ptr<PrefixQuotas::Claim>> PrefixQuotas::claim(Wish wish) {
  auto const made = std::make_shared<Claim>(table(), std::move(wish), *newest_());
  auto const taken = made->grow(ByteCount{});
  if (!taken) return tl::unexpected(taken.error());
  return made;
}

void PrefixQuotas::removed(std::string_view name, ByteCount size) {
  auto const its = table();
  std::lock_guard const lock{its->mutex};
  its->each(its->under(name),
            [&](Table::Row& row) { row.since -= static_cast<std::int64_t>(size.value()); });
}

std::vector<web::PrefixUse> PrefixQuotas::uses() const {
  auto const its = table();
  std::lock_guard const lock{its->mutex};
  std::vector<web::PrefixUse> uses;
  for (Table::Row const& row : its->rows) {
    auto const used = static_cast<std::uint64_t>(std::max<std::int64_t>(row.used(), 0));
    uses.push_back({row.quota.prefix, row.quota.limit, ByteCount{used}});
  }
  return uses;
}

std::uint64_t PrefixQuotas::refused() const {
  return *refused_;
}

}  // namespace chisme::node
