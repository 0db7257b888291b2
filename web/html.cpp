#include "web/html.hpp"

#include <array>
#include <cstdio>

#include "web/json.hpp"
#include "web/markup.hpp"

namespace chisme::web {

std::string element(std::string_view tag, std::string const& content) {
  return "<" + std::string{tag} + ">" + content + "</" + std::string{tag} + ">";
}

std::string cell(std::string_view heading, std::string const& content) {
  return "<td data-heading=\"" + markup_escaped(heading) + "\">" + content + "</td>";
}

std::string link(std::string const& href, std::string const& content) {
  return "<a href=\"" + href + "\">" + content + "</a>";
}

std::string html_document(HtmlDocument const& document) {
  std::string const style = document.style.empty() ? std::string{}
                                                   : "<link rel=\"stylesheet\" href=\"" +
                                                         markup_escaped(document.style) + "\">\n";
  return "<!doctype html>\n<html lang=\"" + markup_escaped(document.language) +
         "\">\n<head>\n<meta charset=\"utf-8\">\n"
         "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
         "<meta name=\"color-scheme\" content=\"light dark\">\n" +
         element("title", markup_escaped(document.title) + " · chisme") + "\n" + style +
         "</head>\n<body>\n<main>\n" + document.body + "\n</main>\n</body>\n</html>\n";
}

std::string size_text(ByteCount size, char decimal) {
  constexpr std::array<char const*, 7> units{"B", "kB", "MB", "GB", "TB", "PB", "EB"};
  auto value = static_cast<double>(size.value());
  std::size_t unit = 0;
  // What would be written as 1000.0 is 1.0 of the next.
  for (; value >= 999.95 && unit + 1 < units.size(); ++unit) value /= 1000;
  std::array<char, 32> digits{};
  int const length =
      std::snprintf(digits.data(), digits.size(), unit == 0 ? "%.0f" : "%.1f", value);
  std::string text(digits.data(), static_cast<std::size_t>(length));
  if (std::size_t const point = text.find('.'); point != std::string::npos) text[point] = decimal;
  return text + " " + units.at(unit);
}

std::string time_text(WallTime time) {
  std::string const text = rfc3339(time);
  return text.substr(0, 10) + " " + text.substr(11, 5);
}

std::string_view style_address(std::span<Asset const> assets) {
  for (Asset const& asset : assets) {
    if (asset.path.ends_with(".css")) return asset.path;
  }
  return {};
}

Reply html_reply(unsigned status, std::string html) {
  return Reply{.status = status,
               .headers = {{"Content-Type", "text/html; charset=utf-8"},
                           {"Cache-Control", "no-store"},
                           {"Vary", "Accept, Accept-Language"},
                           {"Content-Security-Policy",
                            "default-src 'none'; style-src 'self'; img-src 'self'; "
                            "base-uri 'none'; form-action 'self'; frame-ancestors 'none'"},
                           {"Referrer-Policy", "same-origin"},
                           {"X-Content-Type-Options", "nosniff"}},
               .body = std::move(html)};
}

}  // namespace chisme::web
