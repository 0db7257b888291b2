#include "web/trash_page.hpp"

#include <gtest/gtest.h>

#include "tests/web/service/requests.hpp"
#include "web/trash.hpp"

namespace chisme::web {
namespace {

constexpr char trash_accept[] = "\nAccept: text/html,application/xhtml+xml,*/*;q=0.8";
constexpr WallTime removed_at{std::chrono::milliseconds{1'700'000'000'000}};

std::string trash_id(std::string_view name) {
  return to_trash_id({removed_at, removed_at + std::chrono::days{7}, 7, name});
}

class TrashPageTest : public ServiceTest {
 protected:
  TrashPageTest() {
    gateway.add(std::string{trash_prefix} + trash_id("a <b>&\".txt"), "12345", "text/plain");
  }
  std::string page() { return reply("GET /trash" + std::string{trash_accept}).body; }
  bool has(std::string const& text) { return page().find(text) != std::string::npos; }
};

TEST_F(TrashPageTest, IsForBrowsersOnly) {
  EXPECT_EQ(header_of(reply("GET /trash" + std::string{trash_accept}), "Content-Type"),
            "text/html; charset=utf-8");
  EXPECT_EQ(header_of(reply("GET /trash"), "Content-Type"), "application/json");
  EXPECT_EQ(header_of(reply("GET /trash\nAccept: */*"), "Content-Type"), "application/json");
}

TEST_F(TrashPageTest, HasAFormForEachDeedAndNoNameIsMarkup) {
  std::string const escaped = trash_id("a%20%3Cb%3E%26%22.txt");
  EXPECT_TRUE(
      has("<td><bdi>a &lt;b&gt;&amp;&quot;.txt</bdi></td><td data-heading=\"Size\">5 B</td>"
          "<td data-heading=\"Removed (UTC)\">2023-11-14 22:13</td>"
          "<td data-heading=\"Gone for good (UTC)\">2023-11-21 22:13</td>"))
      << page();
  EXPECT_TRUE(has("<form method=\"post\" action=\"/trash/" + escaped + "?from=list\">")) << page();
  EXPECT_TRUE(
      has("<form method=\"post\" action=\"/trash/" + escaped + "?remove=1&amp;from=list\">"));
  EXPECT_FALSE(has("<b>"));
}

TEST_F(TrashPageTest, SpeaksSpanishAndSaysWhenItIsEmpty) {
  gateway.files.clear();
  EXPECT_TRUE(has("<p>Nothing is in the trash.</p>"));
  std::string const spanish =
      reply("GET /trash\nAccept-Language: es" + std::string{trash_accept}).body;
  EXPECT_NE(spanish.find("<p>La papelera está vacía.</p>"), std::string::npos) << spanish;
}

TEST_F(TrashPageTest, AFormRestoresOrRemovesAndLeadsBack) {
  std::string const form = "POST /trash/" + trash_id("a%20%3Cb%3E%26%22.txt");
  EXPECT_EQ(planned<RestoreFile>(form + "?from=list" + trash_accept).request.name, "a <b>&\".txt");
  std::string const removes = form + "?remove=1&from=list" + trash_accept;
  auto const removal = planned<RemoveFile>(removes);
  EXPECT_TRUE(removal.for_good);
  EXPECT_EQ(id_in_trash(removal.name), trash_id("a <b>&\".txt"));
  Reply const back = service.removed(request_of(removes), RemovedFile{"version"});
  EXPECT_EQ(back.status, 303u);
  EXPECT_EQ(header_of(back, "Location"), "/trash");
  Reply const restored = service.restored(request_of(form + "?from=list" + trash_accept), {});
  EXPECT_EQ(restored.status, 303u);
  EXPECT_EQ(service.removed(request_of(form + "?remove=1"), RemovedFile{"version"}).status, 204u);
  EXPECT_EQ(status(form + "?remove=yes"), 400u);
}

TEST_F(TrashPageTest, AFormOfAnotherSiteIsRefused) {
  std::string const form =
      "POST /trash/" + trash_id("a%20%3Cb%3E%26%22.txt") + "?remove=1&from=list";
  EXPECT_EQ(status(form + "\nOrigin: https://evil.example" + trash_accept), 403u);
  EXPECT_EQ(status(form + "\nOrigin: null" + trash_accept), 403u);
}

}  // namespace
}  // namespace chisme::web
