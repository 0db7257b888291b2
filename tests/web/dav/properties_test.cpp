#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "web/dav/dead_properties.hpp"
#include "web/dav/live_properties.hpp"
#include "web/dav/multistatus.hpp"

namespace chisme::web::dav {
namespace {

using testing::HasSubstr;
using testing::Not;

constexpr WallTime moment{std::chrono::seconds{1'000}};

PropertyChange set(std::string const& xml) {
  return {true, *parse_xml(xml)};
}
PropertyChange removed(std::string const& xml) {
  return {false, *parse_xml(xml)};
}
std::string all_of(std::vector<Multistatus::Group> const& groups) {
  Multistatus status;
  status.add("/dav/a&b", groups);
  Reply const reply = std::move(status).finish();
  EXPECT_EQ(reply.status, 207u);
  EXPECT_TRUE(parse_xml(reply.body)) << reply.body;
  return reply.body;
}

TEST(DavMultistatus, IsRefusedWhenItIsTooLong) {
  Multistatus status;
  std::string const half(multistatus_bytes_max / 2, 'x');
  status.add("/dav/a", std::vector<Multistatus::Group>{{200, half}});
  EXPECT_FALSE(status.is_full());
  status.add("/dav/b", std::vector<Multistatus::Group>{{200, half}});
  EXPECT_TRUE(status.is_full());
  status.add("/dav/c", 404);
  Reply const reply = std::move(status).finish();
  EXPECT_EQ(reply.status, 507u);
  EXPECT_THAT(reply.body, HasSubstr("16 MiB"));
}

TEST(DavDeadProperties, AreKeptInOrderOfChange) {
  auto const kept =
      changed({}, std::vector{set("<a xmlns=\"urn:x\">1</a>"), set("<b/>"), removed("<b/>"),
                              removed("<c/>"), set("<a xmlns=\"urn:x\">2</a>"), set("<a/>")});
  EXPECT_EQ(kept.size(), 2u);
  EXPECT_EQ(kept.at({"urn:x", "a"}), "<a xmlns=\"urn:x\">2</a>");
  EXPECT_EQ(kept.at({"", "a"}), "<a xmlns=\"\"/>");
  EXPECT_EQ(parse_dead_properties(to_json(kept)), kept);
  for (char const* const bad : {"", "{}", "[[]]", "[[\"a\",\"b\",1]]"}) {
    EXPECT_FALSE(parse_dead_properties(bad)) << bad;
  }
}

TEST(DavDeadProperties, WhatTheProgramTellsIsProtected) {
  EXPECT_TRUE(is_protected({"DAV:", "getetag"}));
  EXPECT_FALSE(is_protected({"DAV:", "displayname"}));
  EXPECT_FALSE(is_protected({"urn:x", "getetag"}));
}

TEST(DavLiveProperties, AFileTellsWhatItIs) {
  Child file{"a.txt", false, {}};
  file.file.name = "a.txt";
  file.file.size = ByteCount{12};
  file.file.type = "text/<x>";
  file.file.modified = moment;
  std::string const told = all_of(answers({}, live_properties(file, {}, moment), {}));
  EXPECT_THAT(told, HasSubstr("<D:resourcetype/>"));
  EXPECT_THAT(told, HasSubstr("<D:getcontentlength>12<"));
  EXPECT_THAT(told, HasSubstr("<D:getcontenttype>text/&lt;x&gt;<"));
  EXPECT_THAT(told, HasSubstr("<D:getlastmodified>Thu, 01 Jan 1970 00:16:40 GMT<"));
  EXPECT_THAT(told, HasSubstr("<D:href>/dav/a&amp;b</D:href>"));
  EXPECT_THAT(told, HasSubstr("HTTP/1.1 200 OK"));
  EXPECT_THAT(told, Not(HasSubstr("404")));
}

TEST(DavLiveProperties, ACollectionHasNoLength) {
  auto const live = live_properties({"a", true, {}}, {}, moment);
  std::string const told = all_of(answers({}, live, {}));
  EXPECT_THAT(told, HasSubstr("<D:resourcetype><D:collection/></D:resourcetype>"));
  EXPECT_THAT(told, Not(HasSubstr("getcontentlength")));
  EXPECT_THAT(told, Not(HasSubstr("getlastmodified")));
}

TEST(DavLiveProperties, WhatIsNotThereIsTold404) {
  auto const query = parse_propfind(
      "<propfind xmlns=\"DAV:\"><prop><resourcetype/><displayname/><x "
      "xmlns=\"urn:x\"/></prop></propfind>");
  DeadProperties const dead{{{"urn:x", "x"}, "<x xmlns=\"urn:x\">kept</x>"}};
  auto const groups = answers(*query, live_properties({"a", true, {}}, {}, moment), dead);
  EXPECT_THAT(groups[0].properties, HasSubstr("kept"));
  EXPECT_THAT(groups[0].properties, HasSubstr("collection"));
  EXPECT_EQ(groups[1].status, 404u);
  EXPECT_THAT(groups[1].properties, HasSubstr("displayname"));
  EXPECT_TRUE(wants_dead(*query));
  EXPECT_FALSE(
      wants_dead(*parse_propfind("<propfind xmlns=\"DAV:\"><prop><getetag/></prop></propfind>")));
}

TEST(DavQuota, OfAFolderIsTheOneThatLeavesLeast) {
  std::vector<PrefixUse> const quotas{{"films/", ByteCount{100}, ByteCount{40}},
                                      {"films/new/", ByteCount{50}, ByteCount{60}},
                                      {"music", ByteCount{9}, ByteCount{2}}};
  auto const told = [&](std::string name, bool is_collection = true) {
    std::string text;
    for (Told const& one : quota_properties({std::move(name), is_collection, {}}, quotas)) {
      text += one.name.local + "=" + one.value + " ";
    }
    return text;
  };
  EXPECT_EQ(told("films"), "quota-available-bytes=60 quota-used-bytes=40 ");
  EXPECT_EQ(told("films/new/x"), "quota-available-bytes=0 quota-used-bytes=60 ");
  EXPECT_EQ(told("musical"), "quota-available-bytes=7 quota-used-bytes=2 ");
  EXPECT_EQ(told("film"), "");
  EXPECT_EQ(told(""), "");
  EXPECT_EQ(told("films", false), "");
}

TEST(DavQuota, IsToldWhoNamesIt) {
  auto const asks = [](std::string const& names) {
    return wants_quota(*parse_propfind("<propfind xmlns=\"DAV:\">" + names + "</propfind>"));
  };
  EXPECT_TRUE(asks("<prop><getetag/><quota-used-bytes/></prop>"));
  EXPECT_FALSE(asks("<prop><getetag/></prop>"));
  EXPECT_FALSE(asks("<allprop/>"));
  EXPECT_TRUE(is_protected({"DAV:", "quota-available-bytes"}));
}

TEST(DavLiveProperties, NamesComeWithoutValues) {
  PropertyQuery const names{PropertyQuery::Kind::names};
  DeadProperties const dead{{{"urn:x", "x"}, "<x xmlns=\"urn:x\">kept</x>"}};
  std::string const told =
      all_of(answers(names, live_properties({"a", true, {}}, {}, moment), dead));
  EXPECT_THAT(told, HasSubstr("<x xmlns=\"urn:x\"/>"));
  EXPECT_THAT(told, Not(HasSubstr("collection")));
}

TEST(DavMultistatus, AConditionSaysWhatItIsAbout) {
  Reply const reply = condition_reply(423, "lock-token-submitted", "/dav/a&b");
  EXPECT_EQ(reply.status, 423u);
  auto const root = parse_xml(reply.body);
  ASSERT_TRUE(root && root->child("lock-token-submitted") != nullptr) << reply.body;
  EXPECT_EQ(root->child("lock-token-submitted")->child("href")->children.front().text, "/dav/a&b");
}

}  // namespace
}  // namespace chisme::web::dav
