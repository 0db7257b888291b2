#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "tests/web/service/requests.hpp"
#include "web/file_query.hpp"
#include "web/tus/upload.hpp"

namespace chisme::web {
namespace {

bool matches(std::string const& search, std::string const& name) {
  return NameMatcher{*search_words(search)}.matches(name);
}

TEST(FileQuery, EveryWordMustOccurWhateverItsCase) {
  EXPECT_TRUE(matches("", "anything"));
  EXPECT_TRUE(matches(" \t\xc2\xa0 ", "anything"));
  EXPECT_TRUE(matches("tour HOLIDAY", "Holiday/detour.mp4"));
  EXPECT_FALSE(matches("tour home", "Holiday/detour.mp4"));
  EXPECT_TRUE(matches("\xc3\x81RBOL", "mi \xc3\xa1rbol.txt"));   // Á, á
  EXPECT_TRUE(matches("a\xcc\x81rbol", "mi \xc3\x81RBOL.txt"));  // decomposed
  EXPECT_TRUE(matches("STRASSE",
                      "Hauptstra\xc3\x9f"
                      "e.pdf"));  // ß is ss
  EXPECT_TRUE(matches("\xce\xa3\xce\x9f\xce\xa6\xce\x9f\xce\xa3",
                      "\xcf\x83\xce\xbf\xcf\x86\xce\xbf\xcf\x82"));  // Σ, ς
  EXPECT_FALSE(matches("arbol", "mi \xc3\xa1rbol.txt"));
}

TEST(FileQuery, SearchesAreBounded) {
  EXPECT_FALSE(search_words("\xff"));
  EXPECT_FALSE(search_words(std::string(1025, 'a')));
  EXPECT_TRUE(search_words("a a a a a a a a a a a a a a a a"));
  EXPECT_FALSE(search_words("a a a a a a a a a a a a a a a a a"));
}

TEST(FileQuery, PlacesAreReadBack) {
  for (FileSort const sort : {FileSort::name, FileSort::size, FileSort::modified}) {
    for (std::string const name : {"a", "12:b", ":", "\xc3\xa1"}) {
      std::string const text = place_text(sort, {sort == FileSort::name ? 0 : -7, name});
      auto const place = parse_place(sort, text);
      ASSERT_TRUE(place) << text;
      EXPECT_EQ(place->name, name);
      EXPECT_EQ(place->value, sort == FileSort::name ? 0 : -7);
    }
  }
  for (char const* const wrong : {"a", "x:a", "1", "99999999999999999999:a", "1:\xff"}) {
    EXPECT_FALSE(parse_place(FileSort::size, wrong)) << wrong;
  }
}

class FileList : public ServiceTest {
 protected:
  FileList() {
    gateway.files.clear();
    for (int i = 0; i < 5; ++i) {
      std::string const name = std::string(1, static_cast<char>('a' + i)) + ".txt";
      gateway.add(name, std::string(static_cast<std::size_t>(i % 3 + 1), 'x'), "text/plain");
    }
  }

  Reply listed(std::string const& text) {
    auto const wanted = planned<SearchFiles>(text);
    Reply answer;
    gateway.search(wanted.query, wanted.page, [&](Result<FoundFiles> const& found) {
      answer = service.listed(request_of(text), found);
    });
    return answer;
  }
  nlohmann::json json(std::string const& query) {
    return nlohmann::json::parse(listed("GET /files?" + query).body);
  }
  // The first letters of the names.
  static std::string names(nlohmann::json const& list) {
    std::string letters;
    for (auto const& file : list["files"]) letters += file["name"].get<std::string>()[0];
    return letters;
  }
};

TEST_F(FileList, IsSortedByWhatIsAskedForAndThenByName) {
  EXPECT_EQ(names(json("sort=name")), "abcde");
  EXPECT_EQ(names(json("order=desc")), "edcba");
  EXPECT_EQ(names(json("sort=size")), "adbec");
  EXPECT_EQ(names(json("sort=size&order=desc")), "cbead");
  EXPECT_EQ(names(json("sort=modified&order=desc")), "abcde");
}

TEST_F(FileList, CountsAllThatMatchesAndJumpsAnywhere) {
  auto const page = json("search=TXT&offset=1&limit=2");
  EXPECT_EQ(page["total"], 5);
  EXPECT_EQ(names(page), "bc");
  EXPECT_EQ(page["next"], "c.txt");
  auto const last = json("offset=4");
  EXPECT_EQ(names(last), "e");
  EXPECT_TRUE(last["next"].is_null());
  auto const behind = json("offset=99999999999999999999999");
  EXPECT_EQ(names(behind), "");
  EXPECT_EQ(behind["total"], 5);
  EXPECT_EQ(json("search=b")["total"], 1);
  EXPECT_EQ(json("search=&prefix=c")["total"], 1);
}

TEST_F(FileList, IsWalkedInAnyOrderByItsNext) {
  for (std::string const order :
       {"sort=size", "sort=size&order=desc", "sort=modified", "order=desc"}) {
    std::string walked;
    std::string after;
    for (int pages = 0; pages < 9; ++pages) {
      auto const page = json(order + "&limit=2" + after);
      walked += names(page);
      if (page["next"].is_null()) break;
      after = "&after=" + page["next"].get<std::string>();
    }
    EXPECT_EQ(walked, names(json(order))) << order;
  }
}

TEST_F(FileList, RefusesWhatItDoesNotUnderstandWithASentence) {
  for (std::string const bad :
       {"sort=colour", "sort=", "order=up", "offset=-1", "offset=x", "offset=", "search=%ff",
        "sort=size&after=a.txt", "offset=0&limit=0", "search=a&prefix=%ff"}) {
    Reply const refused = reply("GET /files?" + bad);
    EXPECT_EQ(refused.status, 400u) << bad;
    EXPECT_EQ(header_of(refused, "Content-Type"), "application/problem+json") << bad;
  }
}

TEST_F(FileList, UploadsUnderWayAreToldApartWithItsBeginning) {
  EXPECT_FALSE(json("sort=size").contains("incomplete"));
  std::string const id(32, 'a');
  gateway.add(tus::live_name("film b", id), "", "text/plain");
  gateway.add(tus::about_name(id), "{}", "application/json");
  auto const told = json("search=FILM&sort=size");
  ASSERT_EQ(told["incomplete"].size(), 1u);
  EXPECT_EQ(told["incomplete"][0]["name"], "film b");
  EXPECT_FALSE(json("search=other&sort=size").contains("incomplete"));
  EXPECT_FALSE(json("search=film&offset=1").contains("incomplete"));
}

TEST_F(FileList, ANodeWithTooMuchToDoSaysSo) {
  Reply const busy = service.listed(request_of("GET /files?sort=size"),
                                    fail(Fault::busy, "too many lists are being made"));
  EXPECT_EQ(busy.status, 503u);
}

}  // namespace
}  // namespace chisme::web
