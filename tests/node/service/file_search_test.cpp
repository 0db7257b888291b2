#include "node/file_search.hpp"

#include <gtest/gtest.h>

#include <future>

#include "cluster/base/random.hpp"
#include "cluster/catalogue/catalogue.hpp"
#include "tests/cluster/catalogue/records.hpp"

namespace chisme::node {
namespace {

namespace records = cluster::testing;
using namespace std::chrono_literals;

cluster::CatalogueSnapshot snapshot_of(std::vector<cluster::CatalogueRecord> changes) {
  cluster::StoredCatalogue stored;
  stored.records = std::move(changes);
  return cluster::Catalogue{NodeId{0, 1}, Epoch{1}, stored, Instant{}}.snapshot();
}

cluster::CatalogueRecord file(std::uint64_t number, std::string name, std::uint64_t size,
                              WallTime modified) {
  auto record = records::put({.sequence = number}, std::move(name), number);
  auto& put = std::get<cluster::PutRecord>(record.change);
  put.size = ByteCount{size};
  put.modified = modified;
  return record;
}

std::vector<cluster::CatalogueRecord> random_files(Random& random, std::size_t count) {
  std::vector<cluster::CatalogueRecord> files;
  for (std::size_t i = 0; i < count; ++i) {
    std::string const name = "dir" + std::to_string(random() % 3) + "/F" + std::to_string(i);
    files.push_back(
        file(i + 1, name, random() % 7, WallTime{std::chrono::milliseconds{random() % 5}}));
  }
  return files;
}

std::vector<std::string> names_of(web::FoundFiles const& found) {
  std::vector<std::string> names;
  for (auto const& one : found.files) names.push_back(one.name);
  return names;
}

TEST(FileSearch, OrdersAsComesBeforeSaysWhateverTheFiles) {
  Random random{7};
  for (int round = 0; round < 20; ++round) {
    auto const snapshot = snapshot_of(random_files(random, 60));
    for (auto const sort : {web::FileSort::name, web::FileSort::modified, web::FileSort::size}) {
      for (bool const descending : {false, true}) {
        auto const order =
            order_files({"dir1/", {"f", "1"}, sort, descending}, snapshot, WallTime{});
        for (std::size_t i = 0; i < order.rows.size(); ++i) {
          auto const& row = order.rows[i];
          EXPECT_TRUE(row.file->name.starts_with("dir1/F")) << row.file->name;
          if (i == 0) continue;
          auto const& before = order.rows[i - 1];
          EXPECT_TRUE(web::comes_before(order.query, {before.value, before.file->name},
                                        {row.value, row.file->name}));
        }
      }
    }
  }
}

TEST(FileSearch, PagesOfAnyLengthMakeUpTheWhole) {
  Random random{11};
  cluster::ClusterView view;
  view.catalogue = snapshot_of(random_files(random, 50));
  for (bool const descending : {false, true}) {
    auto const order =
        order_files({"", {}, web::FileSort::size, descending}, view.catalogue, WallTime{});
    auto const whole =
        names_of(page_of(order, {.after = {}, .offset = 0, .limit = 100}, view, WallTime{}));
    ASSERT_EQ(whole.size(), 50u);
    for (std::size_t const limit : {1u, 7u, 50u}) {
      std::vector<std::string> walked;
      web::FilePage page{.after = {}, .offset = 0, .limit = limit};
      for (bool more = true; more;) {
        auto const part = page_of(order, page, view, WallTime{});
        EXPECT_EQ(part.total, 50u);
        auto const names = names_of(part);
        walked.insert(walked.end(), names.begin(), names.end());
        auto const& last = part.files.back();
        page.after = web::place_text(
            web::FileSort::size,
            {web::sort_value(web::FileSort::size, last.size, last.modified), last.name});
        more = part.more;
      }
      EXPECT_EQ(walked, whole);
    }
    EXPECT_EQ(names_of(page_of(order, {.after = {}, .offset = 48, .limit = 9}, view, WallTime{})),
              std::vector(whole.begin() + 48, whole.end()));
    EXPECT_TRUE(page_of(order, {.after = {}, .offset = UINT64_MAX, .limit = 9}, view, WallTime{})
                    .files.empty());
  }
}

TEST(FileSearch, PlaceOfAFileThatIsGoneIsStillAPlace) {
  cluster::ClusterView view;
  view.catalogue = snapshot_of({file(1, "a", 1, {}), file(2, "b", 2, {}), file(3, "d", 4, {})});
  auto const order = order_files({"", {}, web::FileSort::size, false}, view.catalogue, WallTime{});
  EXPECT_EQ(names_of(page_of(order, {.after = "3:c", .offset = 0, .limit = 9}, view, WallTime{})),
            std::vector<std::string>{"d"});
}

TEST(FileSearch, RemovedAndInternalFilesAreNotListed) {
  auto const snapshot = snapshot_of({file(1, "a", 1, {}),
                                     file(2,
                                          "\x01"
                                          "b",
                                          1, {}),
                                     records::removal({.sequence = 3}, "c", 9)});
  EXPECT_EQ(order_files({}, snapshot, WallTime{}).rows.size(), 1u);
}

class Orders : public testing::Test {
 protected:
  FileSearch::Order make(web::FileQuery query) {
    std::promise<FileSearch::Order> made;
    auto const posted = search_.make(
        std::move(query), [&] { return view_; },
        [&](FileSearch::Order order) { made.set_value(order); });
    EXPECT_TRUE(posted);
    return made.get_future().get();
  }
  void show(std::vector<cluster::CatalogueRecord> files) {
    auto view = std::make_shared<cluster::ClusterView>();
    view->catalogue = snapshot_of(std::move(files));
    view_ = view;
  }

  FileSearch::View view_;
  DiskPool* disk_ = new DiskPool{1};
  FileSearch search_{*disk_};
  std::unique_ptr<DiskPool> owned_{disk_};  // ends before the search does
};

TEST_F(Orders, AreKeptWhileTheCatalogueIsTheSame) {
  show({file(1, "a", 1, {})});
  web::FileQuery const query{"", {}, web::FileSort::size, true};
  EXPECT_EQ(search_.kept(query, *view_, Instant{} + 24h), nullptr);
  auto const order = make(query);
  EXPECT_EQ(search_.kept(query, *view_, Instant::max()), order);
  EXPECT_EQ(search_.kept({}, *view_, Instant{}), nullptr);
  EXPECT_EQ(make(query), order);
}

TEST_F(Orders, OfAnOlderCatalogueAreGivenForAMomentOnly) {
  show({file(1, "a", 1, {})});
  auto const order = make({});
  show({file(1, "b", 1, {}), file(2, "c", 1, {})});
  EXPECT_EQ(search_.kept({}, *view_, Instant{}), order);
  EXPECT_EQ(search_.kept({}, *view_, Instant::max()), nullptr);
}

TEST_F(Orders, TheLastFewAreKept) {
  show({file(1, "a", 1, {})});
  web::FileQuery const first{"0", {}, web::FileSort::name, false};
  static_cast<void>(make(first));
  for (std::size_t i = 1; i < FileSearch::orders_max; ++i) {
    static_cast<void>(make({std::to_string(i), {}, web::FileSort::name, false}));
  }
  EXPECT_NE(search_.kept(first, *view_, Instant{}), nullptr);  // and so the last used
  static_cast<void>(make({"z", {}, web::FileSort::name, false}));
  EXPECT_NE(search_.kept(first, *view_, Instant{}), nullptr);
  EXPECT_EQ(search_.kept({"1", {}, web::FileSort::name, false}, *view_, Instant{}), nullptr);
}

TEST_F(Orders, NoMoreThanSomeWait) {
  show({file(1, "a", 1, {})});
  std::promise<void> gate;
  auto const opened = gate.get_future().share();
  ASSERT_TRUE(disk_->post([opened] { opened.wait(); }));
  std::atomic<unsigned> made = 0;
  unsigned refused = 0;
  for (unsigned i = 0; i < FileSearch::waiting_max + 3; ++i) {
    auto const posted =
        search_.make({}, [&] { return view_; }, [&](FileSearch::Order const&) { ++made; });
    if (!posted) ++refused;
  }
  gate.set_value();
  owned_.reset();
  EXPECT_EQ(refused, 3u);
  EXPECT_EQ(made, FileSearch::waiting_max);
}

}  // namespace
}  // namespace chisme::node
