#pragma once

#include <span>
#include <string>
#include <string_view>

#include "web/page/assets.hpp"
#include "web/plan.hpp"

// What the pages for browsers without JavaScript are made of.
namespace chisme::web {

// `text` as HTML that shows it, as content and as a quoted attribute: nothing in it is markup.
[[nodiscard]] std::string html_escaped(std::string_view text);
// `content` is HTML.
[[nodiscard]] std::string element(std::string_view tag, std::string const& content);
// `href` has no character that would end the attribute.
[[nodiscard]] std::string link(std::string const& href, std::string const& content);

// A whole document, which needs nothing but that style sheet. All but `body` are texts.
struct HtmlDocument {
  std::string_view language;
  std::string_view title;
  std::string_view style;  // address of a style sheet; may be empty
  std::string body;        // HTML
};
[[nodiscard]] std::string html_document(HtmlDocument const& document);
// The sheet of the page, if the page is there.
[[nodiscard]] std::string_view style_address(std::span<Asset const> assets);

// An answer that depends on what the client prefers, under a policy that lets nothing run.
[[nodiscard]] Reply html_reply(unsigned status, std::string html);

}  // namespace chisme::web
