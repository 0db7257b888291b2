#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include <map>
#include <set>

#include "cluster/base/random.hpp"
#include "cluster/catalogue/catalogue.hpp"
#include "tests/cluster/catalogue/nodes.hpp"

// The laws that let every node hear of changes in its own order: merging is commutative,
// associative and idempotent, so that all who have heard the same agree.
namespace chisme::cluster {
namespace {

using namespace testing;

// Records as three honest writers would make them: one content per dot, versions of their own.
std::vector<CatalogueRecord> history() {
  std::vector<CatalogueRecord> records;
  std::size_t const length = *rc::gen::inRange<std::size_t>(0, 40);
  std::map<std::uint64_t, std::uint64_t> names;
  std::map<std::uint64_t, std::uint64_t> holdings;
  std::set<std::pair<std::uint64_t, std::uint64_t>> versions;
  for (std::size_t i = 0; i < length; ++i) {
    auto const writer = *rc::gen::inRange<std::uint64_t>(1, 4);
    auto const content = *rc::gen::inRange<std::uint8_t>(1, 4);
    auto const kind = *rc::gen::inRange(0, 4);
    auto time = *rc::gen::inRange<std::uint64_t>(1, 20);
    while (!versions.insert({time, writer}).second) ++time;
    std::string const name(1, *rc::gen::inRange('a', 'd'));
    At const in_names{.writer = writer, .sequence = names[writer] + 1};
    At const in_holdings{.writer = writer, .sequence = holdings[writer] + 1};
    if (kind == 0) records.push_back(put(in_names, name, time, content));
    if (kind == 1) records.push_back(removal(in_names, name, time));
    if (kind == 2) records.push_back(have(in_holdings, content));
    if (kind == 3) records.push_back(drop(in_holdings, content));
    ++(kind < 2 ? names : holdings)[writer];
  }
  return records;
}

std::vector<CatalogueRecord> shuffled(std::vector<CatalogueRecord> records) {
  Random random{*rc::gen::arbitrary<std::uint64_t>()};
  for (std::size_t i = records.size(); i > 1; --i) {
    std::swap(records[i - 1], records[random.below(i)]);
  }
  return records;
}

Catalogue hearing(std::vector<CatalogueRecord> const& records) {
  Catalogue catalogue{node(9), Epoch{1}, {}, Instant{}};
  Effects out;
  for (CatalogueRecord const& record : records) catalogue.merge(record, Instant{}, out);
  return catalogue;
}

// Everything that can be known of a catalogue.
struct Tables {
  std::vector<PutRecord> files;
  std::vector<std::vector<NodeId>> holders;
  std::vector<CatalogueRecord> current;
  std::uint64_t fingerprint = 0;
  friend bool operator==(Tables const&, Tables const&) = default;
};
Tables tables(Catalogue const& catalogue) {
  Tables tables;
  for (FileEntry const& file : catalogue.snapshot().list("", "", 1000)) {
    tables.files.push_back(file.put);
    tables.holders.push_back(file.holders);
  }
  tables.current = catalogue.delta_for({}).records;
  tables.fingerprint = catalogue.fingerprint();
  return tables;
}

RC_GTEST_PROP(CatalogueLaws, AllWhoHeardTheSameInAnyOrderAgree, ()) {
  auto const records = history();
  RC_ASSERT(tables(hearing(records)) == tables(hearing(shuffled(records))));
}

RC_GTEST_PROP(CatalogueLaws, HearingTwiceChangesNothing, ()) {
  auto const records = history();
  auto twice = records;
  twice.insert(twice.end(), records.begin(), records.end());
  RC_ASSERT(tables(hearing(records)) == tables(hearing(shuffled(twice))));
}

RC_GTEST_PROP(CatalogueLaws, AnAnswerOfAntiEntropyIsAsGoodAsTheRecords, ()) {
  // Associativity: what two nodes learn of each other is what they would have learned themselves.
  auto const records = history();
  auto const cut = *rc::gen::inRange<std::size_t>(0, records.size() + 1);
  auto const middle = records.begin() + static_cast<std::ptrdiff_t>(cut);
  Catalogue left = hearing({records.begin(), middle});
  Catalogue right = hearing({middle, records.end()});
  Effects out;
  CatalogueDelta const answer = left.delta_for({});
  right.merge(answer, Catalogue::Source::any, Instant{}, out);
  RC_ASSERT(tables(right) == tables(hearing(records)));
}

RC_GTEST_PROP(CatalogueLaws, TheVersionOfANameNeverDecreases, ()) {
  auto const records = shuffled(history());
  Catalogue catalogue{node(9), Epoch{1}, {}, Instant{}};
  Effects out;
  std::map<std::string, Version> seen;
  for (CatalogueRecord const& record : records) {
    catalogue.merge(record, Instant{}, out);
    for (std::string const name : {"a", "b", "c"}) {
      CatalogueRecord const* const newest = catalogue.newest(name);
      if (newest == nullptr) continue;
      auto const* const put = std::get_if<PutRecord>(&newest->change);
      Version const version =
          put != nullptr ? put->version : std::get<DeleteRecord>(newest->change).version;
      RC_ASSERT(seen[name] <= version);
      seen[name] = version;
    }
  }
}

RC_GTEST_PROP(CatalogueLaws, FingerprintsDifferWhereContentsDo, ()) {
  auto const records = history();
  RC_PRE(!records.empty());
  auto fewer = records;
  fewer.pop_back();
  Catalogue const a = hearing(records);
  Catalogue const b = hearing(fewer);
  RC_ASSERT((a.fingerprint() == b.fingerprint()) == (tables(a) == tables(b)));
}

RC_GTEST_PROP(CatalogueLaws, ARestartFindsWhatWasSaved, ()) {
  auto const records = history();
  Catalogue catalogue{node(9), Epoch{1}, {}, Instant{}};
  Effects out;
  for (CatalogueRecord const& record : records) catalogue.merge(record, Instant{}, out);
  out.clear();
  catalogue.save(out);
  StoredCatalogue stored;
  for (Effect const& effect : out) {
    auto const& save = std::get<SaveCatalogue>(effect);
    stored.records.insert(stored.records.end(), save.records.begin(), save.records.end());
    stored.positions.insert(stored.positions.end(), save.positions.begin(), save.positions.end());
  }
  Catalogue const again{node(9), Epoch{2}, stored, Instant{}};
  RC_ASSERT(tables(again) == tables(catalogue));
}

// ---- Range sync, horizons and positions
// -------------------------------------------------------------

// How far the records' writers have come with their logs.
std::vector<LogPosition> ends(std::vector<CatalogueRecord> const& records) {
  LogPositions ends;
  for (CatalogueRecord const& record : records) ends.raise(position_of(record));
  return ends.list();
}

std::vector<CatalogueRecord> some_of(std::vector<CatalogueRecord> const& records) {
  Random random{*rc::gen::arbitrary<std::uint64_t>()};
  std::vector<CatalogueRecord> some;
  for (CatalogueRecord const& record : records) {
    if (random.chance(0.5)) some.push_back(record);
  }
  return some;
}

// Told these records, and that there are no others before `through`.
void tell_log(Catalogue& catalogue, std::vector<CatalogueRecord> const& records,
              std::vector<LogPosition> const& through) {
  Effects out;
  catalogue.merge({records, through}, Catalogue::Source::same_horizon, Instant{}, out);
}

Catalogue hearing_all(std::vector<CatalogueRecord> const& records) {
  Catalogue catalogue{node(9), Epoch{1}, {}, Instant{}};
  tell_log(catalogue, records, ends(records));
  return catalogue;
}

Horizon horizon_at(std::vector<CatalogueRecord> const& records) {
  return {{1, node(9)}, ends(records), {}};
}

void adopt(Catalogue& catalogue, Horizon const& horizon) {
  Effects out;
  catalogue.adopt(horizon, {}, Instant{}, out);
}

RC_GTEST_PROP(CatalogueLaws, RangeSyncLevelsWhatPositionsHide, ()) {
  auto const records = history();
  RC_PRE(!records.empty());
  Nodes nodes{9};
  Node one{8};
  Node two{9};
  nodes.join(one);
  nodes.join(two);
  auto const middle = records.begin() + static_cast<std::ptrdiff_t>(records.size() / 2);
  std::vector<CatalogueRecord> left{records.begin(), middle};
  std::vector<CatalogueRecord> right{middle, records.end()};
  for (CatalogueRecord const& record : some_of(records)) left.push_back(record);
  for (CatalogueRecord const& record : some_of(records)) right.push_back(record);
  tell_log(one.catalogue, shuffled(left), ends(records));
  tell_log(two.catalogue, shuffled(right), ends(records));
  nodes.run(std::chrono::seconds{30});
  RC_ASSERT(nodes.agree());
  Tables const all = tables(hearing(records));
  RC_ASSERT(tables(one.catalogue).files == all.files);
  RC_ASSERT(tables(two.catalogue).fingerprint == all.fingerprint);
}

RC_GTEST_PROP(CatalogueLaws, AHorizonTakesTombstonesAndNothingElse, ()) {
  auto const records = history();
  Catalogue catalogue = hearing_all(records);
  Tables const before = tables(catalogue);
  adopt(catalogue, horizon_at(records));
  Tables const after = tables(catalogue);
  RC_ASSERT(after.files == before.files);
  RC_ASSERT(after.holders == before.holders);
  for (CatalogueRecord const& record : after.current) RC_ASSERT(!is_tombstone(record));
  RC_ASSERT(!catalogue.is_filling());
}

RC_GTEST_PROP(CatalogueLaws, AfterAHorizonOldRecordsChangeNothingInAnyOrder, ()) {
  auto const records = history();
  Catalogue catalogue = hearing_all(records);
  adopt(catalogue, horizon_at(records));
  Tables const collected = tables(catalogue);
  Effects out;
  for (CatalogueRecord const& record : shuffled(records)) catalogue.merge(record, Instant{}, out);
  RC_ASSERT(tables(catalogue) == collected);
}

RC_GTEST_PROP(CatalogueLaws, ItDoesNotMatterWhetherAHorizonIsHeardBeforeOrAfterWhatFollowsIt, ()) {
  auto const records = history();
  auto const cut = *rc::gen::inRange<std::size_t>(0, records.size() + 1);
  auto const middle = records.begin() + static_cast<std::ptrdiff_t>(cut);
  std::vector<CatalogueRecord> const old{records.begin(), middle};
  std::vector<CatalogueRecord> young{middle, records.end()};
  // Whoever writes after all have passed a removal gives a greater version.
  for (CatalogueRecord& record : young) {
    if (auto* const put = std::get_if<PutRecord>(&record.change)) put->version.time += 100;
    if (auto* const removed = std::get_if<DeleteRecord>(&record.change))
      removed->version.time += 100;
  }
  Catalogue before = hearing_all(old);
  Catalogue after = before;
  adopt(before, horizon_at(old));
  tell_log(before, shuffled(young), ends(records));
  tell_log(after, shuffled(young), ends(records));
  adopt(after, horizon_at(old));
  RC_ASSERT(tables(before) == tables(after));
}

RC_GTEST_PROP(CatalogueLaws, WhoLacksWhatCameBeforeAHorizonIsToldAllOfIt, ()) {
  auto const records = history();
  RC_PRE(!records.empty());
  Nodes nodes{9};
  Node whole{8};
  Node away{9};
  nodes.join(whole);
  nodes.join(away);
  nodes.members.erase(nodes.members.begin(), nodes.members.begin() + 7);
  tell_log(whole.catalogue, records, ends(records));
  for (CatalogueRecord const& record : some_of(records)) tell(away, record);
  adopt(whole.catalogue, horizon_at(records));
  Tables const collected = tables(whole.catalogue);
  nodes.run(std::chrono::seconds{30});
  RC_ASSERT(nodes.agree());
  RC_ASSERT(tables(whole.catalogue).files == collected.files);
  RC_ASSERT(tables(away.catalogue).files == collected.files);
  RC_ASSERT(!away.catalogue.is_filling());
}

RC_GTEST_PROP(CatalogueLaws, PositionsAreTheSameInWhateverOrderTheyRise, ()) {
  auto const records = history();
  LogPositions one;
  LogPositions other;
  for (CatalogueRecord const& record : records) one.raise(position_of(record));
  for (CatalogueRecord const& record : shuffled(records)) {
    other.note(log_of(record.change), record.dot);
    other.raise(position_of(record));
  }
  for (LogPosition const& end : ends(shuffled(records))) other.raise(end);
  RC_ASSERT(one.list() == other.list());
}

}  // namespace
}  // namespace chisme::cluster
