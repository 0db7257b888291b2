#include "web/file_page.hpp"

#include <gtest/gtest.h>

#include "cluster/base/random.hpp"
#include "tests/web/service/requests.hpp"
#include "web/html.hpp"
#include "web/markup.hpp"
#include "web/tus/live.hpp"
#include "web/tus/upload.hpp"

namespace chisme::web {
namespace {

constexpr char browser_accept[] = "\nAccept: text/html,application/xhtml+xml,*/*;q=0.8";

class FilePageTest : public ServiceTest {
 protected:
  Reply listed(std::string const& text) {
    auto const wanted = planned<SearchFiles>(text);
    Reply answer;
    gateway.search(wanted.query, wanted.page, [&](Result<FoundFiles> const& found) {
      answer = service.listed(request_of(text), found);
    });
    return answer;
  }
  static std::string type_of(Reply const& answer) { return header_of(answer, "Content-Type"); }
};

TEST_F(FilePageTest, IsForBrowsersOnly) {
  EXPECT_EQ(type_of(listed("GET /files" + std::string{browser_accept})),
            "text/html; charset=utf-8");
  EXPECT_EQ(type_of(listed("GET /files?search=a\nAccept: text/*, application/json;q=0.5")),
            "text/html; charset=utf-8");
  for (char const* const accept :
       {"\nAccept: */*", "", "\nAccept: application/json", "\nAccept: text/html;q=0",
        "\nAccept: application/json, text/html;q=0.9", "\nAccept: text/html, application/json",
        "\nAccept: text/html;q=0, */*;q=0", "\nAccept: text/html;q=nonsense", "\nAccept: ,;="}) {
    EXPECT_EQ(type_of(reply("GET /files" + std::string{accept})), "application/json") << accept;
    EXPECT_EQ(type_of(listed("GET /files?sort=size" + std::string{accept})), "application/json")
        << accept;
  }
}

TEST_F(FilePageTest, ShowsWhatIsBeingUploadedWhereItBegins) {
  constexpr char id[] = "0123456789abcdef0123456789abcdef";
  gateway.add(tus::about_name(id), "{}", "application/json");
  gateway.add(tus::live_name("a <b>.ts", id), "", "text/plain");
  std::string const row =
      "<tr><td><a href=\"/files/a%20%3Cb%3E.ts\"><bdi>a &lt;b&gt;.ts</bdi></a></td><td "
      "data-heading=\"Size\">0 B</td>"
      "<td data-heading=\"Modified (UTC)\">2023-11-14 22:13</td>"
      "<td data-heading=\"Copies\">being uploaded</td><td></td></tr>";
  auto const has_row = [&](std::string const& query) {
    return listed("GET /files" + query + browser_accept).body.find(row) != std::string::npos;
  };
  EXPECT_TRUE(has_row(""));
  EXPECT_TRUE(has_row("?search=b"));
  EXPECT_FALSE(has_row("?search=nothing"));
  EXPECT_FALSE(has_row("?after=a"));
}

TEST_F(FilePageTest, ShowsWhenFilesExpireAndAsksHowLongToKeepThem) {
  auto const has = [&](std::string const& text) {
    return listed("GET /files" + std::string{browser_accept}).body.find(text) != std::string::npos;
  };
  EXPECT_FALSE(has("<th>Expires (UTC)</th>"));
  EXPECT_FALSE(has("href=\"/trash\""));  // none is kept
  gateway.files.at("local.mp4").expires = WallTime{std::chrono::milliseconds{1'700'000'000'000}};
  EXPECT_TRUE(has("<th>Expires (UTC)</th>"));
  std::string const time = "\">2023-11-14 22:13</td>";
  std::string const copies = "<td data-heading=\"Copies\">2 of 3</td>";
  EXPECT_TRUE(has(time + "<td data-heading=\"Expires (UTC)" + time + copies));
  EXPECT_TRUE(has(time + "<td></td>" + copies));
  EXPECT_TRUE(has("<select name=\"ttl\"><option value=\"\">ever</option>"));
}

// ---- Problems ----------------------------------------------------------------------------------

TEST_F(FilePageTest, ProblemsAreToldInTheFormThatTheClientPrefers) {
  for (auto const& [asked, expected] :
       {std::pair{"GET /files?limit=0", 400u}, std::pair{"GET /files?sort=colour", 400u},
        std::pair{"GET /nothing", 404u}, std::pair{"DELETE /files", 405u},
        std::pair{"POST /files\nContent-Type: text/plain\nContent-Length: 1", 415u}}) {
    Reply const script = reply(asked);
    Reply const page = reply(std::string{asked} + browser_accept);
    EXPECT_EQ(script.status, expected) << asked;
    EXPECT_EQ(page.status, expected) << asked;
    EXPECT_EQ(type_of(script), "application/problem+json") << asked;
    EXPECT_EQ(type_of(page), "text/html; charset=utf-8") << asked;
    EXPECT_EQ(header_of(page, "Allow"), header_of(script, "Allow")) << asked;
    EXPECT_NE(page.body.find(markup_escaped(script.sentence)), std::string::npos) << page.body;
    EXPECT_NE(page.body.find("<a href=\"/files\">"), std::string::npos) << page.body;
    EXPECT_NE(header_of(page, "Content-Security-Policy").find("default-src 'none'"),
              std::string::npos);
  }
}

TEST_F(FilePageTest, AFormThatFailedSaysSoAndWhatToDoNext) {
  std::string const post = "POST /files?from=list\nContent-Length: 9" + std::string{browser_accept};
  Reply const full = service.form_stored(request_of(post), {"b", true},
                                         {fail(Fault::no_space, "no room for <i>&x")});
  EXPECT_EQ(full.status, 507u);
  EXPECT_EQ(type_of(full), "text/html; charset=utf-8");
  EXPECT_NE(full.body.find("No room for &lt;i&gt;&amp;x."), std::string::npos) << full.body;
  EXPECT_NE(full.body.find("Delete files that are no longer needed"), std::string::npos);
  Reply const busy = service.failed(request_of(post + "\nAccept-Language: es"),
                                    {Fault::busy, "too many lists are being made"});
  EXPECT_EQ(busy.status, 503u);
  EXPECT_EQ(header_of(busy, "Retry-After"), "2");
  EXPECT_NE(busy.body.find("Espera un momento"), std::string::npos) << busy.body;
  Reply const silence = service.failed(request_of(post), {Fault::unknown_outcome, "x"});
  EXPECT_EQ(silence.status, 0u);
  EXPECT_EQ(silence.body, "");
}

TEST_F(FilePageTest, LinksToEachFileAndItsDownloadUnderAStrictPolicy) {
  gateway.add("a b/c+d.txt", "x", "text/plain");
  Reply const page = listed("GET /files" + std::string{browser_accept});
  EXPECT_NE(page.body.find("href=\"/files/a%20b/c%2Bd.txt\""), std::string::npos);
  EXPECT_NE(page.body.find("href=\"/client?file=a%20b/c%2Bd.txt\""), std::string::npos);
  EXPECT_NE(page.body.find(">2 of 3</td>"), std::string::npos);
  EXPECT_NE(page.body.find(">2023-11-14 22:13</td>"), std::string::npos);
  EXPECT_NE(page.body.find("enctype=\"multipart/form-data\""), std::string::npos);
  std::string const policy = header_of(page, "Content-Security-Policy");
  EXPECT_NE(policy.find("default-src 'none'"), std::string::npos);
  EXPECT_NE(policy.find("form-action 'self'"), std::string::npos);
  EXPECT_EQ(policy.find("script-src"), std::string::npos);
  EXPECT_EQ(policy.find("unsafe"), std::string::npos);
  EXPECT_EQ(page.body.find("<script"), std::string::npos);
}

TEST_F(FilePageTest, SpeaksSpanishToThoseWhoReadItFirst) {
  for (char const* const language : {"es", "ES-mx", "es,en;q=0.8", "es;q=1, de"}) {
    Reply const page =
        listed("GET /files" + std::string{browser_accept} + "\nAccept-Language: " + language);
    EXPECT_NE(page.body.find("<html lang=\"es\">"), std::string::npos) << language;
    EXPECT_NE(page.body.find(">2 de 3</td>"), std::string::npos) << language;
  }
  for (char const* const language : {"en", "est", "en,es", ""}) {
    Reply const page =
        listed("GET /files" + std::string{browser_accept} + "\nAccept-Language: " + language);
    EXPECT_NE(page.body.find("<html lang=\"en\">"), std::string::npos) << language;
  }
}

TEST_F(FilePageTest, ComesInPagesOfTwoHundredThatLeadOn) {
  for (int i = 1000; i < 1250; ++i) gateway.add("n" + std::to_string(i), "x", "text/plain");
  Reply const first = listed("GET /files?search=n1&limit=1000" + std::string{browser_accept});
  EXPECT_NE(first.body.find("/files/n1199\""), std::string::npos);
  EXPECT_EQ(first.body.find("/files/n1200\""), std::string::npos);
  EXPECT_NE(first.body.find(": 250</h1>"), std::string::npos);
  std::string const next = "/files?search=n1&amp;sort=name&amp;order=asc&amp;after=n1199\"";
  EXPECT_NE(first.body.find(next), std::string::npos) << first.body;
  Reply const last =
      listed("GET /files?search=n1&sort=name&order=asc&after=n1199" + std::string{browser_accept});
  EXPECT_NE(last.body.find("/files/n1200\""), std::string::npos);
  EXPECT_EQ(last.body.find("&amp;after="), std::string::npos);
}

TEST_F(FilePageTest, ItsFormLeadsBackToIt) {
  auto const form = planned<ReceiveForm>(
      "POST /files?from=list\nContent-Length: 9\nContent-Type: multipart/form-data; boundary=b" +
      std::string{browser_accept});
  ASSERT_TRUE(form.browser);
  StoredFile stored;
  stored.name = "a";
  auto const location = [&](std::string const& target) {
    return header_of(
        service.form_stored(request_of("POST " + target + "\nContent-Length: 9"), form, {stored}),
        "Location");
  };
  EXPECT_EQ(location("/files?from=list"), "/files");
  EXPECT_EQ(location("/files"), "/");
}

// ---- Whatever a file is called, it is no markup ------------------------------------------------

// Tags with the names of their attributes, and the texts between them as they are read; `broken`
// when it is not made of these alone.
struct Document {
  std::vector<std::string> tags;
  std::vector<std::string> texts;
  bool broken = false;
};

std::string unescaped(std::string text) {
  constexpr std::pair<std::string_view, std::string_view> entities[] = {
      {"&lt;", "<"},   {"&gt;", ">"},   {"&quot;", "\""}, {"&#39;", "'"},
      {"&#13;", "\r"}, {"&#10;", "\n"}, {"&#9;", "\t"},   {"&amp;", "&"}};
  for (auto const& [entity, character] : entities) {
    for (std::size_t at = 0; (at = text.find(entity, at)) != std::string::npos;) {
      text.replace(at, entity.size(), character);
      at += character.size();
    }
  }
  return text;
}

// A tag as HTML reads it when its attributes are quoted; the rest follows.
std::string read_tag(std::string_view& rest, bool& broken) {
  std::string tag;
  while (!rest.empty() && rest.front() != '>') {
    if (rest.front() == '"') {
      std::size_t const end = rest.find('"', 1);
      if (end == std::string_view::npos) break;
      std::string_view const value = rest.substr(1, end - 1);
      broken = broken || value.find_first_of("<>'") != std::string_view::npos;
      rest.remove_prefix(end + 1);
      tag += "\"\"";
      continue;
    }
    broken = broken || rest.front() == '<' || rest.front() == '\'';
    tag += rest.front();
    rest.remove_prefix(1);
  }
  broken = broken || rest.empty();
  if (!rest.empty()) rest.remove_prefix(1);
  return tag;
}

Document read_document(std::string_view rest) {
  Document document;
  while (!rest.empty()) {
    std::size_t const end = std::min(rest.find('<'), rest.size());
    std::string_view const text = rest.substr(0, end);
    document.broken = document.broken || text.find_first_of(">\"'") != std::string_view::npos;
    document.texts.push_back(unescaped(std::string{text}));
    rest.remove_prefix(end);
    if (rest.empty()) break;
    rest.remove_prefix(1);
    document.tags.push_back(read_tag(rest, document.broken));
  }
  return document;
}

Document page_with(std::string const& name, bool spanish) {
  FoundFiles found;
  FileInfo file;
  file.name = name;
  found.files.push_back(file);
  found.total = 1;
  std::vector<IncompleteFile> const incomplete{{name, "", ByteCount{1}, {}}};
  FileQuery const query{.prefix = name, .words = {name}, .sort = FileSort::size};
  return read_document(to_html({.found = found,
                                .incomplete = incomplete,
                                .query = query,
                                .search = name,
                                .next = "7:" + name,
                                .first = false,
                                .style = "/style.css",
                                .spanish = spanish}));
}

TEST(FilePageProperty, NoNameIsMarkupWhateverIsInIt) {
  constexpr std::string_view pieces[] = {
      "<",           ">",    "\"",  "'",    "&",        "/",    "<script",
      "</td>",       "</a>", "-->", "&lt;", "&#60;",    "\n",   "\x01",
      "javascript:", "`",    "=",   "%22",  "\xc3\xa1", "\xff", " onclick=x ",
      "\\",          "a",    "?",   "#",    "<!--",     "]]>",  "\xe2\x80\xae"};
  Random random{3};
  for (bool const spanish : {false, true}) {
    Document const plain = page_with("plain", spanish);
    ASSERT_FALSE(plain.broken);
    for (int round = 0; round < 3000; ++round) {
      std::string name;
      for (std::uint64_t i = random() % 8 + 1; i > 0; --i) {
        name += pieces[random() % std::size(pieces)];
      }
      Document const document = page_with(name, spanish);
      ASSERT_FALSE(document.broken) << testing::PrintToString(name);
      ASSERT_EQ(document.tags, plain.tags) << testing::PrintToString(name);
      auto const shown = std::ranges::find(plain.texts, "plain") - plain.texts.begin();
      ASSERT_EQ(document.texts.at(static_cast<std::size_t>(shown)), name);
    }
  }
}

}  // namespace
}  // namespace chisme::web
