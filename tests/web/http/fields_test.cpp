#include "web/http/fields.hpp"

#include <gtest/gtest.h>

namespace chisme::web {
namespace {

TEST(Fields, AreLinesInTheirOrder) {
  Fields fields{{"Location", "/"}, {"Vary", "Origin"}};
  fields.add("Link", "<", std::string{"/a"}, ">");
  fields.add(Fields{{"Vary", "Accept"}});
  EXPECT_EQ(fields.text(), "Location: /\r\nVary: Origin\r\nLink: </a>\r\nVary: Accept\r\n");
  EXPECT_EQ(fields.values("Vary"), "Origin | Accept");
  EXPECT_EQ(fields.values("var"), "");
  EXPECT_EQ(Fields{}.text(), "");
}

TEST(Fields, OfOneNameGoTogether) {
  Fields fields{{"A", "1"}, {"AB", "2"}, {"A", "3"}, {"B", "A: 4"}};
  fields.remove("A");
  EXPECT_EQ(fields.text(), "AB: 2\r\nB: A: 4\r\n");
  fields.remove("C");
  fields.remove("AB");
  fields.remove("B");
  EXPECT_EQ(fields.text(), "");
}

}  // namespace
}  // namespace chisme::web
