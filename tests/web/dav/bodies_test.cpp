#include "web/dav/bodies.hpp"

#include <gtest/gtest.h>

namespace chisme::web::dav {
namespace {

std::string in_dav(std::string const& name, std::string const& inside) {
  return "<" + name + " xmlns=\"DAV:\">" + inside + "</" + name + ">";
}

TEST(DavPropfind, SaysWhichPropertiesAreWanted) {
  using Kind = PropertyQuery::Kind;
  EXPECT_EQ(parse_propfind("")->kind, Kind::all);
  EXPECT_EQ(parse_propfind(in_dav("propfind", "<allprop/>"))->kind, Kind::all);
  EXPECT_EQ(parse_propfind(in_dav("propfind", "<propname/>"))->kind, Kind::names);
  auto const some = parse_propfind(
      in_dav("propfind", "<x/><prop><getetag/><b xmlns=\"urn:x\"/><getetag/> </prop>"));
  ASSERT_TRUE(some);
  EXPECT_EQ(some->kind, Kind::some);
  EXPECT_EQ(some->names, (std::vector<XmlName>{{"DAV:", "getetag"}, {"urn:x", "b"}}));
  EXPECT_TRUE(some->wants({"urn:x", "b"}));
  EXPECT_FALSE(some->wants({"DAV:", "b"}));
  auto const more = parse_propfind(in_dav("propfind", "<allprop/><include><a/></include>"));
  EXPECT_EQ(more->names, (std::vector<XmlName>{{"DAV:", "a"}}));
}

TEST(DavPropfind, RefusesWhatIsNone) {
  for (std::string const& body :
       {std::string{"<propfind/>"}, in_dav("propfind", ""), in_dav("lockinfo", "<prop/>"),
        std::string{"<propfind xmlns=\"DAV:\"><prop>"}, std::string{"x"}}) {
    EXPECT_FALSE(parse_propfind(body)) << body;
  }
}

TEST(DavPropfind, AsksForSoMuchAndNoMore) {
  auto const of = [](std::size_t count) {
    std::string names;
    for (std::size_t i = 0; i < count; ++i) names += "<n" + std::to_string(i) + "/>";
    return names + names;  // again: no more than once
  };
  for (std::string const where : {"prop", "include"}) {
    auto const body = [&](std::size_t count) {
      std::string const list = "<" + where + ">" + of(count) + "</" + where + ">";
      return in_dav("propfind", where == "prop" ? list : "<allprop/>" + list);
    };
    auto const most = parse_propfind(body(query_names_max));
    ASSERT_TRUE(most) << most.error().message;
    EXPECT_EQ(most->names.size(), query_names_max);
    auto const more = parse_propfind(body(query_names_max + 1));
    ASSERT_FALSE(more);
    EXPECT_EQ(more.error().message, "propfind asks for more than 256 properties");
  }
}

TEST(DavProppatch, ALanguageIsShort) {
  auto const body = [](std::size_t bytes) {
    return in_dav("propertyupdate",
                  "<set><prop xml:lang=\"" + std::string(bytes, 'x') + "\"><a/><b/></prop></set>");
  };
  EXPECT_TRUE(parse_proppatch(body(language_bytes_max)));
  EXPECT_FALSE(parse_proppatch(body(language_bytes_max + 1)));
}

TEST(DavProppatch, KeepsTheOrderOfChanges) {
  auto const changes = parse_proppatch(
      in_dav("propertyupdate",
             "<remove><prop><a/></prop></remove>"
             "<set><prop xml:lang=\"es\"><b>x</b><c xml:lang=\"en\"/></prop></set>"));
  ASSERT_TRUE(changes) << changes.error().message;
  ASSERT_EQ(changes->size(), 3u);
  EXPECT_FALSE((*changes)[0].is_set);
  EXPECT_EQ((*changes)[0].property.name, (XmlName{"DAV:", "a"}));
  EXPECT_TRUE((*changes)[1].is_set);
  EXPECT_EQ((*changes)[1].property.attributes.front().value, "es");
  EXPECT_EQ((*changes)[2].property.attributes.front().value, "en");
  EXPECT_EQ((*changes)[2].property.attributes.size(), 1u);
}

TEST(DavProppatch, RefusesWhatChangesNothing) {
  for (std::string const& body :
       {std::string{}, in_dav("propertyupdate", ""), in_dav("propertyupdate", "<set/>"),
        in_dav("propertyupdate", "<set><prop/></set>")}) {
    EXPECT_FALSE(parse_proppatch(body)) << body;
  }
}

TEST(DavLockinfo, SaysOfWhatKindTheLockIs) {
  std::string const write = "<locktype><write/></locktype>";
  auto const exclusive = parse_lockinfo(
      in_dav("lockinfo", "<lockscope><exclusive/></lockscope>" + write + "<owner>me</owner>"));
  ASSERT_TRUE(exclusive) << exclusive.error().message;
  EXPECT_TRUE(exclusive->is_exclusive);
  EXPECT_EQ(exclusive->owner, "<owner xmlns=\"DAV:\">me</owner>");
  auto const shared =
      parse_lockinfo(in_dav("lockinfo", "<lockscope><shared/></lockscope>" + write));
  ASSERT_TRUE(shared);
  EXPECT_FALSE(shared->is_exclusive);
  EXPECT_EQ(shared->owner, "");
  std::string const long_owner = "<owner>" + std::string(owner_bytes_max, 'x') + "</owner>";
  for (std::string const& inside :
       {std::string{"<lockscope><exclusive/></lockscope>"}, write,
        "<lockscope><exclusive/><shared/></lockscope>" + write,
        "<lockscope><exclusive/></lockscope><locktype/>" + std::string{},
        "<lockscope><exclusive/></lockscope>" + write + long_owner}) {
    EXPECT_FALSE(parse_lockinfo(in_dav("lockinfo", inside))) << inside;
  }
}

}  // namespace
}  // namespace chisme::web::dav
