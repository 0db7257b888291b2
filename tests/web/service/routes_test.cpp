#include <gtest/gtest.h>

#include "tests/web/service/requests.hpp"
#include "web/json.hpp"
#include "web/route_class.hpp"
#include "web/routes.hpp"

namespace chisme::web {
namespace {

using Routes = ServiceTest;

TEST_F(Routes, WhatIsNotThereIsNotFoundAndWrongMethodsAreTold) {
  EXPECT_EQ(status("GET /nothing"), 404u);
  EXPECT_EQ(status("GET /filesystem"), 404u);
  EXPECT_EQ(status("GET /f%69les"), 404u);
  EXPECT_EQ(status("PUT /nothing"), 404u);
  Reply const wrong = reply("PATCH /files/a");
  EXPECT_EQ(wrong.status, 405u);
  EXPECT_EQ(header_of(wrong, "Allow"), "GET, HEAD, PUT, DELETE, OPTIONS");
  EXPECT_EQ(header_of(reply("DELETE /files"), "Allow"), "GET, HEAD, POST, OPTIONS");
  EXPECT_EQ(status("POST /cluster"), 405u);
  EXPECT_EQ(status("POST /"), 405u);
  EXPECT_EQ(status("TRACE /files"), 405u);
}

TEST_F(Routes, EachIsCountedInAClass) {
  for (Route const& route : routes()) {
    EXPECT_NE(class_of(route.path), RouteClass::page) << route.path;
  }
  EXPECT_EQ(class_of("/files"), RouteClass::list);
  EXPECT_EQ(class_of("/files?prefix=a/b"), RouteClass::list);
  EXPECT_EQ(class_of("/files/a%20b?via=local"), RouteClass::file);
  EXPECT_EQ(class_of("/files/"), RouteClass::file);
  EXPECT_EQ(class_of("http://localhost:7701/files/a"), RouteClass::file);
  EXPECT_EQ(class_of("/ws/files/a"), RouteClass::socket);
  for (char const* const other : {"/", "", "*", "/page.js", "/filesystem", "/files%2fa",
                                  "//files/a", "http://host", "a://b", "files", "?", "/?files"}) {
    EXPECT_EQ(class_of(other), RouteClass::page) << other;
  }
}

TEST_F(Routes, ListingsArePagedAndBounded) {
  for (char const* name : {"a/1", "a/2", "a/3", "b"}) gateway.add(name, name, "text/plain");
  Reply const page = reply("GET /files?prefix=a%2F&limit=2");
  EXPECT_EQ(page.status, 200u);
  EXPECT_NE(page.body.find("\"name\":\"a/1\""), std::string::npos);
  EXPECT_NE(page.body.find("\"next\":\"a/2\""), std::string::npos);
  Reply const rest = reply("GET /files?prefix=a/&limit=2&after=a/2");
  EXPECT_NE(rest.body.find("\"name\":\"a/3\""), std::string::npos);
  EXPECT_NE(rest.body.find("\"next\":null"), std::string::npos);
  EXPECT_EQ(header_of(rest, "Cache-Control"), "no-store");
  EXPECT_EQ(status("GET /files?limit=99999999999999999999999"), 200u);
  for (char const* bad : {"limit=0", "limit=-1", "limit=x", "limit=", "prefix=%ff", "after=%ff"}) {
    EXPECT_EQ(status("GET /files?" + std::string{bad}), 400u) << bad;
  }
}

TEST_F(Routes, TheNodeTellsItsState) {
  EXPECT_EQ(reply("GET /healthz").body, "ok\n");
  EXPECT_EQ(counted("GET /metrics").body, "chisme_up 1\n");
  EXPECT_EQ(status("GET /readyz"), 200u);
  EXPECT_EQ(status("GET /readyz?quorum=write"), 200u);
  gateway.quorum = false;
  EXPECT_EQ(status("GET /readyz"), 200u);
  Reply const unready = reply("GET /readyz?quorum=write");
  EXPECT_EQ(unready.status, 503u);
  EXPECT_NE(unready.body.find("Fewer than two nodes are in reach."), std::string::npos);
  gateway.for_reads = {false, "the node is starting"};
  EXPECT_EQ(status("GET /readyz"), 503u);
  EXPECT_EQ(counted("GET /cluster").body, to_json(gateway.cluster()) + "\n");
}

TEST_F(Routes, ANodeIsToldToLeaveByPostAlone) {
  for (char const* const method : {"GET", "PUT", "DELETE"}) {
    EXPECT_EQ(status(std::string{method} + " /cluster/drain"), 405u) << method;
  }
  EXPECT_EQ(status("POST /cluster/drain\nOrigin: http://evil.example"), 403u);
  EXPECT_EQ(gateway.leaves, 0);
  Reply const leaving = reply("POST /cluster/drain");
  EXPECT_EQ(leaving.status, 202u);
  EXPECT_EQ(leaving.body, "{\"draining\":true}\n");
  EXPECT_EQ(gateway.leaves, 1);
}

TEST_F(Routes, ANodeThatLeavesIsToldToStay) {
  EXPECT_EQ(status("POST /cluster/drain?cancel=1\nOrigin: http://evil.example"), 403u);
  EXPECT_EQ(gateway.stays, 0);
  Reply const staying = reply("POST /cluster/drain?cancel=1");
  EXPECT_EQ(staying.status, 202u);
  EXPECT_EQ(staying.body, "{\"draining\":false}\n");
  EXPECT_EQ(gateway.stays, 1);
  EXPECT_EQ(gateway.leaves, 0);
}

TEST_F(Routes, ANodeThatHasLeftIsNotToldToStay) {
  gateway.has_left = true;
  EXPECT_EQ(status("POST /cluster/drain?cancel=1"), 409u);
  EXPECT_EQ(gateway.stays, 0);
}

TEST_F(Routes, ANodeReadsItsCopiesWhenItIsToldTo) {
  EXPECT_EQ(status("DELETE /cluster/scrub"), 405u);
  EXPECT_EQ(status("POST /cluster/scrub\nOrigin: http://evil.example"), 403u);
  EXPECT_EQ(gateway.scrubs, 0);
  EXPECT_EQ(status("POST /cluster/scrub"), 202u);
  EXPECT_EQ(gateway.scrubs, 1);
  gateway.scrubbed.running = true;
  gateway.scrubbed.copies = 3;
  gateway.scrubbed.checked = 2;
  gateway.scrubbed.bytes = ByteCount{300};
  gateway.scrubbed.bytes_checked = ByteCount{200};
  gateway.scrubbed.damaged = 1;
  gateway.scrubbed.damaged_first = {Digest{{1}}};
  EXPECT_EQ(reply("GET /cluster/scrub").body,
            R"({"running":true,"copies":3,"checked":2,"bytes":300,"bytes_checked":200,"damaged":1,)"
            R"("damaged_sha256":["01)" +
                std::string(62, '0') + "\"]}\n");
}

TEST_F(Routes, NodesOfALocalClusterAreOrderedAboutByItsOwnPagesOnly) {
  std::string const node = "?http=http%3A%2F%2F127.0.0.1%3A7702";
  constexpr std::pair<char const*, LocalOrder> orders[] = {{"kill", LocalOrder::kill},
                                                           {"start", LocalOrder::start},
                                                           {"stop", LocalOrder::stop},
                                                           {"cont", LocalOrder::resume}};
  for (auto const& [name, order] : orders) {
    std::string const route = "/cluster/local/" + std::string{name} + node;
    auto const asked = planned<OrderLocal>("POST " + route);
    EXPECT_EQ(asked.order, order);
    EXPECT_EQ(asked.http, "http://127.0.0.1:7702");
    static_cast<void>(planned<OrderLocal>("POST " + route + "\nOrigin: http://127.0.0.1:7702"));
    for (char const* const origin : {"http://evil.example", "null", "http://127.0.0.1:9"}) {
      EXPECT_EQ(status("POST " + route + "\nOrigin: " + origin), 403u) << origin;
    }
    EXPECT_EQ(status("GET " + route), 405u);
  }
  EXPECT_EQ(status("POST /cluster/local/quit" + node), 404u);
  EXPECT_EQ(status("POST /cluster/local/" + node), 404u);
  EXPECT_EQ(status("POST /cluster/local/kill"), 400u);
}

TEST_F(Routes, TheAnswerToAnOrderSaysWhatBecameOfIt) {
  auto const request = request_of("POST /cluster/local/kill?http=x");
  EXPECT_EQ(service.ordered(request, {}).status, 204u);
  EXPECT_EQ(service.ordered(request, fail(Fault::not_found, "no")).status, 404u);
  EXPECT_EQ(service.ordered(request, fail(Fault::precondition_failed, "it runs")).status, 409u);
  EXPECT_EQ(service.ordered(request, fail(Fault::unavailable, "no answer")).status, 503u);
}

TEST_F(Routes, TheLimitsOfUploadsAreTold) {
  gateway.room = 12345;
  EXPECT_NE(
      counted("GET /cluster").body.find("\"max_file_size\":null,\"room\":12345,\"local\":false"),
      std::string::npos);
  gateway.max_file_size = ByteCount{77};
  gateway.local = true;
  EXPECT_NE(counted("GET /cluster").body.find("\"max_file_size\":77,\"room\":12345,\"local\":true"),
            std::string::npos);
}

TEST_F(Routes, ThePageComesWithItsPolicyAndItsETag) {
  Reply const page = reply("GET /");
  EXPECT_EQ(page.status, 200u);
  EXPECT_EQ(page.body, "<p>page</p>");
  EXPECT_EQ(header_of(page, "Content-Type"), "text/html; charset=utf-8");
  EXPECT_NE(header_of(page, "Content-Security-Policy").find("script-src 'self'"),
            std::string::npos);
  EXPECT_EQ(header_of(page, "Service-Worker-Allowed"), "");
  Reply const zipped = reply("GET /\nAccept-Encoding: br, gzip;q=0.5");
  EXPECT_EQ(zipped.body, "zipped");
  EXPECT_EQ(header_of(zipped, "Content-Encoding"), "gzip");
  EXPECT_NE(header_of(zipped, "ETag"), header_of(page, "ETag"));
  EXPECT_EQ(header_of(reply("GET /\nAccept-Encoding: gzip;q=0"), "Content-Encoding"), "");
  EXPECT_EQ(status("GET /\nIf-None-Match: \"v0\", \"v1\""), 304u);
  EXPECT_EQ(status("GET /\nIf-None-Match: \"v0\""), 200u);
  EXPECT_EQ(header_of(reply("GET /worker.js"), "Service-Worker-Allowed"), "/");
}

TEST_F(Routes, AHostThatIsNotThisNodeIsRefused) {
  for (char const* host :
       {"localhost", "LOCALHOST:7701", "127.0.0.1:7701", "127.1.2.3", "[::1]:7701", "[::1]"}) {
    EXPECT_EQ(status("GET /healthz\nHost: " + std::string{host}), 200u) << host;
  }
  for (char const* host :
       {"evil.example", "127.evil.example", "127.0.0.1.evil.example", "localhost.evil.example",
        "10.0.0.1", "[::2]", "[::1", "localhost:x", "127.0.0.1:1:2", ""}) {
    EXPECT_EQ(status("GET /healthz\nHost: " + std::string{host}), 421u) << host;
  }
  EXPECT_EQ(status("GET http://localhost/healthz\nHost: evil.example"), 200u);
  EXPECT_EQ(status("GET http://evil.example/healthz\nHost: localhost"), 421u);
  Service other{gateway, {.max_file_size = ByteCount{1}, .hosts = {"node1.lan"}, .assets = {}}};
  EXPECT_EQ(std::get<Reply>(other.plan(request_of("GET /healthz\nHost: Node1.lan:80"))).status,
            200u);
}

TEST_F(Routes, AStoredFileIsNoPartOfThePage) {
  gateway.add("x.js", "alert(1)", "text/javascript");
  auto const fetched = [&](std::string const& path, std::string const& site,
                           std::string const& use) {
    Plan const plan = service.plan(
        request_of("GET " + path + "\nSec-Fetch-Site: " + site + "\nSec-Fetch-Dest: " + use));
    auto const* const reply = std::get_if<Reply>(&plan);
    return reply == nullptr ? 200u : reply->status;  // the file's bytes
  };
  for (char const* use : {"script", "worker", "serviceworker", "style"}) {
    EXPECT_EQ(fetched("/files/x.js", "same-origin", use), 403u) << use;
    EXPECT_EQ(fetched("/client?file=x.js", "same-origin", use), 403u) << use;
  }
  EXPECT_EQ(fetched("/files/x.js", "same-origin", "empty"), 200u);
  EXPECT_EQ(fetched("/files/x.js", "cross-site", "script"), 200u);
  EXPECT_EQ(fetched("/files/x.js", "none", "document"), 200u);
  EXPECT_EQ(fetched("/worker.js", "same-origin", "serviceworker"), 200u);
}

TEST_F(Routes, PagesOfOtherSitesMayNotWriteOrOpenWebSockets) {
  for (char const* origin : {"http://evil.example", "null", "http://127.0.0.1:9",
                             "http://localhost:9", "https://localhost:7701"}) {
    std::string const header = "\nOrigin: " + std::string{origin};
    EXPECT_EQ(status("PUT /files/a\nContent-Length: 1" + header), 403u) << origin;
    EXPECT_EQ(status("POST /files\nContent-Length: 1" + header), 403u) << origin;
    EXPECT_EQ(status("DELETE /files/local.mp4" + header), 403u) << origin;
    EXPECT_EQ(status(websocket("/ws/read") + header), 403u) << origin;
    Reply const read = reply("GET /files" + header);
    EXPECT_EQ(read.status, 200u);
    EXPECT_EQ(header_of(read, "Access-Control-Allow-Origin"), "") << origin;
  }
}

TEST_F(Routes, PagesOfTheClusterMayReadAnswersAndWrite) {
  for (char const* origin :
       {"http://127.0.0.1:7702", "http://localhost:7702", "http://localhost:7701"}) {
    std::string const header = "\nOrigin: " + std::string{origin};
    EXPECT_EQ(planned<ReceiveFile>("PUT /files/a\nContent-Length: 1" + header).upload.name, "a");
    (void)planned<AcceptWebSocket>(websocket("/ws/read") + header);
    auto const send = planned<SendObject>("GET /files/local.mp4" + header);
    EXPECT_EQ(header_of(send.head, "Access-Control-Allow-Origin"), origin);
    EXPECT_NE(header_of(send.head, "Access-Control-Expose-Headers").find("ETag"),
              std::string::npos);
    EXPECT_EQ(header_of(send.head, "Vary"), "Origin");
    Request const put = request_of("PUT /files/a\nContent-Length: 1" + header);
    Reply const failed = service.stored(put, fail(Fault::no_space, "full"));
    EXPECT_EQ(header_of(failed, "Access-Control-Allow-Origin"), origin);
  }
}

TEST_F(Routes, AClientThatCameByTlsIsToldAddressesOfTls) {
  auto const secure = [&](std::string const& text) {
    Request request = request_of(text);
    request.secure = true;
    return request;
  };
  Plan const redirected = service.plan(secure("GET /files/remote.txt"));
  Reply const& redirect = std::get<Reply>(redirected);
  EXPECT_EQ(redirect.status, 307u);
  EXPECT_TRUE(header_of(redirect, "Location").starts_with("https://127.0.0.1:7702/files/"));
  EXPECT_EQ(header_of(redirect, "Link").find("http:"), std::string::npos);
  Plan const page = service.plan(secure("GET /redirect"));
  EXPECT_EQ(header_of(std::get<Reply>(page), "Location"), "https://127.0.0.1:7702/");
  Plan const routed = service.plan(secure("GET /route?file=local.mp4"));
  std::string const& route = std::get<Reply>(routed).body;
  EXPECT_NE(route.find(R"("https://127.0.0.1:7703","ws":"wss://127.0.0.1:7703")"),
            std::string::npos);
  EXPECT_EQ(route.find("http:"), std::string::npos) << route;
  auto const status_for = [&](std::string const& origin) {
    Plan const plan = service.plan(secure("DELETE /files/local.mp4\nOrigin: " + origin));
    return std::holds_alternative<Reply>(plan) ? std::get<Reply>(plan).status : 0u;
  };
  EXPECT_EQ(status_for("https://127.0.0.1:7702"), 0u);
  EXPECT_EQ(status_for("https://localhost:7701"), 0u) << "the page of this very node";
  EXPECT_EQ(status_for("https://localhost:7702"), 0u);
  EXPECT_EQ(status_for("https://127.0.0.1:9"), 403u);
  EXPECT_EQ(status_for("https://127.0.0.1"), 403u);
  EXPECT_EQ(status_for("http://127.0.0.1:7702"), 403u) << "its page came unencrypted";
  EXPECT_EQ(status_for("http://localhost:7701"), 403u);
}

TEST_F(Routes, WhoMustComeByTlsIsSentThereAndGetsNothingElse) {
  Reply const sent = service.plain_refused(request_of("GET /files/local.mp4?via=local"));
  EXPECT_EQ(sent.status, 308u);
  EXPECT_EQ(header_of(sent, "Location"), "https://localhost:7701/files/local.mp4?via=local");
  EXPECT_TRUE(sent.close);
  EXPECT_EQ(service.plain_refused(request_of("HEAD /")).status, 308u);
  for (char const* const text : {"PUT /files/a\nContent-Length: 1", "POST /uploads",
                                 "GET http://localhost:7701/", "DELETE /files/local.mp4"}) {
    Reply const refused = service.plain_refused(request_of(text));
    EXPECT_EQ(refused.status, 400u) << text;
    EXPECT_NE(refused.sentence.find("https://"), std::string::npos);
    EXPECT_TRUE(refused.close);
  }
  EXPECT_EQ(service.plain_refused(request_of("GET /\nHost: evil.example")).status, 421u);
}

TEST_F(Routes, APageFromANameOfThisMachineIsOneOfTheCluster) {
  Service named{gateway, {.max_file_size = ByteCount{1}, .hosts = {"films.example"}, .assets = {}}};
  auto const status_for = [&](std::string const& origin) {
    Plan const plan = named.plan(request_of("DELETE /files/local.mp4\nOrigin: " + origin));
    return std::holds_alternative<Reply>(plan) ? std::get<Reply>(plan).status : 0u;
  };
  EXPECT_EQ(status_for("http://films.example:7702"), 0u);
  EXPECT_EQ(status_for("http://films.example:9"), 403u) << "no node of the cluster has that port";
  EXPECT_EQ(status_for("http://other.example:7702"), 403u);
  EXPECT_EQ(status_for("https://films.example:7702"), 403u);
}

TEST_F(Routes, PreflightsAreAnswered) {
  Reply const ours =
      reply("OPTIONS /files/a\nOrigin: http://127.0.0.1:7702\nAccess-Control-Request-Method: PUT");
  EXPECT_EQ(ours.status, 204u);
  EXPECT_NE(header_of(ours, "Access-Control-Allow-Methods").find("PUT"), std::string::npos);
  EXPECT_EQ(header_of(ours, "Access-Control-Allow-Origin"), "http://127.0.0.1:7702");
  Reply const foreign = reply("OPTIONS /files/a\nOrigin: http://evil.example");
  EXPECT_EQ(foreign.status, 204u);
  EXPECT_EQ(header_of(foreign, "Access-Control-Allow-Methods"), "");
  EXPECT_EQ(header_of(foreign, "Access-Control-Allow-Origin"), "");
  EXPECT_EQ(status("OPTIONS *"), 204u);
  EXPECT_EQ(status("OPTIONS /nothing"), 404u);
}

TEST_F(Routes, WebSocketsAreAcceptedForWhatTheyAreFor) {
  auto const session = [&](std::string const& target) {
    return planned<AcceptWebSocket>(websocket(target)).session;
  };
  EXPECT_TRUE(std::holds_alternative<ReadSession>(session("/ws/read")));
  EXPECT_TRUE(std::get<ClusterSession>(session("/ws/cluster")).with_files);
  EXPECT_FALSE(std::get<ClusterSession>(session("/ws/cluster?files=0")).with_files);
  auto const push = std::get<PushSession>(session("/ws/files/remote.txt?offset=5"));
  EXPECT_EQ(push.file.name, "remote.txt");
  EXPECT_EQ(push.offset, ByteOffset{5});
  auto const upload = std::get<UploadSession>(session("/ws/upload?name=d/clip.mp4")).upload;
  EXPECT_EQ(upload.name, "d/clip.mp4");
  EXPECT_EQ(upload.type, "video/mp4");
}

TEST_F(Routes, WebSocketRequestsAreRefusedBeforeTheHandshake) {
  EXPECT_EQ(status("GET /ws/read"), 426u);
  EXPECT_EQ(header_of(reply("GET /ws/read"), "Sec-WebSocket-Version"), "13");
  EXPECT_EQ(status("POST /ws/read"), 405u);
  EXPECT_EQ(status(websocket("/ws/files/remote.txt?offset=15")), 416u);
  EXPECT_EQ(status(websocket("/ws/files/remote.txt?offset=-1")), 400u);
  EXPECT_EQ(status(websocket("/ws/files/..")), 400u);
  EXPECT_EQ(status(websocket("/ws/upload")), 400u);
  EXPECT_EQ(status(websocket("/ws/upload?name=..")), 400u);
  EXPECT_EQ(status(websocket("/ws/upload?name=a&sha256=00")), 400u);
  EXPECT_EQ(status(websocket("/ws/upload?name=a&size=1001")), 413u);
  EXPECT_EQ(std::get<Reply>(plan_after_asking(websocket("/ws/files/none"))).status, 404u);
}

TEST_F(Routes, BytesThatAreNoRequestEndTheConnection) {
  Reply const answer = service.malformed({431, "The headers are too long."});
  EXPECT_EQ(answer.status, 431u);
  EXPECT_TRUE(answer.close);
  EXPECT_EQ(answer.body,
            "{\"type\":\"about:blank\",\"title\":\"Request Header Fields Too Large\","
            "\"status\":431,\"detail\":\"The headers are too long.\"}\n");
}

}  // namespace
}  // namespace chisme::web
