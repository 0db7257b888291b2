#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "node/http/listener.hpp"
#include "node/storage/posix.hpp"
#include "tests/node/http/client.hpp"
#include "tests/node/http/server.hpp"
#include "tests/web/memory_gateway.hpp"

// What is special about clients that come by TLS, and those that should have.
namespace chisme::node {
namespace {

using namespace std::chrono_literals;

struct TlsListener : testing::Test {
  TlsListener() {
    gateway.add("a", "hello", "text/plain");
    settings.tls = TlsFiles::of_tests().server();
  }
  // A client that offers what `prepare` says; whether the node agrees.
  static bool agrees(Server const& server, std::function<void(SSL*)> const& prepare) {
    Client client(server.endpoint(), Over::plain);
    std::unique_ptr<SSL_CTX, decltype(&SSL_CTX_free)> const context(
        SSL_CTX_new(TLS_client_method()), SSL_CTX_free);
    std::unique_ptr<SSL, decltype(&SSL_free)> const ssl(SSL_new(context.get()), SSL_free);
    SSL_set_security_level(ssl.get(), 0);
    prepare(ssl.get());
    SSL_set_fd(ssl.get(), client.descriptor());
    return SSL_connect(ssl.get()) == 1;
  }
  web::MemoryGateway gateway;
  HttpSettings settings;
};

TEST_F(TlsListener, OnePortServesBothTlsAndPlainClientsOfThisMachine) {
  Server server(gateway, settings);
  Client secure(server.endpoint(), Over::tls);
  Client plain(server.endpoint(), Over::plain);
  ASSERT_TRUE(secure.is_secure());
  EXPECT_STREQ(SSL_get_version(secure.tls()), "TLSv1.3");
  EXPECT_EQ(secure.get("/files/a")->body, "hello");
  EXPECT_EQ(plain.get("/files/a")->body, "hello");
}

TEST_F(TlsListener, AClientThatCameByTlsIsRedirectedToTls) {
  gateway.add("b", "elsewhere", "text/plain").local = false;
  gateway.holders = {{NodeId{0, 2}, "http://127.0.0.1:7702", 1, false}};
  Server server(gateway, settings);
  Client secure(server.endpoint(), Over::tls);
  EXPECT_THAT(secure.get("/files/b")->headers.at("location"),
              testing::StartsWith("https://127.0.0.1:7702/"));
  Client plain(server.endpoint(), Over::plain);
  EXPECT_THAT(plain.get("/files/b")->headers.at("location"),
              testing::StartsWith("http://127.0.0.1:7702/"));
}

TEST_F(TlsListener, WithoutACertificateAHelloIsAnsweredByAnAlert) {
  Server server(gateway);
  Client client(server.endpoint(), Over::plain);
  client.send(std::string("\x16\x03\x01\x00\x04\x01\x00\x00\x00", 9));
  ASSERT_TRUE(client.fill(7));
  EXPECT_EQ(client.received, std::string("\x15\x03\x03\x00\x02\x02\x28", 7));
  client.received.clear();
  EXPECT_TRUE(client.ended());
  EXPECT_FALSE(agrees(server, [](SSL*) {}));
}

TEST_F(TlsListener, OldProtocolsAndOthersThanHttpAreRefused) {
  Server server(gateway, settings);
  auto const speaks = [](int version) {
    return [version](SSL* ssl) {
      SSL_set_min_proto_version(ssl, version);
      SSL_set_max_proto_version(ssl, version);
    };
  };
  EXPECT_FALSE(agrees(server, speaks(TLS1_VERSION)));
  EXPECT_FALSE(agrees(server, speaks(TLS1_1_VERSION)));
  EXPECT_TRUE(agrees(server, speaks(TLS1_2_VERSION)));
  EXPECT_TRUE(agrees(server, speaks(TLS1_3_VERSION)));
  auto const with_suite = [](char const* name) {
    return [name](SSL* ssl) {
      SSL_set_max_proto_version(ssl, TLS1_2_VERSION);
      SSL_set_cipher_list(ssl, name);
    };
  };
  EXPECT_FALSE(agrees(server, with_suite("ECDHE-ECDSA-AES128-SHA256")));  // CBC
  EXPECT_TRUE(agrees(server, with_suite("ECDHE-ECDSA-AES128-GCM-SHA256")));
  auto const offers = [](std::string const& protocols) {
    return [protocols](SSL* ssl) {
      SSL_set_alpn_protos(ssl, reinterpret_cast<unsigned char const*>(protocols.data()),
                          static_cast<unsigned>(protocols.size()));
    };
  };
  EXPECT_FALSE(agrees(server, offers("\x02h2")));
  EXPECT_TRUE(agrees(server, offers("\x02h2\x08http/1.1")));
}

TEST_F(TlsListener, AHandshakeThatIsSlowOrEndlessIsEnded) {
  settings.head_timeout = 1s;
  settings.idle_timeout = 20s;
  Server server(gateway, settings);
  Client slow(server.endpoint(), Over::plain);
  slow.send("\x16\x03\x01");
  server.wait_until([](HttpListener& listener) { return listener.open_connections() == 1; });
  EXPECT_TRUE(slow.ended());
  server.wait_until([](HttpListener& listener) { return listener.open_connections() == 0; });
}

// A hello of 16 000 bytes, each in a record of its own: OpenSSL would take it all.
TEST_F(TlsListener, AHandshakeThatIsTooLongIsEnded) {
  settings.head_timeout = 60s;
  Server server(gateway, settings);
  Client client(server.endpoint(), Over::plain);
  std::string hello("\x01\x00\x3e\x80", 4);
  hello.resize(16'000, '\x03');
  std::string records;
  for (char const byte : hello.substr(0, 15'000)) {
    records += std::string("\x16\x03\x01\x00\x01", 5) + byte;
  }
  client.send(records);
  EXPECT_TRUE(client.ended());
  server.wait_until([](HttpListener& listener) { return listener.open_connections() == 0; });
}

TEST_F(TlsListener, AClientThatIsCutOffIsNotTakenForOneThatEnded) {
  Server server(gateway, settings);
  Client client(server.endpoint(), Over::tls);
  client.send("PUT /files/b HTTP/1.1\r\nHost: localhost\r\nContent-Length: 10\r\n\r\n12345");
  server.wait_until([&](HttpListener&) { return !gateway.uploads_begun.empty(); });
  client.close();
  server.wait_until([&](HttpListener&) { return gateway.uploads_aborted == 1; });
}

TEST_F(TlsListener, ACertificateIsReplacedWhileConnectionsAreOpen) {
  TlsFiles const& files = TlsFiles::of_tests();
  auto const prefix = files.directory() / "second";
  ASSERT_TRUE(issue_certificate(files.directory(), {{"localhost"}, prefix, usual_days}));
  auto const own = files.directory() / "replaced";
  auto const copy = [&](std::filesystem::path const& from, char const* ending) {
    std::filesystem::copy_file(from.string() + ending, own.string() + ending,
                               std::filesystem::copy_options::overwrite_existing);
  };
  for (char const* const ending : {".pem", ".key"}) copy(files.directory() / "node", ending);
  auto const tls =
      std::make_shared<ServerTls>(ServerTls::Files{own.string() + ".pem", own.string() + ".key"});
  ASSERT_TRUE(tls->load());
  settings.tls = tls;
  Server server(gateway, settings);
  auto const serial = [](Client const& client) {
    return ASN1_INTEGER_dup(X509_get0_serialNumber(SSL_get0_peer_certificate(client.tls())));
  };
  Client before(server.endpoint(), Over::tls);
  for (char const* const ending : {".pem", ".key"}) copy(prefix, ending);
  ASSERT_TRUE(tls->load());
  Client after(server.endpoint(), Over::tls);
  ASSERT_TRUE(before.is_secure() && after.is_secure());
  std::unique_ptr<ASN1_INTEGER, decltype(&ASN1_INTEGER_free)> const first(serial(before),
                                                                          ASN1_INTEGER_free);
  std::unique_ptr<ASN1_INTEGER, decltype(&ASN1_INTEGER_free)> const second(serial(after),
                                                                           ASN1_INTEGER_free);
  EXPECT_NE(ASN1_INTEGER_cmp(first.get(), second.get()), 0);
  EXPECT_EQ(before.get("/files/a")->status, 200);
  EXPECT_EQ(after.get("/files/a")->status, 200);
}

}  // namespace
}  // namespace chisme::node
