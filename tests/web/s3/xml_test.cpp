#include "web/s3/xml.hpp"

#include <gtest/gtest.h>

namespace chisme::web::s3 {
namespace {

TEST(Xml, EscapesWhatWouldBeMarkup) {
  XmlWriter xml("R", false);
  xml.leaf("K", "<a>&\"\r").open("O").leaf("N", std::uint64_t{3}).leaf("B", true);
  EXPECT_EQ(xml.take(),
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<R><K>&lt;a&gt;&amp;&quot;&#13;</K>"
            "<O><N>3</N><B>true</B></O></R>");
}

TEST(Xml, KeysToDelete) {
  auto const list = parse_delete(
      "<?xml version=\"1.0\"?><Delete xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">"
      "<Object><Key>a &amp; "
      "b/\xc3\xb1</Key></Object>\n<Object><Key>c</Key><VersionId>null</VersionId>"
      "</Object><Quiet>true</Quiet></Delete>");
  ASSERT_TRUE(list);
  EXPECT_EQ(list->keys, (std::vector<std::string>{"a & b/\xc3\xb1", "c"}));
  EXPECT_TRUE(list->quiet);
}

std::string with_keys(std::size_t count) {
  std::string xml = "<Delete>";
  for (std::size_t i = 0; i < count; ++i) xml += "<Object><Key>k</Key></Object>";
  return xml + "</Delete>";
}

TEST(Xml, AThousandKeysAndNoMore) {
  EXPECT_EQ(parse_delete(with_keys(1000))->keys.size(), 1000u);
  EXPECT_EQ(parse_delete(with_keys(1001)).error().fault, Fault::too_large);
}

TEST(Xml, WhatIsNoSuchDocumentIsRefused) {
  std::string deep;
  for (int i = 0; i < 100'000; ++i) deep += "<a>";
  for (std::string const& xml :
       {std::string{}, std::string{"<Delete>"}, std::string{"<Delete/>"}, std::string{"nothing"},
        std::string{"<Other><Object><Key>a</Key></Object></Other>"},
        std::string{"<Delete><Key>a</Key></Delete>"}, deep,
        "<Delete><Object><Key>a</Key></Object></Delete>" + std::string{"<x/>"},
        std::string{"<!DOCTYPE Delete [<!ENTITY a \"b\">]>"
                    "<Delete><Object><Key>&a;</Key></Object></Delete>"},
        std::string{"<!DOCTYPE Delete SYSTEM \"file:///etc/passwd\">"
                    "<Delete><Object><Key>a</Key></Object></Delete>"},
        std::string{"<Delete><Object><Key>\xff</Key></Object></Delete>"}}) {
    EXPECT_FALSE(parse_delete(xml)) << xml.substr(0, 80);
    EXPECT_FALSE(parse_complete(xml)) << xml.substr(0, 80);
  }
}

TEST(Xml, PartsInTheirOrder) {
  auto const part = [](std::string const& number, std::string const& etag) {
    return "<Part><ETag>" + etag + "</ETag><PartNumber>" + number + "</PartNumber></Part>";
  };
  auto const document = [](std::string const& parts) {
    return "<CompleteMultipartUpload>" + parts + "</CompleteMultipartUpload>";
  };
  auto const parts = parse_complete(document(part("1", "&quot;ab&quot;") + part("10000", "cd")));
  ASSERT_TRUE(parts);
  ASSERT_EQ(parts->size(), 2u);
  EXPECT_EQ((*parts)[0].etag, "ab");
  EXPECT_EQ((*parts)[1].number, 10'000u);
  EXPECT_EQ((*parts)[1].etag, "cd");
  for (auto const& wrong : {part("2", "a") + part("1", "b"), part("1", "a") + part("1", "b")}) {
    EXPECT_EQ(parse_complete(document(wrong)).error().fault, Fault::precondition_failed);
  }
  for (char const* const number : {"0", "10001", "-1", "x", "", "99999999999"}) {
    EXPECT_EQ(parse_complete(document(part(number, "a"))).error().fault, Fault::invalid) << number;
  }
}

}  // namespace
}  // namespace chisme::web::s3
