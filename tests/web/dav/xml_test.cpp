#include "web/dav/xml.hpp"

#include <gtest/gtest.h>

namespace chisme::web::dav {
namespace {

std::string again(std::string const& text) {
  auto const root = parse_xml(text);
  EXPECT_TRUE(root) << text;
  return root ? to_xml(*root) : "";
}

TEST(DavXml, NamesHaveTheirNamespaces) {
  auto const root = parse_xml("<D:a xmlns:D=\"DAV:\" xmlns=\"urn:x\"><b c=\"1\"/><D:b/>text</D:a>");
  ASSERT_TRUE(root) << root.error().message;
  EXPECT_TRUE(root->is_dav("a"));
  ASSERT_EQ(root->children.size(), 3u);
  EXPECT_EQ(root->children[0].name, (XmlName{"urn:x", "b"}));
  EXPECT_EQ(root->children[0].attributes.front(), (XmlAttribute{{"", "c"}, "1"}));
  EXPECT_EQ(root->child("b"), &root->children[1]);
  EXPECT_EQ(root->children[2].text, "text");
}

TEST(DavXml, WhatIsWrittenIsReadTheSame) {
  for (char const* const text :
       {"<a/>", "<a xmlns=\"urn:x\"><b xmlns=\"\"><c xmlns=\"urn:x\"/></b></a>",
        "<p:a xmlns:p=\"urn:&amp;&quot;\" p:at=\"&lt;&#10;\" xml:lang=\"es\">&lt;b&gt; &#13;\n "
        "</p:a>",
        "<?xml version=\"1.0\" encoding=\"iso-8859-1\"?><a>\xe9</a>"}) {
    auto const first = parse_xml(text);
    ASSERT_TRUE(first) << text;
    EXPECT_EQ(parse_xml(to_xml(*first)), *first) << to_xml(*first);
  }
}

TEST(DavXml, AnElementStandsForItselfWhereverItIsPut) {
  std::string const put = again("<x:a xmlns:x=\"urn:x\" xmlns=\"urn:y\"><b/><x:c/></x:a>");
  auto const there = parse_xml("<D:prop xmlns:D=\"DAV:\" xmlns=\"urn:z\">" + put + "</D:prop>");
  ASSERT_TRUE(there);
  XmlNode const& a = there->children.front();
  EXPECT_EQ(a.name, (XmlName{"urn:x", "a"}));
  EXPECT_EQ(a.children[0].name, (XmlName{"urn:y", "b"}));
  EXPECT_EQ(a.children[1].name, (XmlName{"urn:x", "c"}));
}

TEST(DavXml, NoDocumentTypeIsTakenAndNoEntity) {
  for (char const* const text : {"<!DOCTYPE a><a/>", "<!DOCTYPE a [<!ENTITY e \"x\">]><a>&e;</a>",
                                 "<!DOCTYPE a SYSTEM \"file:///etc/passwd\"><a/>", "<a>&e;</a>"}) {
    EXPECT_FALSE(parse_xml(text)) << text;
  }
}

TEST(DavXml, WhatIsNotWellFormedIsRefused) {
  for (char const* const text : {"", " ", "a", "<a>", "<a></b>", "<a/><a/>", "<p:a/>",
                                 "<a xmlns:p=\"\"/>", "<a>\xff</a>", "<a b=1/>"}) {
    auto const parsed = parse_xml(text);
    ASSERT_FALSE(parsed) << text;
    EXPECT_EQ(parsed.error().fault, Fault::invalid);
  }
}

TEST(DavXml, ANamespaceDoesNotMakeMuchOfLittle) {
  auto const in_space = [](std::size_t bytes, std::size_t count) {
    std::string text = "<p:a xmlns:p=\"" + std::string(bytes, 's') + "\">";
    for (std::size_t i = 0; i < count; ++i) text += "<p:b/>";
    return text + "</p:a>";
  };
  EXPECT_TRUE(parse_xml(in_space(xml_space_bytes_max, 10)));
  auto const long_space = parse_xml(in_space(xml_space_bytes_max + 1, 10));
  ASSERT_FALSE(long_space);
  EXPECT_EQ(long_space.error().message, "a namespace is longer than 256 bytes");
  EXPECT_TRUE(parse_xml(in_space(xml_space_bytes_max, 900)));
  auto const many = parse_xml(in_space(xml_space_bytes_max, 1100));
  ASSERT_FALSE(many);
  EXPECT_EQ(many.error().fault, Fault::invalid);
  std::string const space(xml_space_bytes_max + 1, 's');
  EXPECT_FALSE(parse_xml("<a xmlns:p=\"" + space + "\" p:b=\"\"/>"));
}

TEST(DavXml, EveryLimitHolds) {
  auto const nested = [](std::size_t depth) {
    std::string text;
    for (std::size_t i = 0; i < depth; ++i) text += "<a>";
    for (std::size_t i = 0; i < depth; ++i) text += "</a>";
    return text;
  };
  EXPECT_TRUE(parse_xml(nested(xml_depth_max)));
  EXPECT_FALSE(parse_xml(nested(xml_depth_max + 1)));
  auto const many = [](std::size_t count) {
    std::string text = "<a>";
    for (std::size_t i = 0; i < count; ++i) text += "<b/>";
    return text + "</a>";
  };
  EXPECT_TRUE(parse_xml(many(xml_nodes_max - 1)));
  EXPECT_FALSE(parse_xml(many(xml_nodes_max)));
  std::string attributes;
  for (std::size_t i = 0; i <= xml_attributes_max; ++i) {
    attributes += " a" + std::to_string(i) + "=\"\"";
  }
  EXPECT_FALSE(parse_xml("<a" + attributes + "/>"));
  auto const long_one = parse_xml("<a>" + std::string(xml_bytes_max, ' ') + "</a>");
  ASSERT_FALSE(long_one);
  EXPECT_EQ(long_one.error().fault, Fault::too_large);
}

}  // namespace
}  // namespace chisme::web::dav
