#include "web/dav/fields.hpp"

#include <gtest/gtest.h>

#include "tests/web/service/requests.hpp"

namespace chisme::web::dav {
namespace {

using std::chrono::seconds;

Request with(std::string const& fields) {
  return request_of("COPY /dav/a\n" + fields);
}

TEST(DavFields, DepthIsOneOfThree) {
  EXPECT_EQ(depth_of(with("Depth: 0")), Depth::zero);
  EXPECT_EQ(depth_of(with("Depth: 1")), Depth::one);
  EXPECT_EQ(depth_of(with("Depth: Infinity")), Depth::infinity);
  EXPECT_EQ(depth_of(with("")), Depth::infinity);
  for (char const* const bad : {"2", "-1", "0, 1", "00", "1,noroot"}) {
    EXPECT_FALSE(depth_of(with("Depth: " + std::string{bad}))) << bad;
  }
}

TEST(DavFields, OverwriteIsTUnlessItSaysF) {
  EXPECT_EQ(may_overwrite(with("")), true);
  EXPECT_EQ(may_overwrite(with("Overwrite: T")), true);
  EXPECT_EQ(may_overwrite(with("Overwrite: f")), false);
  EXPECT_FALSE(may_overwrite(with("Overwrite: no")));
}

TEST(DavFields, ADestinationIsBelowDavOfThisServer) {
  EXPECT_EQ(destination_of(with("Destination: /dav/a%20b/"))->name, "a b");
  EXPECT_TRUE(destination_of(with("Destination: /dav/a%20b/"))->is_slash);
  EXPECT_EQ(destination_of(with("Destination: http://localhost:7701/dav/x"))->name, "x");
  EXPECT_EQ(destination_of(with("Destination: http://other:7701/dav/x")).error().fault,
            Fault::unavailable);
  EXPECT_EQ(destination_of(with("Destination: /files/x")).error().fault, Fault::unavailable);
  for (char const* const bad :
       {"/dav/a/../b", "/dav/%", "/dav/%01uploads", "/dav/a#b", "/dav/a//b"}) {
    auto const answer = destination_of(with("Destination: " + std::string{bad}));
    ASSERT_FALSE(answer) << bad;
    EXPECT_EQ(answer.error().fault, Fault::invalid) << bad;
  }
  EXPECT_FALSE(destination_of(with("")));
}

TEST(DavFields, ATimeoutIsBounded) {
  auto const asked = [](std::string const& text) { return timeout_of(with("Timeout: " + text)); };
  EXPECT_EQ(timeout_of(with("")), lock_life);
  EXPECT_EQ(asked("Second-100"), seconds{100});
  EXPECT_EQ(asked("Extend, second-100"), seconds{100});
  EXPECT_EQ(asked("Infinite, Second-4100000000"), lock_life_max);
  EXPECT_EQ(asked("Second-99999999999999999999"), lock_life_max);
  EXPECT_EQ(asked("Second-0"), lock_life_min);
  EXPECT_EQ(asked("Second-x, Second--1"), lock_life);
}

TEST(DavFields, ALockTokenIsInBrackets) {
  EXPECT_EQ(lock_token_of(with("Lock-Token: <urn:uuid:1>")), "urn:uuid:1");
  EXPECT_EQ(lock_token_of(with("Lock-Token: urn:uuid:1")), std::nullopt);
  EXPECT_EQ(lock_token_of(with("Lock-Token: <>")), std::nullopt);
  EXPECT_EQ(lock_token_of(with("")), std::nullopt);
}

TEST(DavIf, ListsHaveConditionsAndMayBeAboutOthers) {
  auto const plain = parse_if("(<urn:a> [\"x]y\"]) (Not <DAV:no-lock>[W/\"z\"])");
  ASSERT_TRUE(plain) << plain.error().message;
  ASSERT_EQ(plain->size(), 2u);
  EXPECT_EQ((*plain)[0].resource, std::nullopt);
  EXPECT_EQ((*plain)[0].conditions[1].text, "\"x]y\"");
  EXPECT_FALSE((*plain)[0].conditions[1].is_token);
  EXPECT_TRUE((*plain)[1].conditions[0].is_negated);
  EXPECT_EQ((*plain)[1].conditions[1].text, "W/\"z\"");
  EXPECT_EQ(tokens_in(*plain), (std::vector<std::string>{"urn:a", "DAV:no-lock"}));
  auto const tagged = parse_if("</dav/a> (<urn:a>) (<urn:b>) <http://x/dav/b> (<urn:c>)");
  ASSERT_TRUE(tagged);
  EXPECT_EQ((*tagged)[1].resource, "/dav/a");
  EXPECT_EQ((*tagged)[2].resource, "http://x/dav/b");
}

TEST(DavIf, WhatIsMalformedIsRefused) {
  for (char const* const bad : {"", " ", "()", "(<urn:a>", "<urn:a>", "(<>)", "(urn:a)", "([x])",
                                "([\"x\")", "(Not)", "(<a>) </dav/b> (<c>)", "(<a>) x"}) {
    EXPECT_FALSE(parse_if(bad)) << bad;
  }
  std::string many;
  for (std::size_t i = 0; i <= if_conditions_max; ++i) many += "(<a>)";
  EXPECT_FALSE(parse_if(many));
}

TEST(DavIf, OneListIsEnoughWithAllOfItsConditions) {
  auto const is = [](char const* text) {
    auto const lists = parse_if(text);
    EXPECT_TRUE(lists) << text;
    return is_true(*lists, [](auto const&, IfCondition const& one) { return one.text == "yes"; });
  };
  EXPECT_TRUE(is("(<yes>)"));
  EXPECT_FALSE(is("(<no>)"));
  EXPECT_FALSE(is("(<yes> <no>)"));
  EXPECT_TRUE(is("(<yes> Not <no>)"));
  EXPECT_TRUE(is("(<no>) (<yes>)"));
  EXPECT_FALSE(is("(Not <yes>)"));
}

}  // namespace
}  // namespace chisme::web::dav
