#pragma once

#include <span>
#include <string>
#include <string_view>

#include "cluster/base/strong.hpp"
#include "cluster/base/time.hpp"
#include "web/page/assets.hpp"
#include "web/plan.hpp"

// What the pages for browsers without JavaScript are made of.
namespace chisme::web {

// `content` is HTML.
[[nodiscard]] std::string element(std::string_view tag, std::string const& content);
// Of a table that stands on a narrow screen without its headings: each cell brings its own.
// `content` is HTML, `heading` is text.
[[nodiscard]] std::string cell(std::string_view heading, std::string const& content);
// `href` has no character that would end the attribute.
[[nodiscard]] std::string link(std::string const& href, std::string const& content);

// "1.2 MB", in powers of 1000.
[[nodiscard]] std::string size_text(ByteCount size, char decimal);
// The day and the minute, UTC; the rest is noise.
[[nodiscard]] std::string time_text(WallTime time);

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
