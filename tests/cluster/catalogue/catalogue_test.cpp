#include "cluster/catalogue/catalogue.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "cluster/config.hpp"
#include "tests/cluster/catalogue/records.hpp"

namespace chisme::cluster {
namespace {

using namespace std::chrono_literals;
using namespace testing;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr Instant start{};

Catalogue catalogue_of(std::uint64_t self, StoredCatalogue stored = {}, std::uint32_t epoch = 1) {
  return Catalogue{node(self), Epoch{epoch}, std::move(stored), start};
}

void save_all(Catalogue& catalogue) {
  Effects out;
  catalogue.saved(catalogue.save(out));
}

template <class T>
std::vector<T> all(Effects const& effects) {
  std::vector<T> found;
  for (Effect const& effect : effects) {
    if (auto const* const match = std::get_if<T>(&effect)) found.push_back(*match);
  }
  return found;
}

std::vector<std::string> names(std::vector<FileEntry> const& files) {
  std::vector<std::string> names;
  for (FileEntry const& file : files) names.push_back(file.put.name);
  return names;
}

TEST(Catalogue, TheLastWriterWinsInWhateverOrderItIsHeard) {
  Catalogue catalogue = catalogue_of(9);
  Effects out;
  EXPECT_TRUE(catalogue.merge(put({.writer = 2}, "a", 20, 2), start, out));
  EXPECT_FALSE(catalogue.merge(put({.writer = 1}, "a", 10, 1), start, out));
  EXPECT_EQ(catalogue.file("a")->digest, digest(2));
  EXPECT_EQ(all<Announce>(out).size(), 1u);
}

TEST(Catalogue, ARemovedNameStaysRemoved) {
  Catalogue catalogue = catalogue_of(9);
  Effects out;
  catalogue.merge(removal({.writer = 2}, "a", 20), start, out);
  catalogue.merge(put({.writer = 1}, "a", 10), start, out);
  EXPECT_EQ(catalogue.file("a"), nullptr);
  EXPECT_NE(catalogue.newest("a"), nullptr);
  EXPECT_EQ(catalogue.snapshot().size(), 0u);
  EXPECT_TRUE(catalogue.objects().empty());
}

TEST(Catalogue, ASnapshotListsFilesByPrefixAfterANameWithoutTombstones) {
  Catalogue catalogue = catalogue_of(9);
  Effects out;
  std::uint64_t sequence = 0;
  for (char const* name : {"a/1", "a/2", "a/3", "b", "a"}) {
    catalogue.merge(put({.sequence = ++sequence}, name, 10), start, out);
  }
  catalogue.merge(removal({.sequence = ++sequence}, "a/2", 20), start, out);
  CatalogueSnapshot const snapshot = catalogue.snapshot();
  catalogue.merge(put({.sequence = ++sequence}, "a/4", 10), start, out);
  EXPECT_THAT(names(snapshot.list("", "", 10)), ElementsAre("a", "a/1", "a/3", "b"));
  EXPECT_THAT(names(snapshot.list("a/", "", 10)), ElementsAre("a/1", "a/3"));
  EXPECT_THAT(names(snapshot.list("a/", "a/1", 10)), ElementsAre("a/3"));
  EXPECT_THAT(names(snapshot.list("", "a", 2)), ElementsAre("a/1", "a/3"));
  EXPECT_THAT(names(snapshot.list("b", "c", 2)), IsEmpty());
  EXPECT_THAT(names(snapshot.list("", "", 0)), IsEmpty());
  EXPECT_EQ(snapshot.size(), 4u);
}

TEST(Catalogue, HoldersComeAndGoByTheirOwnWord) {
  Catalogue catalogue = catalogue_of(9);
  Effects out;
  catalogue.merge(have({.writer = 2, .sequence = 1}), start, out);
  catalogue.merge(have({.writer = 1, .sequence = 1}), start, out);
  EXPECT_THAT(catalogue.snapshot().holders(digest(1)), ElementsAre(node(1), node(2)));
  catalogue.merge(drop({.writer = 2, .sequence = 3}), start, out);
  catalogue.merge(have({.writer = 2, .sequence = 2}), start, out);
  EXPECT_THAT(catalogue.snapshot().holders(digest(1)), ElementsAre(node(1)));
  catalogue.merge(have({.writer = 2, .sequence = 1, .epoch = 2}), start, out);
  EXPECT_THAT(catalogue.snapshot().holders(digest(1)), ElementsAre(node(1), node(2)));
}

TEST(Catalogue, IsOutlivedOnceItHearsWhatThisNodeHasWrittenLater) {
  Effects out;
  Catalogue by_record = catalogue_of(1, {}, 3);
  by_record.object_stored({digest(1), ByteCount{10}});
  save_all(by_record);
  by_record.merge(put({.writer = 1, .sequence = 7, .epoch = 2}, "a", 10), start, out);
  by_record.merge(have({.writer = 1, .sequence = 1, .epoch = 3}), start, out);
  by_record.merge(put({.writer = 2, .epoch = 5}, "b", 10), start, out);
  EXPECT_FALSE(by_record.is_outlived());
  by_record.merge(have({.writer = 1, .sequence = 2, .epoch = 3}), start, out);
  EXPECT_TRUE(by_record.is_outlived());

  LogPosition const later{node(1), LogKind::names, Epoch{4}, 1};
  Catalogue by_position = catalogue_of(1, {}, 3);
  by_position.merge({.records = {}, .through = {later}}, Catalogue::Source::any, start, out);
  EXPECT_TRUE(by_position.is_outlived());

  Catalogue by_horizon = catalogue_of(1, {}, 3);
  by_horizon.adopt(Horizon{{1, node(2)}, {later}, {}}, {}, start, out);
  EXPECT_TRUE(by_horizon.is_outlived());
}

TEST(Catalogue, WhatIsFencedHasNothingToSaveWhateverHorizonItTakes) {
  Effects out;
  Catalogue catalogue = catalogue_of(1);
  catalogue.merge(put({.writer = 2}, "a", 10), start, out);
  catalogue.fence();
  catalogue.adopt(Horizon{{1, node(2)}, {}, {}}, {}, start, out);
  out.clear();
  catalogue.save_if_due(start + 1s, out);
  EXPECT_THAT(out, IsEmpty());
  EXPECT_EQ(catalogue.deadline(), std::nullopt);
}

TEST(Catalogue, IsOutlivedFromItsStartUntilItStartsLaterThanWhatIsOnItsDisk) {
  StoredCatalogue by_position;
  by_position.positions = {{node(1), LogKind::names, Epoch{4}, 1}};
  // What another copy of its disk wrote does not follow what it wrote itself.
  StoredCatalogue by_record;
  by_record.records = {have({.writer = 1, .sequence = 2, .epoch = 4})};
  for (StoredCatalogue const& stored : {by_position, by_record}) {
    EXPECT_TRUE(catalogue_of(1, stored, 3).is_outlived());
    EXPECT_TRUE(catalogue_of(1, stored, 4).is_outlived());
    EXPECT_FALSE(catalogue_of(1, stored, 5).is_outlived());
  }
}

TEST(Catalogue, OthersHearOfAnOwnRecordOnlyOnceItIsDurable) {
  Catalogue catalogue = catalogue_of(1);
  catalogue.object_stored({digest(1), ByteCount{10}});
  Effects out;
  SaveId const save = catalogue.save(out);
  ASSERT_EQ(all<SaveCatalogue>(out).size(), 1u);
  EXPECT_EQ(all<SaveCatalogue>(out)[0].records.size(), 1u);
  EXPECT_THAT(catalogue.take_fresh(), IsEmpty());
  EXPECT_THAT(catalogue.delta_for({}).records, IsEmpty());
  EXPECT_FALSE(catalogue.durable_holding(digest(1)));
  catalogue.saved(save);
  EXPECT_THAT(catalogue.take_fresh(), ElementsAre(have({.writer = 1, .sequence = 1})));
  EXPECT_THAT(catalogue.delta_for({}).records, ElementsAre(have({.writer = 1, .sequence = 1})));
  EXPECT_TRUE(catalogue.durable_holding(digest(1)));
}

TEST(Catalogue, AnotherNodesRecordIsPassedOnAtOnceAndSavedSoon) {
  Catalogue catalogue = catalogue_of(1);
  Effects out;
  catalogue.merge(put({.writer = 2}, "a", 10), start, out);
  EXPECT_EQ(catalogue.take_fresh().size(), 1u);
  catalogue.save_if_due(start, out);
  EXPECT_THAT(all<SaveCatalogue>(out), IsEmpty());
  ASSERT_TRUE(catalogue.deadline());
  catalogue.save_if_due(*catalogue.deadline(), out);
  EXPECT_EQ(all<SaveCatalogue>(out).size(), 1u);
  EXPECT_FALSE(catalogue.deadline());
}

TEST(Catalogue, LongRecordsAreLeftToAntiEntropy) {
  Catalogue catalogue = catalogue_of(1);
  Effects out;
  catalogue.merge(put({.writer = 2}, std::string(1000, 'x'), 10), start, out);
  EXPECT_THAT(catalogue.take_fresh(), IsEmpty());
  EXPECT_EQ(catalogue.delta_for({}).records.size(), 1u);
}

TEST(Catalogue, ADraftIsInvisibleUntilItIsFinished) {
  Catalogue catalogue = catalogue_of(1);
  Effects out;
  Version const version = catalogue.next_version("a", start);
  CatalogueRecord const draft =
      catalogue.draft(PutRecord{"a", version, ByteCount{10}, digest(1), "", WallTime{}});
  catalogue.persist(draft);
  save_all(catalogue);
  EXPECT_EQ(catalogue.file("a"), nullptr);
  EXPECT_THAT(catalogue.take_fresh(), IsEmpty());
  catalogue.finish(draft, start, out);
  EXPECT_NE(catalogue.file("a"), nullptr);
  EXPECT_THAT(catalogue.take_fresh(), ElementsAre(draft));
}

TEST(Catalogue, OthersDoNotPassOverADraftThatIsStillOpen) {
  Catalogue catalogue = catalogue_of(1);
  Effects out;
  auto const draft = [&](std::string name) {
    Version const version = catalogue.next_version(name, start);
    return catalogue.draft(PutRecord{name, version, ByteCount{1}, digest(1), "", WallTime{}});
  };
  CatalogueRecord const first = draft("a");
  CatalogueRecord const second = draft("b");
  CatalogueRecord const third = draft("c");
  catalogue.finish(second, start, out);
  CatalogueDelta const early = catalogue.delta_for({});
  EXPECT_THAT(early.records, ElementsAre(second));
  EXPECT_THAT(early.through, IsEmpty());
  catalogue.finish(first, start, out);
  catalogue.discard(third);
  CatalogueDelta const late = catalogue.delta_for({});
  EXPECT_THAT(late.records, ElementsAre(first, second));
  EXPECT_THAT(late.through, ElementsAre(LogPosition{node(1), LogKind::names, Epoch{1}, 3}));
}

TEST(Catalogue, VersionsGrowPastWhatIsStoredAndPastOpenDrafts) {
  Catalogue catalogue = catalogue_of(1);
  Effects out;
  std::uint64_t const far = std::uint64_t{1} << 60;
  catalogue.merge(put({.writer = 2}, "a", far), start, out);
  Version const first = catalogue.next_version("a", start);
  EXPECT_GT(first.time, far);
  CatalogueRecord const draft = catalogue.draft(DeleteRecord{"a", first, WallTime{}});
  EXPECT_GT(catalogue.next_version("a", start).time, first.time);
  // The clock itself does not follow so far.
  EXPECT_LT(catalogue.next_version("b", start).time, far);
  catalogue.discard(draft);
}

// Holders had the version of the first run when it ended; the second never heard of it.
TEST(Catalogue, AVersionThatALostRunGaveIsNotGivenAgain) {
  StoredCatalogue stored;
  stored.records.push_back(put({.writer = 2}, "a", std::uint64_t{1} << 60));
  Catalogue first(node(1), Epoch{1}, stored, start);
  Catalogue second(node(1), Epoch{2}, stored, start);
  EXPECT_NE(first.next_version("a", start), second.next_version("a", start));
  EXPECT_NE(first.next_version("b", start), second.next_version("b", start));
}

TEST(Catalogue, AWriteFromTheFarFutureIsNotAcknowledged) {
  Catalogue catalogue = catalogue_of(1);
  auto const version = [](std::chrono::milliseconds at) {
    return Version{static_cast<std::uint64_t>(at.count()) << 16, node(2)};
  };
  EXPECT_FALSE(catalogue.is_too_far_ahead("a", version(59s), start));
  EXPECT_TRUE(catalogue.is_too_far_ahead("a", version(61s), start));
  // A name that is there already stays writable.
  Effects out;
  catalogue.merge(put({.writer = 2}, "a", version(61s).time), start, out);
  EXPECT_FALSE(catalogue.is_too_far_ahead("a", version(61s), start));
}

TEST(Catalogue, AtItsStartItSaysWhatTheDiskSays) {
  Catalogue catalogue = catalogue_of(
      1,
      {.records = {have({.writer = 1, .sequence = 1}, 1), have({.writer = 1, .sequence = 2}, 2)},
       .positions = {{node(1), LogKind::holdings, Epoch{1}, 2}},
       .objects = {{digest(2), ByteCount{10}}, {digest(3), ByteCount{10}}},
       .wall = {},
       .horizon = {}},
      2);
  save_all(catalogue);
  EXPECT_THAT(catalogue.take_fresh(), ElementsAre(drop({.sequence = 1, .epoch = 2}, 1),
                                                  have({.sequence = 2, .epoch = 2}, 3)));
  EXPECT_THAT(catalogue.snapshot().holders(digest(1)), IsEmpty());
}

TEST(Catalogue, AnOwnHaveThatComesBackWithoutItsObjectIsDropped) {
  Catalogue lost = catalogue_of(1, {}, 2);
  Effects out;
  lost.merge({.records = {have({.writer = 1, .sequence = 7})}, .through = {}},
             Catalogue::Source::any, start, out);
  EXPECT_THAT(lost.snapshot().holders(digest(1)), IsEmpty());
  save_all(lost);
  EXPECT_THAT(lost.take_fresh(), ::testing::Contains(drop({.sequence = 1, .epoch = 2})));
}

TEST(Catalogue, ADeltaHoldsWhatTheAskerLacksAndNothingSuperseded) {
  Catalogue ours = catalogue_of(1);
  Effects out;
  ours.merge({.records = {put({.writer = 2, .sequence = 1}, "a", 10),
                          put({.writer = 2, .sequence = 2}, "a", 20),
                          put({.writer = 2, .sequence = 3}, "b", 30)},
              .through = {{node(2), LogKind::names, Epoch{1}, 3}}},
             Catalogue::Source::any, start, out);
  EXPECT_THAT(ours.delta_for({}).records, ElementsAre(put({.writer = 2, .sequence = 2}, "a", 20),
                                                      put({.writer = 2, .sequence = 3}, "b", 30)));
  CatalogueDelta const rest = ours.delta_for({{node(2), LogKind::names, Epoch{1}, 2}});
  EXPECT_THAT(rest.records, ElementsAre(put({.writer = 2, .sequence = 3}, "b", 30)));
  EXPECT_THAT(rest.through, ElementsAre(LogPosition{node(2), LogKind::names, Epoch{1}, 3}));
  EXPECT_THAT(ours.delta_for(ours.positions()).through, IsEmpty());
}

TEST(Catalogue, ALargeDifferenceIsMadeUpInMessagesOfBoundedSize) {
  Catalogue full = catalogue_of(1);
  Effects out;
  constexpr std::uint64_t files = 3000;
  for (std::uint64_t i = 1; i <= files; ++i) {
    std::string const name = std::string(900, 'x') + std::to_string(i);
    full.merge(put({.writer = 2, .sequence = i}, name, i), start, out);
    full.merge(have({.writer = 3, .sequence = i}, static_cast<std::uint8_t>(i % 200)), start, out);
  }
  full.merge({.records = {},
              .through = {{node(2), LogKind::names, Epoch{1}, files},
                          {node(3), LogKind::holdings, Epoch{1}, files}}},
             Catalogue::Source::any, start, out);
  Catalogue empty = catalogue_of(4);
  int messages = 0;
  while (empty.fingerprint() != full.fingerprint()) {
    CatalogueDelta const delta = full.delta_for(empty.positions());
    ASSERT_LT(delta.records.size() * 900, stream_message_bytes_max);
    ASSERT_FALSE(delta.records.empty()) << "no progress";
    empty.merge(delta, Catalogue::Source::any, start, out);
    ++messages;
  }
  EXPECT_GT(messages, 3);
  EXPECT_LT(messages, 12);
  EXPECT_EQ(empty.positions(), full.positions());
}

TEST(Catalogue, AnObjectIsInUseWhileANameRefersToIt) {
  Catalogue catalogue = catalogue_of(9);
  Effects out;
  catalogue.merge(put({.sequence = 1}, "a", 10, 1), start, out);
  catalogue.merge(put({.sequence = 2}, "b", 10, 1), start, out);
  catalogue.merge(put({.sequence = 3}, "a", 20, 2), start, out);
  EXPECT_THAT(catalogue.objects().at(digest(1)).names, ElementsAre("b"));
  EXPECT_THAT(catalogue.take_touched(), ElementsAre(digest(1), digest(2)));
  catalogue.merge(removal({.sequence = 4}, "b", 20), start, out);
  EXPECT_FALSE(catalogue.objects().contains(digest(1)));
  EXPECT_THAT(catalogue.take_touched(), ElementsAre(digest(1)));
}

}  // namespace
}  // namespace chisme::cluster
