#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include <map>
#include <set>

#include "cluster/base/random.hpp"
#include "cluster/catalogue/catalogue.hpp"
#include "tests/cluster/catalogue/records.hpp"

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

}  // namespace
}  // namespace chisme::cluster
