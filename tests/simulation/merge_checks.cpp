#include "tests/simulation/merge_checks.hpp"

#include <algorithm>
#include <map>
#include <utility>

#include "cluster/base/overloaded.hpp"
#include "cluster/catalogue/catalogue.hpp"

namespace chisme::simulation {

using namespace cluster;

namespace {

struct Merged {
  std::vector<CatalogueRecord> names;
  std::vector<std::vector<NodeId>> holders;  // of the objects in `names`
  decltype(std::declval<Catalogue>().fingerprint()) fingerprint{};
  friend bool operator==(Merged const&, Merged const&) = default;
};

Merged contents_of(Catalogue const& catalogue) {
  Merged merged{catalogue.snapshot().newest_changes(), {}, catalogue.fingerprint()};
  for (CatalogueRecord const& record : merged.names) {
    auto const* const put = std::get_if<PutRecord>(&record.change);
    if (put != nullptr) merged.holders.push_back(catalogue.snapshot().holders(put->digest));
  }
  return merged;
}

// As a node does that wrote none of it.
Catalogue stranger() {
  return Catalogue{NodeId{~0ull, ~0ull}, Epoch{1}, StoredCatalogue{}, Instant{}};
}

Merged merged_one_by_one(std::vector<CatalogueRecord> const& records) {
  Catalogue catalogue = stranger();
  Effects ignored;
  for (CatalogueRecord const& record : records) catalogue.merge(record, Instant{}, ignored);
  return contents_of(catalogue);
}

// News merges freely once each node's first Alive is known: `first` brings those.
std::map<NodeId, NewsKey> merged(std::vector<News> const& first, std::vector<News> const& news) {
  MemberTable table;
  for (News const& alive : first) table.apply(alive, Instant{});
  for (News const& one : news) table.apply(one, Instant{});
  std::map<NodeId, NewsKey> keys;
  for (auto const& [id, member] : table.all()) keys[id] = key_of(member);
  return keys;
}

}  // namespace

template <class T>
void MergeChecks::keep(T const& item, Sampled<T>& sampled) {
  ++sampled.seen;
  if (sampled.kept.size() < sample) {
    sampled.kept.push_back(item);
  } else if (std::uint64_t const at = random_.below(sampled.seen); at < sample) {
    sampled.kept[at] = item;
  }
}

void MergeChecks::sends(Message const& message) {
  std::visit(Overloaded{[&](Gossip const& m) { sends(m.records); },
                        [&](Ping const& m) { sends(m.piggyback); },
                        [&](Ack const& m) { sends(m.piggyback); },
                        [&](CatalogueDelta const& m) {
                          for (CatalogueRecord const& change : m.records) keep(change, changes_);
                        },
                        [&](CatalogueAnswer const& m) {
                          for (CatalogueRecord const& change : m.delta.records) {
                            keep(change, changes_);
                          }
                        },
                        [&](PushPull const& m) {
                          keep(News{m.self}, news_);
                          for (MemberRecord const& member : m.members) sends(member);
                        },
                        [&](MembersDelta const& m) {
                          keep(News{m.self}, news_);
                          for (MemberRecord const& member : m.members) sends(member);
                        },
                        [&](RangeSync const& m) {
                          for (CatalogueRecord const& change : m.records) keep(change, changes_);
                        },
                        [&](LookupAnswer const& m) {
                          for (CatalogueRecord const& change : m.records) keep(change, changes_);
                        },
                        [](auto const&) {}},
             message);
}

void MergeChecks::sends(std::vector<Record> const& records) {
  for (Record const& record : records) {
    std::visit(
        Overloaded{[&](CatalogueRecord const& change) { keep(change, changes_); },
                   [](LoadRecord const&) {}, [&](auto const& news) { keep(News{news}, news_); }},
        record);
  }
}

void MergeChecks::sends(MemberRecord const& record) {
  AliveRecord const& alive = record.alive;
  if (record.state == MemberState::alive) keep(News{alive}, news_);
  if (record.state == MemberState::dead) {
    keep(News{DeadRecord{alive.id, alive.epoch, alive.incarnation, {}}}, news_);
  }
}

template <class T>
std::vector<T> MergeChecks::shuffled_twice(std::vector<T> items) {
  std::vector<T> twice = items;
  twice.insert(twice.end(), items.begin(), items.end());
  for (std::size_t i = twice.size(); i > 1; --i) std::swap(twice[i - 1], twice[random_.below(i)]);
  return twice;
}

void MergeChecks::compare() {
  compare_catalogues();
  compare_members();
}

void MergeChecks::compare_catalogues() {
  std::vector<CatalogueRecord> const& records = changes_.kept;
  Merged const wanted = merged_one_by_one(records);
  std::vector<CatalogueRecord> const backwards{records.rbegin(), records.rend()};
  std::vector<CatalogueRecord> const twice = shuffled_twice(records);
  if (merged_one_by_one(backwards) != wanted) {
    around_.violated(Invariant::merges_commute, "catalogues depend on the order of records");
  }
  if (merged_one_by_one(twice) != wanted) {
    around_.violated(Invariant::merges_commute, "catalogues depend on how often records come");
  }
}

void MergeChecks::compare_members() {
  std::vector<News> first;
  for (News const& one : news_.kept) {
    auto const* const alive = std::get_if<AliveRecord>(&one);
    if (alive == nullptr) continue;
    AliveRecord earliest = *alive;
    earliest.epoch = Epoch{};
    earliest.incarnation = Incarnation{};
    first.emplace_back(earliest);
  }
  std::vector<News> const backwards{news_.kept.rbegin(), news_.kept.rend()};
  auto const wanted = merged(first, news_.kept);
  if (merged(first, backwards) == wanted && merged(first, shuffled_twice(news_.kept)) == wanted) {
    return;
  }
  around_.violated(Invariant::merges_commute, "member tables depend on the order of news");
}

}  // namespace chisme::simulation
