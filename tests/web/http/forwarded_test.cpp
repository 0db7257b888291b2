#include "web/http/forwarded.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace chisme::web {
namespace {

// 192.0.2.* are the proxies.
std::string client_of(std::vector<Header> headers) {
  Request request;
  request.headers = std::move(headers);
  auto const client = forwarded_client(
      request, [](Endpoint const& hop) { return address_text(hop).starts_with("192.0.2."); });
  return client ? address_text(*client) : "nobody";
}

TEST(ForwardedClient, IsTheLastThatIsNoProxy) {
  EXPECT_EQ(client_of({{"X-Forwarded-For", "198.51.100.1"}}), "198.51.100.1");
  EXPECT_EQ(client_of({{"X-Forwarded-For", "203.0.113.9, 198.51.100.1, 192.0.2.1"}}),
            "198.51.100.1")
      << "what comes before it, it may have written itself";
  EXPECT_EQ(client_of({{"x-forwarded-for", "203.0.113.9"}, {"X-Forwarded-For", "198.51.100.1"}}),
            "198.51.100.1");
  EXPECT_EQ(client_of({{"X-Forwarded-For", "192.0.2.7, 192.0.2.1"}}), "192.0.2.7");
  EXPECT_EQ(client_of({}), "nobody");
}

TEST(ForwardedClient, IsReadInEveryFormThatAddressesHave) {
  EXPECT_EQ(client_of({{"X-Forwarded-For", "198.51.100.1:4711"}}), "198.51.100.1");
  EXPECT_EQ(client_of({{"X-Forwarded-For", "2001:db8::1"}}), "2001:db8::1");
  EXPECT_EQ(client_of({{"X-Forwarded-For", "[2001:db8::1]:80"}}), "2001:db8::1");
  EXPECT_EQ(client_of({{"Forwarded", "for=198.51.100.1;proto=http;by=192.0.2.1"}}), "198.51.100.1");
  EXPECT_EQ(client_of({{"Forwarded", "For=\"[2001:db8::1]:80\""}}), "2001:db8::1");
  EXPECT_EQ(client_of({{"Forwarded",
                        "for=203.0.113.9, proto=http; for=198.51.100.1, "
                        "for=192.0.2.1"}}),
            "198.51.100.1");
}

TEST(ForwardedClient, WhoIsHiddenIsNobody) {
  for (char const* const text : {"unknown", "_hidden", "198.51.100.1.2", "999.1.1.1", "localhost",
                                 "198.51.100.1:99999", "[2001:db8::1", "::g"}) {
    EXPECT_EQ(client_of({{"X-Forwarded-For", std::string{"203.0.113.9, "} + text}}), "nobody")
        << text;
    EXPECT_EQ(client_of({{"Forwarded", std::string{"for="} + text}}), "nobody") << text;
  }
}

TEST(ForwardedClient, AFieldThatTheProxyDoesNotKnowIsNotBelieved) {
  EXPECT_EQ(client_of({{"Forwarded", "for=203.0.113.9"}, {"X-Forwarded-For", "198.51.100.1"}}),
            "nobody");
  EXPECT_EQ(client_of({{"Forwarded", "for=198.51.100.1"}, {"X-Forwarded-For", "198.51.100.1"}}),
            "198.51.100.1");
}

TEST(ForwardedClient, AQuoteThatTheClientOpensHidesNothingThatTheProxyAdds) {
  for (char const* const own :
       {"for=\"", "for=203.0.113.9;x=\"", "for=203.0.113.9;x=\"\\", "\"", "for=203.0.113.9;"}) {
    for (char const* const added : {"for=198.51.100.1", "for=\"198.51.100.1\""}) {
      auto const client = client_of({{"Forwarded", std::string{own} + ", " + added}});
      EXPECT_NE(client, "203.0.113.9") << own << added;
    }
    EXPECT_NE(client_of({{"X-Forwarded-For", std::string{own} + ", 198.51.100.1"}}), "203.0.113.9");
  }
}

}  // namespace
}  // namespace chisme::web
