#include "node/view_queries.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "cluster/base/expiry.hpp"
#include "cluster/catalogue/catalogue.hpp"
#include "node/config.hpp"
#include "tests/cluster/catalogue/records.hpp"

namespace chisme::node {
namespace {

using testing::HasSubstr;

cluster::MemberView member(std::uint64_t id, cluster::MemberState state) {
  cluster::MemberView view;
  view.alive.id = NodeId{0, id};
  view.alive.http = NodeConfig::loopback_endpoint(static_cast<std::uint16_t>(7700 + id));
  view.state = state;
  view.self = id == 1;
  return view;
}

// This node (1), one that is suspect (2), one dead (3), one gone for good (4).
cluster::ClusterView some_view() {
  using enum cluster::MemberState;
  cluster::ClusterView view;
  view.self = NodeId{0, 1};
  view.members = {member(1, alive), member(2, suspect), member(3, dead), member(4, left)};
  view.copies_wanted = 3;
  return view;
}

TEST(ViewQueries, CopiesOnDeadUnknownAndDepartedNodesAreNotCounted) {
  auto const view = some_view();
  std::vector<NodeId> const holders{{0, 1}, {0, 2}, {0, 3}, {0, 4}, {0, 5}};
  EXPECT_EQ(live_copies(view, holders), 2u);
}

TEST(ViewQueries, FileKnowsWhetherItsBytesAreHere) {
  auto const view = some_view();
  cluster::FileEntry file;
  file.put.name = "a";
  file.holders = {{0, 2}, {0, 3}};
  EXPECT_FALSE(file_info(view, file).local);
  EXPECT_EQ(file_info(view, file).copies, 1u);
  EXPECT_EQ(file_info(view, file).wanted, 3u);
  file.holders = {{0, 1}, {0, 3}};
  EXPECT_TRUE(file_info(view, file).local);
}

TEST(ViewQueries, AbsentNameIsAbsentOnlyWhileInTouch) {
  auto view = some_view();
  EXPECT_EQ(lookup(view, "a", WallTime{}).status, web::LookupStatus::absent);
  view.in_touch = false;
  EXPECT_EQ(lookup(view, "a", WallTime{}).status, web::LookupStatus::out_of_touch);
}

TEST(ViewQueries, FileWithoutACopyInReachIsLostOnlyWhileInTouch) {
  namespace records = cluster::testing;
  auto view = some_view();
  cluster::StoredCatalogue stored;
  stored.records = {records::put({.writer = 3}, "a", 1), records::have({.writer = 3})};
  view.catalogue = cluster::Catalogue{view.self, Epoch{1}, stored, Instant{}}.snapshot();
  EXPECT_EQ(lookup(view, "a", WallTime{}).status, web::LookupStatus::lost);
  view.in_touch = false;
  EXPECT_EQ(lookup(view, "a", WallTime{}).status, web::LookupStatus::out_of_touch);
  view.members[2].state = cluster::MemberState::suspect;
  EXPECT_EQ(lookup(view, "a", WallTime{}).status, web::LookupStatus::found);
}

TEST(ViewQueries, WhatHasExpiredIsAbsentAndInNoList) {
  namespace records = cluster::testing;
  constexpr WallTime expires{std::chrono::milliseconds{1'700'000'000'000}};
  constexpr WallTime before = expires - std::chrono::milliseconds{1};
  auto view = some_view();
  cluster::StoredCatalogue stored;
  stored.records = {records::have({.writer = 2})};
  for (std::uint64_t i = 1; i <= 400; ++i) {
    auto record = records::put({.writer = 2, .sequence = i}, "f" + std::to_string(1000 + i), i);
    auto& put = std::get<cluster::PutRecord>(record.change);
    if (i % 100 != 0) put.type = with_expiry(put.type, expires).value();
    stored.records.push_back(record);
  }
  view.catalogue = cluster::Catalogue{view.self, Epoch{1}, stored, Instant{}}.snapshot();
  EXPECT_EQ(lookup(view, "f1001", before).status, web::LookupStatus::found);
  EXPECT_EQ(lookup(view, "f1001", before).file.expires, expires);
  EXPECT_EQ(lookup(view, "f1001", before).file.type, "text/plain");
  EXPECT_EQ(lookup(view, "f1001", expires).status, web::LookupStatus::absent);
  EXPECT_EQ(listing(view, "", "", 1000, before).files.size(), 400u);
  EXPECT_EQ(listing(view, "", "", 1000, expires).files.size(), 4u);
  std::size_t seen = 0;
  std::optional<std::string> after{""};
  for (int pages = 0; after && pages < 10; ++pages) {
    auto const page = listing(view, "", *after, 3, expires);
    seen += page.files.size();
    after = page.next;
  }
  EXPECT_EQ(seen, 4u);
  EXPECT_FALSE(after);
}

TEST(ViewQueries, StatusNamesEachMemberWithItsStateAndCopies) {
  Census::Count count;
  count.under_replicated = 4;
  count.copies[NodeId{0, 2}] = 9;
  auto const status = cluster_status(some_view(), count);
  EXPECT_EQ(status.under_replicated, 4u);
  ASSERT_EQ(status.members.size(), 4u);
  EXPECT_TRUE(status.members[0].self);
  EXPECT_EQ(status.members[1].state, "suspect");
  EXPECT_EQ(status.members[1].files, 9u);
  EXPECT_EQ(status.members[2].http, "http://127.0.0.1:7703");
}

TEST(ViewQueries, StatusShowsNoLoadOfADeadNode) {
  auto view = some_view();
  for (cluster::MemberView& each : view.members) {
    each.load = cluster::LoadRecord{
        .id = each.alive.id, .epoch = Epoch{1}, .in_flight = 3, .bytes_per_second = 1000};
  }
  auto const status = cluster_status(view, {});
  EXPECT_EQ(status.members[0].in_flight, 3u);
  EXPECT_EQ(status.members[1].bytes_per_second, 1000);
  EXPECT_EQ(status.members[2].in_flight, 0u);
  EXPECT_EQ(status.members[2].bytes_per_second, 0);
}

TEST(ViewQueries, EventsCarryTheirOwnFields) {
  auto const view = some_view();
  cluster::MemberChanged const dead{NodeId{0, 3}, cluster::MemberState::dead,
                                    NodeConfig::loopback_endpoint(7703)};
  auto const member_event = cluster_event(view, dead);
  EXPECT_EQ(member_event.kind, "member");
  EXPECT_EQ(member_event.json, R"({"node":"00000000000000000000000000000003","state":"dead",)"
                               R"("http":"http://127.0.0.1:7703"})");
  auto const removed = cluster_event(view, cluster::FileChanged{"a \"b\"", true});
  EXPECT_EQ(removed.json, R"({"name":"a \"b\"","removed":true})");
  cluster::RepairProgress const repair{Digest{}, NodeId{0, 1}, NodeId{0, 2},
                                       cluster::RepairStage::started};
  EXPECT_THAT(cluster_event(view, repair).json,
              HasSubstr(R"("from":"00000000000000000000000000000001",)"
                        R"("target":"00000000000000000000000000000002","stage":"started")"));
  EXPECT_EQ(
      redirect_event("a", NodeId{0, 1}, NodeId{0, 2}).json,
      R"({"file":"a","from":"00000000000000000000000000000001","to":"00000000000000000000000000000002"})");
}

}  // namespace
}  // namespace chisme::node
