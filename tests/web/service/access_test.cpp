#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "tests/web/memory_credentials.hpp"
#include "tests/web/service/requests.hpp"
#include "web/base64.hpp"
#include "web/gate.hpp"
#include "web/routes.hpp"

namespace chisme::web {
namespace {

using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

// A node that wants tokens, and knows one of each kind.
class Gate : public ServiceTest {
 protected:
  Gate() {
    gateway.judge = &credentials;
    credentials.add_token("r", Role::read);
    credentials.add_token("w", Role::write);
    credentials.add_token("a", Role::admin);
    credentials.add_token("late", Role::admin, Standing::expired);
    credentials.add_token("gone", Role::admin, Standing::revoked);
    credentials.add_link("link", "local.mp4");
    credentials.add_link("far", "remote.txt");
  }
  Service with(AccessMode mode) {
    return Service{gateway,
                   {.max_file_size = ByteCount{1000},
                    .access = mode,
                    .cors_origins = {"https://films.example"},
                    .hosts = {},
                    .assets = assets}};
  }
  Plan plan_in(AccessMode mode, std::string const& text) {
    Service service_in_mode = with(mode);
    return service_in_mode.plan(request_of(text));
  }
  Reply reply_in(AccessMode mode, std::string const& text) {
    Plan const planned = plan_in(mode, text);
    auto const* const found = std::get_if<Reply>(&planned);
    return found == nullptr ? Reply{.status = 0, .headers = {}, .body = {}} : *found;
  }
  // 0: it was let in, and planned as something other than an answer.
  unsigned status_in(AccessMode mode, std::string const& text) {
    return reply_in(mode, text).status;
  }
  unsigned asked(std::string const& text) { return status_in(AccessMode::token, text); }
  static std::string bearing(std::string const& text, std::string const& token) {
    return text + "\nAuthorization: Bearer " + token;
  }

  MemoryCredentials credentials;
};

constexpr std::pair<char const*, Method> all_methods[] = {
    {"GET", Method::get},         {"HEAD", Method::head},         {"PUT", Method::put},
    {"POST", Method::post},       {"PATCH", Method::patch},       {"DELETE", Method::delete_},
    {"OPTIONS", Method::options}, {"PROPFIND", Method::propfind}, {"PROPPATCH", Method::proppatch},
    {"MKCOL", Method::mkcol},     {"COPY", Method::copy},         {"MOVE", Method::move},
    {"LOCK", Method::lock},       {"UNLOCK", Method::unlock},     {"TRACE", Method::other}};

std::string base64_of(std::string_view text) {
  auto const* const bytes = reinterpret_cast<std::uint8_t const*>(text.data());
  return base64_encoded({bytes, text.size()});
}

std::string an_address_of(Route const& route) {
  return std::string{route.path} + (route.path.ends_with('/') ? "local.mp4" : "");
}

std::string const basic_challenge = "Basic realm=\"chisme\", charset=\"UTF-8\"";

TEST_F(Gate, EveryRouteSaysWhoMayAsk) {
  for (Route const& route : routes()) EXPECT_NE(route.needs, Needs::unstated) << route.path;
}

TEST_F(Gate, WhatDoesNotSayIsClosedToEverybody) {
  Bearer const admin{Standing::valid, Role::admin, {}};
  for (AccessMode const mode : {AccessMode::open, AccessMode::read, AccessMode::token}) {
    EXPECT_EQ(judge(mode, Needs::unstated, admin), Verdict::closed);
    EXPECT_EQ(judge(mode, Needs::unstated, std::nullopt), Verdict::closed);
  }
}

TEST_F(Gate, EveryRouteAndMethodWithoutATokenIsRefusedButForAFew) {
  std::set<std::pair<std::string, std::string>> const open{
      {"GET", "/access"},   {"HEAD", "/access"}, {"GET", "/healthz"},
      {"HEAD", "/healthz"}, {"GET", "/readyz"},  {"HEAD", "/readyz"}};
  std::set<std::string> addresses{"/nowhere", "/filesystem"};
  for (Route const& route : routes()) addresses.insert(an_address_of(route));
  for (std::string const& address : addresses) {
    for (auto const& [name, method] : all_methods) {
      std::string const request = std::string{name} + " " + address;
      bool const is_open = method == Method::options || open.contains({name, address});
      if (is_open) {
        EXPECT_NE(asked(request), 401u) << request;
        continue;
      }
      for (std::string const& more :
           {"", "\nAuthorization: Basic YTpi", "\nAuthorization: Bearer"}) {
        Reply const refused = reply_in(AccessMode::token, request + more);
        EXPECT_EQ(refused.status, 401u) << request;
        bool const is_dav = address.starts_with("/dav");
        std::string const basic = is_dav ? basic_challenge + " | " : "";
        bool const is_shown = is_dav && more.find("Basic") != std::string::npos;
        std::string const error = is_shown ? ", error=\"invalid_token\"" : "";
        EXPECT_EQ(header_of(refused, "WWW-Authenticate"), basic + "Bearer realm=\"chisme\"" + error)
            << request;
      }
      for (char const* const bad : {"late", "gone", "garbage"}) {
        Reply const refused = reply_in(AccessMode::token, bearing(request, bad));
        EXPECT_EQ(refused.status, 401u) << request;
        EXPECT_THAT(header_of(refused, "WWW-Authenticate"), HasSubstr("invalid_token"));
        EXPECT_THAT(refused.body, Not(HasSubstr("garbage")));
      }
    }
  }
}

TEST_F(Gate, ARoleOpensWhatItNamesAndNoMore) {
  constexpr std::pair<Role, char const*> roles[] = {
      {Role::read, "r"}, {Role::write, "w"}, {Role::admin, "a"}};
  for (Route const& route : routes()) {
    std::string method = "OPTIONS";
    for (auto const& [name, its] : all_methods) {
      if (its == route.method) method = name;
    }
    Role const needed = route.needs == Needs::nothing ? Role::none
                        : route.needs == Needs::read  ? Role::read
                        : route.needs == Needs::write ? Role::write
                                                      : Role::admin;
    for (auto const& [role, token] : roles) {
      std::string const request = method + " " + an_address_of(route);
      Reply const answer = reply_in(AccessMode::token, bearing(request, token));
      EXPECT_NE(answer.status, 401u) << request << token;
      EXPECT_EQ(answer.status == 403u, role < needed) << request << token;
      if (role >= needed) continue;
      EXPECT_THAT(header_of(answer, "WWW-Authenticate"), HasSubstr("insufficient_scope"));
      EXPECT_THAT(answer.body, HasSubstr(std::string{to_string(needed)}));
    }
  }
}

TEST_F(Gate, BelowDavATokenIsAPasswordAndNowhereElse) {
  std::string const with_r = "\nAuthorization: Basic " + base64_of("anybody:r");
  EXPECT_EQ(asked("GET /dav/local.mp4" + with_r), 0u);
  EXPECT_EQ(asked("GET http://127.0.0.1:7701/dav/local.mp4" + with_r), 0u);
  EXPECT_EQ(asked("DELETE /dav/local.mp4" + with_r), 403u);
  EXPECT_EQ(asked("GET /files/local.mp4" + with_r), 401u);
  EXPECT_EQ(asked("GET /files/../dav/local.mp4" + with_r), 401u);
  EXPECT_EQ(asked("GET /files/local.mp4?/dav/" + with_r), 401u);
  EXPECT_EQ(asked("GET /davx" + with_r), 401u);
  for (char const* const pair : {"r:", "r", "", "r:x"}) {
    EXPECT_EQ(asked("GET /dav/local.mp4\nAuthorization: Basic " + base64_of(pair)), 401u) << pair;
  }
  EXPECT_EQ(asked("GET /dav/local.mp4\nAuthorization: Basic !!!"), 401u);
}

TEST_F(Gate, WhoWantsTokensForChangesLetsEverybodyRead) {
  EXPECT_EQ(status_in(AccessMode::read, "GET /files"), 200u);
  EXPECT_EQ(status_in(AccessMode::read, "GET /nowhere"), 404u);
  EXPECT_EQ(status_in(AccessMode::read, "PUT /files/a"), 401u);
  EXPECT_EQ(status_in(AccessMode::read, bearing("PUT /files/a", "r")), 403u);
  EXPECT_EQ(status_in(AccessMode::read, bearing("PUT /files/a", "w")), 0u);
  EXPECT_EQ(status_in(AccessMode::read, bearing("POST /cluster/drain", "w")), 403u);
  EXPECT_EQ(status_in(AccessMode::read, bearing("GET /files", "late")), 401u);
  EXPECT_EQ(status_in(AccessMode::open, bearing("GET /files", "late")), 200u);
  EXPECT_EQ(status_in(AccessMode::open, "PUT /files/a"), 0u);
}

TEST_F(Gate, ThePagesOwnFilesAreForEverybody) {
  EXPECT_EQ(asked("GET /"), 200u);
  EXPECT_EQ(asked("HEAD /worker.js"), 200u);
  EXPECT_EQ(asked("PUT /worker.js"), 401u);
}

TEST_F(Gate, ATokenInAnAddressIsNone) {
  for (char const* const key : {"access_token", "token", "share", "Authorization"}) {
    EXPECT_EQ(asked("GET /files?" + std::string{key} + "=a"), 401u) << key;
  }
}

TEST_F(Gate, ABrowsersWebSocketShowsItAsASubprotocol) {
  std::string const offered = "\nSec-WebSocket-Protocol: chisme, chisme.bearer.";
  EXPECT_EQ(asked(websocket("/ws/read")), 401u);
  EXPECT_EQ(asked(websocket("/ws/read") + offered + "garbage"), 401u);
  EXPECT_EQ(asked(websocket("/ws/upload?name=x") + offered + "r"), 403u);
  Plan const opened = plan_in(AccessMode::token, websocket("/ws/read") + offered + "r");
  ASSERT_TRUE(std::holds_alternative<AcceptWebSocket>(opened));
  EXPECT_EQ(std::get<AcceptWebSocket>(opened).token, credentials.tokens["r"].id);
  // Not a handshake: there a subprotocol is none.
  EXPECT_EQ(asked("GET /files" + offered + "r"), 401u);
  EXPECT_EQ(selected_subprotocol(request_of(websocket("/ws/read") + offered + "r")), "chisme");
  EXPECT_EQ(selected_subprotocol(request_of(websocket("/ws/read"))), "");
}

TEST_F(Gate, ItSaysWhatOneMay) {
  auto const told = [&](AccessMode mode, std::string const& token) {
    return reply_in(mode, token.empty() ? "GET /access" : bearing("GET /access", token)).body;
  };
  EXPECT_EQ(told(AccessMode::token, ""),
            "{\"access\":\"token\",\"role\":\"none\",\"expires\":null,\"shares\":true}\n");
  EXPECT_EQ(told(AccessMode::token, "w"),
            "{\"access\":\"token\",\"role\":\"write\",\"expires\":\"2033-05-18T03:33:20.000Z\","
            "\"shares\":true}\n");
  EXPECT_THAT(told(AccessMode::token, "late"), HasSubstr("\"role\":\"none\",\"expires\":null"));
  EXPECT_THAT(told(AccessMode::read, ""), HasSubstr("\"role\":\"read\""));
  EXPECT_THAT(told(AccessMode::open, ""), HasSubstr("\"role\":\"admin\""));
  gateway.judge = nullptr;
  EXPECT_THAT(told(AccessMode::open, ""), HasSubstr("\"shares\":false"));
}

TEST_F(Gate, ALinkOpensItsFileAndNothingElse) {
  for (AccessMode const mode : {AccessMode::open, AccessMode::read, AccessMode::token}) {
    EXPECT_EQ(status_in(mode, "GET /files/local.mp4?share=link"), 0u);
    EXPECT_EQ(status_in(mode, "HEAD /files/local.mp4?share=link"), 0u);
    EXPECT_EQ(status_in(mode, "GET /client?file=local.mp4&share=link"), 0u);
    EXPECT_EQ(status_in(mode, "GET /files/remote.txt?share=link"), 403u);
    EXPECT_EQ(status_in(mode, "GET /files/local.mp4?share=far"), 403u);
    EXPECT_EQ(status_in(mode, "GET /files/local.mp4?share=linkk"), 403u);
    EXPECT_EQ(status_in(mode, "GET /client?file=remote.txt&share=link"), 403u);
  }
  for (char const* const other :
       {"PUT /files/local.mp4", "DELETE /files/local.mp4", "PATCH /files/local.mp4", "GET /files",
        "GET /files/", "GET /route?file=local.mp4", "GET /redirect?file=local.mp4", "GET /cluster",
        "POST /shares", "GET /metrics"}) {
    std::string const request{other};
    std::string const share =
        request.find('?') == std::string::npos ? "?share=link" : "&share=link";
    unsigned const status = asked(request + share);
    EXPECT_TRUE(status == 401u || status == 403u) << request << " " << status;
  }
  EXPECT_EQ(asked(websocket("/ws/files/local.mp4?share=link")), 401u);
}

TEST_F(Gate, ALinkThatIsOverSaysWhy) {
  auto const refused = [&](Standing standing) {
    credentials.links[{"link", "local.mp4"}].standing = standing;
    return reply_in(AccessMode::token, "GET /files/local.mp4?share=link");
  };
  EXPECT_EQ(refused(Standing::expired).status, 410u);
  EXPECT_THAT(refused(Standing::expired).body, HasSubstr("expired"));
  EXPECT_EQ(refused(Standing::revoked).status, 410u);
  EXPECT_THAT(refused(Standing::revoked).body, HasSubstr("taken back"));
  // Who may read anyway needs no link.
  EXPECT_EQ(asked(bearing("GET /files/local.mp4?share=link", "r")), 0u);
  EXPECT_EQ(asked(bearing("GET /files/local.mp4?share=link", "late")), 410u);
}

TEST_F(Gate, RedirectsBearWhatTheOtherNodeWantsToSee) {
  for (char const* const asks :
       {"GET /files/remote.txt", "GET /redirect?file=remote.txt", "GET /client?file=remote.txt"}) {
    Reply const by_token = reply_in(AccessMode::token, bearing(asks, "r"));
    ASSERT_EQ(by_token.status, 307u) << asks;
    EXPECT_THAT(header_of(by_token, "Location"), HasSubstr("&share=ticket-")) << asks;
    EXPECT_THAT(header_of(by_token, "Link"), HasSubstr("via=local&share=ticket-")) << asks;
    EXPECT_THAT(header_of(reply_in(AccessMode::open, asks), "Location"), Not(HasSubstr("share")));
    EXPECT_THAT(header_of(reply_in(AccessMode::open, bearing(asks, "r")), "Location"),
                Not(HasSubstr("share")));
  }
  Reply const by_link = reply_in(AccessMode::token, "GET /files/remote.txt?share=far");
  EXPECT_THAT(header_of(by_link, "Location"), HasSubstr("&share=far"));
  EXPECT_EQ(header_of(by_link, "Referrer-Policy"), "no-referrer");
}

TEST_F(Gate, ACountedLinkIsUsedAtItsHome) {
  credentials.links[{"link", "local.mp4"}].downloads = 2;
  credentials.home = {"http://127.0.0.1:7702", false};
  std::string const link = "/files/local.mp4?share=link";
  EXPECT_EQ(header_of(reply_in(AccessMode::token, "GET " + link + "&download=1"), "Location"),
            "http://127.0.0.1:7702/files/local.mp4?hop=0&download=1&share=link");
  EXPECT_EQ(header_of(reply_in(AccessMode::token, "GET " + link + "&hop=0"), "Location"),
            "http://127.0.0.1:7702/files/local.mp4?hop=1&share=link");
  EXPECT_EQ(asked("GET " + link + "&hop=1"), 503u);
  EXPECT_EQ(
      header_of(reply_in(AccessMode::token, "GET /client?file=local.mp4&share=link"), "Location"),
      "http://127.0.0.1:7702/client?hop=0&file=local.mp4&share=link");
  EXPECT_TRUE(credentials.used.empty());
}

TEST_F(Gate, ADownloadCountsFromItsFirstByte) {
  credentials.links[{"link", "local.mp4"}].downloads = 2;
  std::string const link = "/files/local.mp4?share=link";
  EXPECT_EQ(asked("GET " + link), 0u);
  EXPECT_EQ(asked("GET " + link + "\nRange: bytes=0-3"), 0u);
  EXPECT_EQ(asked("GET " + link + "\nRange: bytes=3-"), 0u);
  EXPECT_EQ(asked("HEAD " + link), 0u);
  EXPECT_THAT(credentials.used, testing::ElementsAre(LinkUse::begin, LinkUse::begin,
                                                     LinkUse::read_on, LinkUse::look));
  EXPECT_EQ(asked("GET " + link + "\nRange: bytes=99-"), 416u);
  EXPECT_EQ(asked("GET " + link + "\nIf-Match: \"x\""), 412u);
  EXPECT_EQ(credentials.used.size(), 4u);
  credentials.left = Standing::used_up;
  EXPECT_EQ(asked("GET " + link), 410u);
  credentials.left = Standing::busy;
  EXPECT_EQ(asked("GET " + link), 503u);
}

TEST_F(Gate, ACountedLinkIsNotPassedOn) {
  credentials.links[{"far", "remote.txt"}].downloads = 1;
  Plan const planned = plan_in(AccessMode::token, "GET /files/remote.txt?share=far");
  ASSERT_TRUE(std::holds_alternative<RelayObject>(planned));
  EXPECT_EQ(header_of(std::get<RelayObject>(planned).head, "Link"), "");
}

TEST_F(Gate, LinksAreMadeOfWhatIsAskedFor) {
  Service service_in_mode = with(AccessMode::token);
  EXPECT_TRUE(std::holds_alternative<ReceiveShare>(
      plan_in(AccessMode::token, bearing("POST /shares", "w"))));
  Request const request = request_of("POST /shares");
  Reply const made =
      service_in_mode.shared(request, R"({"name":"a b/c.mp4","seconds":60,"downloads":3})");
  EXPECT_EQ(made.status, 201u);
  EXPECT_EQ(made.body,
            "{\"url\":\"/files/a%20b/c.mp4?share=a-link\",\"id\":\"000000000000002a-77359400\","
            "\"expires\":\"2033-05-18T03:33:20.000Z\",\"downloads\":3}\n");
  EXPECT_EQ(credentials.made.at(0).life, std::chrono::seconds{60});
  EXPECT_THAT(service_in_mode.shared(request, R"({"name":"a","seconds":86400})").body,
              HasSubstr("\"downloads\":null"));
  for (char const* const bad :
       {"", "[]", "{", R"({"seconds":60})", R"({"name":"a"})", R"({"name":"a","seconds":59})",
        R"({"name":"a","seconds":31536001})", R"({"name":"a","seconds":-60})",
        R"({"name":"../a","seconds":60})", R"({"name":7,"seconds":60})",
        R"({"name":"a","seconds":60,"downloads":0})",
        R"({"name":"a","seconds":60,"downloads":4294967296})",
        R"({"name":"a","seconds":60,"downloads":"3"})"}) {
    EXPECT_EQ(service_in_mode.shared(request, bad).status, 400u) << bad;
  }
  gateway.judge = nullptr;
  EXPECT_EQ(service_in_mode.shared(request, R"({"name":"a","seconds":60})").status, 503u);
  EXPECT_EQ(status_in(AccessMode::open, "POST /shares"), 503u);
}

TEST_F(Gate, IdsAreRevokedAsTheKindThatTheyAreOf) {
  auto const kind_of = [&](std::string const& request, std::string const& token) {
    Plan const planned = plan_in(AccessMode::token, bearing(request, token));
    auto const* const revocation = std::get_if<RevokeCredential>(&planned);
    return revocation == nullptr ? std::nullopt : std::optional{revocation->kind};
  };
  std::string const id = "/000000000000002a-77359400";
  EXPECT_EQ(kind_of("DELETE /shares" + id, "w"), CredentialKind::link);
  EXPECT_EQ(kind_of("DELETE /tokens" + id, "a"), CredentialKind::token);
  EXPECT_EQ(kind_of("DELETE /tokens" + id, "w"), std::nullopt);
  for (char const* const bad : {"", "2a-77359400", "000000000000002A-77359400", "000000000000002a-",
                                "000000000000002a-077359400", "000000000000002a-77359400x"}) {
    EXPECT_EQ(asked(bearing("DELETE /shares/" + std::string{bad}, "w")), 400u) << bad;
  }
}

TEST_F(Gate, OnlyTheSitesThatWereNamedMayUseItFromTheirPages) {
  auto const preflight = [&](std::string const& origin) {
    return reply_in(AccessMode::token,
                    "OPTIONS /files/a\nOrigin: " + origin + "\nAccess-Control-Request-Method: PUT");
  };
  Reply const allowed = preflight("https://films.example");
  EXPECT_EQ(allowed.status, 204u);
  EXPECT_EQ(header_of(allowed, "Access-Control-Allow-Origin"), "https://films.example");
  EXPECT_THAT(header_of(allowed, "Access-Control-Allow-Headers"), HasSubstr("Authorization"));
  for (char const* const other : {"https://films.example.evil.example", "http://films.example",
                                  "https://films.example:444", "null", "https://evil.example"}) {
    EXPECT_EQ(header_of(preflight(other), "Access-Control-Allow-Origin"), "") << other;
    EXPECT_EQ(asked(bearing("PUT /files/a\nOrigin: " + std::string{other}, "w")), 403u) << other;
  }
  EXPECT_EQ(asked(bearing("PUT /files/a\nOrigin: https://films.example", "w")), 0u);
  EXPECT_EQ(asked("PUT /files/a\nOrigin: https://films.example"), 401u);
  EXPECT_THAT(header_of(allowed, "Access-Control-Allow-Credentials"), "");
}

}  // namespace
}  // namespace chisme::web
