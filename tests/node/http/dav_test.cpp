#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/node/http/client.hpp"
#include "tests/node/http/server.hpp"
#include "tests/web/memory_gateway.hpp"
#include "web/conditions.hpp"
#include "web/dav/paths.hpp"
#include "web/names.hpp"

namespace chisme::node {
namespace {

using testing::HasSubstr;
using testing::Not;

constexpr char lockinfo[] =
    "<lockinfo xmlns=\"DAV:\"><lockscope><exclusive/></lockscope><locktype><write/></locktype>"
    "</lockinfo>";

// WebDAV at an open node in memory, over a socket, while others write.
class Dav : public testing::Test {
 protected:
  ~Dav() override { server.stop(); }

  Response ask(std::string const& line, std::string const& headers = "",
               std::string const& body = "") {
    Client client(server.endpoint());
    client.send(line + " HTTP/1.1\r\nHost: localhost\r\nContent-Length: " +
                std::to_string(body.size()) + "\r\n" + headers + "\r\n" + body);
    return client.response(line.starts_with("HEAD")).value_or(Response{});
  }
  void on_loop(std::function<void()> call) {
    server.on_loop([&](HttpListener&) { call(); });
  }
  void add(std::string const& name, std::string const& bytes) {
    on_loop([&] { gateway.add(name, bytes, "text/plain"); });
  }
  // Once, as a write or removal of `name` begins.
  void when_begun(std::string const& name, std::function<void()> act) {
    on_loop([&] {
      gateway.meanwhile = [name, act, done = false](std::string const& begun) mutable {
        if (done || begun != name) return;
        done = true;
        act();
      };
    });
  }
  std::string bytes_of(std::string const& name) {
    std::string bytes = "(absent)";
    on_loop([&] {
      auto const found = gateway.files.find(name);
      if (found != gateway.files.end()) bytes = gateway.objects[found->second.digest];
    });
    return bytes;
  }
  bool is_there(std::string const& name) { return bytes_of(name) != "(absent)"; }

  web::MemoryGateway gateway;
  Server server{gateway};
};

TEST_F(Dav, AMovedFolderLeavesWhatOthersWroteMeanwhile) {
  EXPECT_EQ(ask("MKCOL /dav/a").status, 201);
  EXPECT_EQ(ask("MKCOL /dav/a/empty").status, 201);
  add("a/x", "x");
  add("a/y", "y");
  add(web::dav::properties_name("a/x"), "[]");
  add(web::dav::properties_name("a/y"), "[[\"\",\"p\",\"<p/>\"]]");
  when_begun("b/x", [this] {
    gateway.add("a/y", "changed", "text/plain");
    gateway.add("a/new", "new", "text/plain");
  });
  auto const moved = ask("MOVE /dav/a/", "Destination: /dav/b/\r\n");
  EXPECT_EQ(moved.status, 207) << moved.body;
  EXPECT_THAT(moved.body, HasSubstr("<D:href>/dav/a/y</D:href><D:status>HTTP/1.1 412"));
  EXPECT_THAT(moved.body, HasSubstr("<D:href>/dav/a/new</D:href>"));
  EXPECT_THAT(moved.body, Not(HasSubstr("/dav/a/x")));
  EXPECT_EQ(bytes_of("a/y"), "changed");
  EXPECT_EQ(bytes_of("a/new"), "new");
  EXPECT_TRUE(is_there(web::dav::marker_name("a")));
  EXPECT_TRUE(is_there(web::dav::properties_name("a/y")));
  EXPECT_FALSE(is_there("a/x"));
  EXPECT_FALSE(is_there(web::dav::properties_name("a/x")));
  EXPECT_FALSE(is_there(web::dav::marker_name("a/empty")));
  EXPECT_EQ(bytes_of("b/x"), "x");
  EXPECT_EQ(bytes_of("b/y"), "y");
  EXPECT_TRUE(is_there(web::dav::marker_name("b/empty")));
}

TEST_F(Dav, AMovedFolderLeavesNothingElse) {
  EXPECT_EQ(ask("MKCOL /dav/a").status, 201);
  EXPECT_EQ(ask("MKCOL /dav/a/empty").status, 201);
  add("a/x", "x");
  add(web::dav::properties_name("a"), "[]");
  add("ab", "another");
  EXPECT_EQ(ask("MOVE /dav/a/", "Destination: /dav/b/\r\n").status, 201);
  EXPECT_EQ(ask("PROPFIND /dav/a/", "Depth: 0\r\n").status, 404);
  for (char const* const name : {"b", "b/empty"}) {
    EXPECT_TRUE(is_there(web::dav::marker_name(name)));
  }
  EXPECT_TRUE(is_there(web::dav::properties_name("b")));
  EXPECT_FALSE(is_there(web::dav::properties_name("a")));
  EXPECT_EQ(bytes_of("ab"), "another");
}

TEST_F(Dav, AMovedFileStaysWhereItWasWrittenMeanwhile) {
  add("f", "old");
  when_begun("g", [this] { gateway.add("f", "newer", "text/plain"); });
  EXPECT_EQ(ask("MOVE /dav/f", "Destination: /dav/g\r\n").status, 412);
  EXPECT_EQ(bytes_of("f"), "newer");
  EXPECT_EQ(bytes_of("g"), "old");
}

TEST_F(Dav, OverwriteFReplacesNothingThatCameMeanwhile) {
  add("f", "mine");
  add("tree/f", "mine");
  when_begun("g", [this] { gateway.add("g", "theirs", "text/plain"); });
  EXPECT_EQ(ask("MOVE /dav/f", "Destination: /dav/g\r\nOverwrite: F\r\n").status, 412);
  EXPECT_EQ(bytes_of("g"), "theirs");
  EXPECT_EQ(bytes_of("f"), "mine");
  when_begun("h/f", [this] { gateway.add("h/f", "theirs", "text/plain"); });
  EXPECT_EQ(ask("MOVE /dav/tree", "Destination: /dav/h\r\nOverwrite: F\r\n").status, 412);
  EXPECT_EQ(bytes_of("h/f"), "theirs");
  EXPECT_EQ(bytes_of("tree/f"), "mine");
}

TEST_F(Dav, DeleteWithIfMatchLeavesWhatCameMeanwhile) {
  add("f", "old");
  std::string const etag = "If-Match: " + web::etag_of(web::sha256_of("old")) + "\r\n";
  when_begun("f", [this] { gateway.add("f", "newer", "text/plain"); });
  EXPECT_EQ(ask("DELETE /dav/f", etag).status, 412);
  EXPECT_EQ(bytes_of("f"), "newer");
  EXPECT_EQ(ask("DELETE /dav/f").status, 204);
  EXPECT_FALSE(is_there("f"));
}

TEST_F(Dav, NoFolderIsCopiedToWhereNamesInItWouldBeTooLong) {
  add("a/x", "x");
  std::string const longest(web::dav::path_bytes_max - 2, 'n');
  std::string const to(20, 't');
  std::string const headers = "Destination: /dav/" + to + "\r\n";
  for (std::string const& kept : {web::dav::marker_name("a/" + longest),
                                  web::dav::properties_name("a/" + longest), "a/" + longest}) {
    add(kept, "");
    auto const copied = ask("COPY /dav/a", headers);
    EXPECT_EQ(copied.status, 400);
    EXPECT_THAT(copied.body, HasSubstr("longer than"));
    EXPECT_FALSE(is_there(to + "/x"));
    on_loop([&] { gateway.files.erase(kept); });
  }
  EXPECT_EQ(ask("COPY /dav/a", headers).status, 201);
}

TEST_F(Dav, WhatS3KeepsOfAFileGoesAlong) {
  EXPECT_EQ(ask("PUT /s3/films").status, 200);
  EXPECT_EQ(ask("PUT /s3/films/a.txt", "x-amz-meta-mtime: 1.5\r\n", "hello").status, 200);
  EXPECT_EQ(ask("COPY /dav/films/a.txt", "Destination: /dav/films/b.txt\r\n").status, 201);
  EXPECT_EQ(ask("MOVE /dav/films/b.txt", "Destination: /dav/films/c.txt\r\n").status, 201);
  auto const shown = ask("HEAD /s3/films/c.txt");
  ASSERT_EQ(shown.status, 200);
  EXPECT_EQ(shown.headers.at("etag"), "\"5d41402abc4b2a76b9719d911017c592\"");
  EXPECT_EQ(shown.headers.at("x-amz-meta-mtime"), "1.5");
}

TEST_F(Dav, NothingIsRemovedForACopyThatCannotBeMade) {
  add("a/x", "unreadable");
  add("b/old", "old");
  add("b/x", "old x");
  on_loop([&] { gateway.objects.erase(web::sha256_of("unreadable")); });
  EXPECT_GE(ask("COPY /dav/a", "Destination: /dav/b\r\n").status, 400);
  EXPECT_EQ(bytes_of("b/old"), "old");
  EXPECT_EQ(bytes_of("b/x"), "old x");
  on_loop([&] { gateway.files.at("a/x").copies = 0; });
  on_loop([&] { gateway.files.at("a/x").local = false; });
  EXPECT_EQ(ask("COPY /dav/a", "Destination: /dav/c\r\n").status, 410);
  EXPECT_FALSE(is_there(web::dav::marker_name("c")));
}

TEST_F(Dav, ACopyReplacesAllThatWasThere) {
  add("a/x", "x");
  add("b/x", "old");
  add("b/old", "old");
  add("b/deep/old", "old");
  add(web::dav::marker_name("b/deep"), "");
  add(web::dav::properties_name("b/x"), "[]");
  EXPECT_EQ(ask("COPY /dav/a", "Destination: /dav/b\r\n").status, 204);
  EXPECT_EQ(bytes_of("b/x"), "x");
  for (std::string const& gone :
       {std::string{"b/old"}, std::string{"b/deep/old"}, web::dav::marker_name("b/deep"),
        web::dav::properties_name("b/x")}) {
    EXPECT_FALSE(is_there(gone)) << gone;
  }
  EXPECT_TRUE(is_there(web::dav::marker_name("b")));
  add("f", "f");
  EXPECT_EQ(ask("COPY /dav/f", "Destination: /dav/b\r\n").status, 204);  // a file for a folder
  EXPECT_EQ(bytes_of("b"), "f");
  EXPECT_FALSE(is_there("b/x"));
  EXPECT_FALSE(is_there(web::dav::marker_name("b")));
  EXPECT_EQ(ask("MOVE /dav/a/", "Destination: /dav/b\r\n").status, 204);  // and back
  EXPECT_FALSE(is_there("b"));
  EXPECT_EQ(bytes_of("b/x"), "x");
}

TEST_F(Dav, ALockThatCouldNotBeTakenIsGivenBack) {
  on_loop([&] {
    gateway.meanwhile = [&](std::string const& name) { gateway.quorum = name != "new.txt"; };
  });
  EXPECT_EQ(ask("LOCK /dav/new.txt", "", lockinfo).status, 503);
  on_loop([&] { gateway.meanwhile = [](std::string const&) {}; });
  EXPECT_EQ(ask("LOCK /dav/new.txt", "", lockinfo).status, 201);
}

TEST_F(Dav, ALockThatMayHaveBeenStoredIsGivenBack) {
  // The store of the locks does not tell how it ended, although it did.
  on_loop([&] {
    gateway.meanwhile = [this, stored = false](std::string const& name) mutable {
      gateway.stores_silently = !stored && name == web::dav::locks_name();
      stored = stored || gateway.stores_silently;
    };
  });
  EXPECT_NE(ask("LOCK /dav/f", "", lockinfo).status, 201);
  on_loop([&] { gateway.meanwhile = [](std::string const&) {}; });
  EXPECT_EQ(ask("LOCK /dav/f", "", lockinfo).status, 201);
}

// ---- Bounds ------------------------------------------------------------------------------------

TEST(DavOfLittleMemory, ShortBodiesCountAsBodiesInMemoryDo) {
  web::MemoryGateway gateway;
  HttpSettings settings;
  settings.buffer_bytes_max = 16 << 10;
  Server server(gateway, settings);
  std::string const half(24 << 10, ' ');
  Client first(server.endpoint());
  first.send("PROPFIND /dav/ HTTP/1.1\r\nHost: localhost\r\nDepth: 0\r\nContent-Length: " +
             std::to_string(2 * half.size()) + "\r\n\r\n" + half);
  auto const put = [&server] {
    Client client(server.endpoint());
    client.send("PUT /files/b HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\n\r\nok");
    return client.response().value_or(Response{}).status;
  };
  int status = 0;
  for (int i = 0; i < 1000 && status != 503; ++i) status = put();  // until the half has come
  EXPECT_EQ(status, 503);
  first.send(half);
  EXPECT_EQ(first.response()->status, 400) << "spaces are no document";
  EXPECT_LT(put(), 300) << "it was given back";
}

}  // namespace
}  // namespace chisme::node
