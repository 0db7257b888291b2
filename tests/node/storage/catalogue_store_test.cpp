#include "node/storage/catalogue_store.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "node/storage/sqlite.hpp"
#include "tests/node/storage/disk.hpp"

namespace chisme::node {
namespace {

namespace fs = std::filesystem;
using cluster::CatalogueRecord;
using cluster::DeleteRecord;
using cluster::Dot;
using cluster::DropRecord;
using cluster::HaveRecord;
using cluster::KnownPeer;
using cluster::LogKind;
using cluster::LogPosition;
using cluster::PutRecord;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::UnorderedElementsAre;

constexpr NodeId ana{1, 2};
constexpr NodeId beto{0xfedcba9876543210u, 3};

Digest digest(std::uint8_t first) {
  Digest made;
  made.bytes[0] = first;
  made.bytes[31] = 0xff;
  return made;
}
CatalogueRecord put(std::string name, std::uint64_t time, std::uint8_t content = 1) {
  return {Dot{ana, Epoch{2}, time},
          PutRecord{std::move(name), Version{time, ana}, ByteCount{5'000'000'000}, digest(content),
                    "video/mp4", WallTime{std::chrono::milliseconds{1'700'000'000'123}}}};
}
CatalogueRecord erased(std::string name, std::uint64_t time) {
  return {Dot{beto, Epoch{1}, time}, DeleteRecord{std::move(name), Version{time, beto},
                                                  WallTime{std::chrono::milliseconds{5}}}};
}
CatalogueRecord have(NodeId holder, std::uint32_t epoch, std::uint64_t sequence) {
  return {Dot{holder, Epoch{epoch}, sequence}, HaveRecord{digest(1), ByteCount{7}}};
}
CatalogueRecord drop(NodeId holder, std::uint32_t epoch, std::uint64_t sequence) {
  return {Dot{holder, Epoch{epoch}, sequence}, DropRecord{digest(1)}};
}

class CatalogueStoreTest : public testing::Test {
 protected:
  fs::path data() const { return directory_.path(); }
  fs::path file() const { return data() / "catalogue.sqlite"; }
  std::unique_ptr<CatalogueStore> open() {
    auto store = CatalogueStore::open(data());
    EXPECT_TRUE(store) << store.error().message;
    return std::move(*store);
  }
  // By somebody else, while it is closed.
  void execute(char const* sql) const {
    sqlite3* opened = nullptr;
    ASSERT_EQ(::sqlite3_open(file().c_str(), &opened), SQLITE_OK);
    sqlite::Connection const connection{opened};
    ASSERT_TRUE(sqlite::execute(opened, sql));
  }
  static Result<void> try_save(CatalogueStore& store, cluster::SaveCatalogue save) {
    return store.save(std::span(&save, 1));
  }
  static void save(CatalogueStore& store, cluster::SaveCatalogue save) {
    auto const saved = try_save(store, std::move(save));
    EXPECT_TRUE(saved) << saved.error().message;
  }
  static void save(CatalogueStore& store, std::vector<CatalogueRecord> const& records) {
    save(store, {.save = {}, .records = records, .positions = {}, .forgotten = {}, .horizon = {}});
  }
  static void save_position(CatalogueStore& store, LogPosition const& position) {
    save(store,
         {.save = {}, .records = {}, .positions = {position}, .forgotten = {}, .horizon = {}});
  }
  static void forget(CatalogueStore& store, std::vector<CatalogueRecord> const& records) {
    save(store, {.save = {}, .records = {}, .positions = {}, .forgotten = records, .horizon = {}});
  }
  static cluster::SaveCatalogue save_of(CatalogueRecord const& record) {
    cluster::SaveCatalogue save;
    save.records = {record};
    return save;
  }
  static std::vector<CatalogueRecord> records(CatalogueStore& store) {
    auto const contents = store.load();
    EXPECT_TRUE(contents) << contents.error().message;
    return contents->records;
  }

 private:
  TemporaryDirectory directory_;
};

TEST_F(CatalogueStoreTest, ANewOneIsEmpty) {
  auto const contents = open()->load();
  ASSERT_TRUE(contents);
  EXPECT_THAT(contents->records, IsEmpty());
  EXPECT_THAT(contents->positions, IsEmpty());
  EXPECT_THAT(contents->peers, IsEmpty());
}

TEST_F(CatalogueStoreTest, EveryKindOfRecordComesBackAsItWasAfterReopening) {
  std::vector<CatalogueRecord> const all{put("películas/ñandú 'x\".mp4", 9), erased("gone", 4),
                                         have(ana, 1, 1), drop(beto, 4'294'967'295, 12)};
  LogPosition const position{beto, LogKind::holdings, Epoch{3}, 77};
  KnownPeer const peer{beto, *parse_endpoint("127.0.0.1:8702")};
  {
    auto store = open();
    save(*store, all);
    save_position(*store, position);
    ASSERT_TRUE(store->save_peers(std::vector{peer}));
  }
  auto const contents = open()->load();
  ASSERT_TRUE(contents) << contents.error().message;
  EXPECT_THAT(contents->records, testing::UnorderedElementsAreArray(all));
  EXPECT_THAT(contents->positions, ElementsAre(position));
  EXPECT_THAT(contents->peers, ElementsAre(peer));
}

TEST_F(CatalogueStoreTest, OfOneNameTheNewestVersionIsKeptWhateverTheOrder) {
  auto store = open();
  save(*store, {put("a", 5), put("a", 3)});
  EXPECT_THAT(records(*store), ElementsAre(put("a", 5)));
  save(*store, {erased("a", 8)});
  EXPECT_THAT(records(*store), ElementsAre(erased("a", 8)));
  save(*store, {put("a", 7)});
  EXPECT_THAT(records(*store), ElementsAre(erased("a", 8)));
  save(*store, {put("a", 9, 2)});
  EXPECT_THAT(records(*store), ElementsAre(put("a", 9, 2)));
}

TEST_F(CatalogueStoreTest, OfOneHoldersObjectTheNewestEpochThenSequenceIsKept) {
  auto store = open();
  save(*store, {have(ana, 1, 9), have(beto, 1, 1)});
  save(*store, {drop(ana, 2, 1), drop(beto, 1, 2)});
  save(*store, {have(ana, 1, 10), have(beto, 1, 1)});
  EXPECT_THAT(records(*store), UnorderedElementsAre(drop(ana, 2, 1), drop(beto, 1, 2)));
}

TEST_F(CatalogueStoreTest, APositionIsReplaced) {
  auto store = open();
  save_position(*store, {ana, LogKind::names, Epoch{1}, 10});
  LogPosition const later{ana, LogKind::names, Epoch{2}, 1};
  save_position(*store, later);
  EXPECT_THAT(store->load()->positions, ElementsAre(later));
  LogPosition const less{ana, LogKind::names, Epoch{1}, 3};
  save_position(*store, less);
  EXPECT_THAT(store->load()->positions, ElementsAre(less));
}

TEST_F(CatalogueStoreTest, APositionWithSequenceZeroIsForgottenAloneOfItsLogs) {
  LogPosition const other{ana, LogKind::holdings, Epoch{1}, 4};
  {
    auto store = open();
    save_position(*store, {ana, LogKind::names, Epoch{1}, 10});
    save_position(*store, other);
    save_position(*store, {ana, LogKind::names, Epoch{1}, 0});
    save_position(*store, {beto, LogKind::names, Epoch{1}, 0});
  }
  EXPECT_THAT(open()->load()->positions, ElementsAre(other));
}

TEST_F(CatalogueStoreTest, ForgottenRecordsAreDeletedForGood) {
  {
    auto store = open();
    save(*store, {put("a", 1), erased("b", 2), have(ana, 1, 3), drop(beto, 1, 4), put("kept", 5)});
    forget(*store, {put("a", 1), erased("b", 2), have(ana, 1, 3), drop(beto, 1, 4)});
  }
  EXPECT_THAT(records(*open()), ElementsAre(put("kept", 5)));
}

TEST_F(CatalogueStoreTest, ARecordThatReplacedAForgottenOneStays) {
  auto store = open();
  save(*store, {erased("a", 8), drop(ana, 1, 9)});
  save(*store, {put("a", 9), have(ana, 2, 1)});
  forget(*store, {erased("a", 8), drop(ana, 1, 9), have(ana, 1, 1), put("a", 10)});
  EXPECT_THAT(records(*store), UnorderedElementsAre(put("a", 9), have(ana, 2, 1)));
}

TEST_F(CatalogueStoreTest, SavesGivenTogetherAreDoneOneAfterTheOther) {
  auto store = open();
  std::vector<cluster::SaveCatalogue> saves(3);
  saves[0].records = {erased("a", 8)};
  saves[1].forgotten = {erased("a", 8)};
  saves[2].records = {put("a", 3)};  // older than what was forgotten
  ASSERT_TRUE(store->save(saves));
  EXPECT_THAT(records(*store), ElementsAre(put("a", 3)));
}

TEST_F(CatalogueStoreTest, TheLastHorizonComesBackWithItsListsInOrder) {
  EXPECT_EQ(open()->load()->horizon, cluster::StoredHorizon{});
  cluster::StoredHorizon first;
  first.horizon = {{7, ana},
                   {{beto, LogKind::names, Epoch{2}, 5}, {ana, LogKind::holdings, Epoch{1}, 9}},
                   {{beto, LogKind::holdings, Epoch{1}, 2}}};
  first.filling = true;
  cluster::StoredHorizon second;
  second.horizon = {{8, beto}, {{ana, LogKind::names, Epoch{3}, 6}}, {}};
  for (cluster::StoredHorizon const& horizon : {first, second}) {
    auto store = open();
    cluster::SaveCatalogue save;
    save.horizon = horizon;
    ASSERT_TRUE(try_save(*store, save));
    save.horizon.reset();
    ASSERT_TRUE(try_save(*store, save)) << "a save without one leaves it";
    store.reset();
    EXPECT_EQ(open()->load()->horizon, horizon);
  }
}

TEST_F(CatalogueStoreTest, AFileOfTheFirstFormatIsTakenOverAndOneOfALaterFormatIsNot) {
  save(*open(), {put("a", 1)});
  execute("DROP TABLE horizon; DROP TABLE horizon_positions; PRAGMA user_version = 1");
  EXPECT_THAT(records(*open()), ElementsAre(put("a", 1)));
  execute("PRAGMA user_version = 3");
  auto const store = CatalogueStore::open(data());
  ASSERT_FALSE(store);
  EXPECT_THAT(store.error().message, HasSubstr("newer"));
}

TEST_F(CatalogueStoreTest, PeersAreReplacedAsAWhole) {
  auto store = open();
  ASSERT_TRUE(store->save_peers(std::vector{KnownPeer{ana, *parse_endpoint("127.0.0.1:1")}}));
  Endpoint const second = *parse_endpoint("[::1]:2");
  std::vector<KnownPeer> const two{{ana, second}, {beto, second}};  // one of them is dead
  ASSERT_TRUE(store->save_peers(two));
  EXPECT_EQ(store->load()->peers, two);
  ASSERT_TRUE(store->save_peers(std::vector{KnownPeer{{}, second}, KnownPeer{{}, second}}));
  EXPECT_THAT(store->load()->peers, ElementsAre(KnownPeer{{}, second}));
}

TEST_F(CatalogueStoreTest, PeersThatAnOlderVersionSavedHaveAddressesOnly) {
  Endpoint const first = *parse_endpoint("127.0.0.1:1");
  Endpoint const second = *parse_endpoint("127.0.0.1:2");
  ASSERT_TRUE(open()->save_peers(std::vector{KnownPeer{ana, first}, KnownPeer{beto, second}}));
  execute("DELETE FROM peers; INSERT INTO peers VALUES ('127.0.0.1:2'), ('127.0.0.1:3')");
  EXPECT_THAT(open()->load()->peers,
              ElementsAre(KnownPeer{{}, *parse_endpoint("127.0.0.1:3")}, KnownPeer{beto, second}));
}

TEST_F(CatalogueStoreTest, ASaveIsSyncedOnReturn) {
  auto store = open();
  DiskWatch const watch;
  save(*store, {put("a", 1)});
  EXPECT_THAT(watch.calls(), testing::Contains("sync " + file().string() + "-wal"));
}

TEST_F(CatalogueStoreTest, AFailedSyncIsNeverTriedAgain) {
  auto store = open();
  save(*store, {put("a", 1)});
  {
    DiskWatch const watch("-wal");
    auto const failed = try_save(*store, save_of(put("b", 2)));
    ASSERT_FALSE(failed);
    EXPECT_EQ(failed.error().fault, Fault::io);
    EXPECT_EQ(failed.error().system_error, EIO);
    EXPECT_EQ(failed.error().message, "syncing " + file().string() + ": Input/output error");
  }
  DiskWatch const watch;
  auto const again = try_save(*store, save_of(put("b", 2)));
  ASSERT_FALSE(again);
  EXPECT_EQ(again.error().fault, Fault::unavailable);
  EXPECT_THAT(again.error().message, HasSubstr("restarted"));
  store.reset();
  EXPECT_THAT(watch.calls(), testing::IsEmpty()) << "nor when it is closed";
}

TEST_F(CatalogueStoreTest, AFailedSyncOfACheckpointClosesTheFence) {
  auto fence = std::make_shared<Fence>();
  auto store = std::move(*CatalogueStore::open(data(), fence));
  DiskWatch const watch(file().string());
  for (unsigned saves = 1; saves < 200 && !fence->is_closed(); ++saves) {
    std::vector<CatalogueRecord> many;
    for (int i = 0; i < 500; ++i) many.push_back(put("file " + std::to_string(i), saves));
    save(*store, many);
  }
  EXPECT_TRUE(fence->is_closed());
  EXPECT_THAT(fence->reason(), HasSubstr(file().string() + ": Input/output error"));
  EXPECT_EQ(try_save(*store, save_of(put("b", 2))).error().fault, Fault::unavailable);
}

TEST_F(CatalogueStoreTest, BytesThatAreNoDatabaseAreNamedAndLeftAsTheyAre) {
  std::string const junk(8192, 'j');
  write_text(file(), junk);
  auto const store = CatalogueStore::open(data());
  ASSERT_FALSE(store);
  EXPECT_EQ(store.error().fault, Fault::corrupt);
  EXPECT_THAT(store.error().message, HasSubstr(file().string()));
  EXPECT_THAT(store.error().message, HasSubstr("aside"));
  EXPECT_EQ(read_text(file()), junk);
}

TEST_F(CatalogueStoreTest, ADatabaseWhoseTablesAreNamedOtherwiseIsNamed) {
  {
    auto const store = open();
  }
  std::string bytes = read_text(file());
  std::size_t const column = bytes.find("have INTEGER");
  ASSERT_NE(column, std::string::npos);
  bytes[column] = 'j';  // one bit
  write_text(file(), bytes);
  auto const store = CatalogueStore::open(data());
  ASSERT_FALSE(store);
  EXPECT_EQ(store.error().fault, Fault::corrupt);
  EXPECT_THAT(store.error().message, HasSubstr(file().string()));
}

TEST_F(CatalogueStoreTest, ADatabaseWithOverwrittenPagesIsNoticedAtOpenAndLeftAsItIs) {
  {
    auto store = open();
    std::vector<CatalogueRecord> many;
    for (int i = 0; i < 500; ++i) many.push_back(put("file " + std::to_string(i), 1));
    save(*store, many);
  }
  std::string bytes = read_text(file());
  ASSERT_GT(bytes.size(), 5 * 4096u);
  bytes.replace(4096, 4 * 4096, std::string(4 * 4096, '\x5a'));
  write_text(file(), bytes);
  auto const store = CatalogueStore::open(data());
  ASSERT_FALSE(store);
  EXPECT_EQ(store.error().fault, Fault::corrupt);
  EXPECT_EQ(read_text(file()), bytes);
}

TEST_F(CatalogueStoreTest, ADirectoryInPlaceOfTheFileIsAnError) {
  fs::create_directory(file());
  auto const store = CatalogueStore::open(data());
  ASSERT_FALSE(store);
  EXPECT_EQ(store.error().fault, Fault::io);
  EXPECT_THAT(store.error().message, HasSubstr(file().string()));
}

}  // namespace
}  // namespace chisme::node
