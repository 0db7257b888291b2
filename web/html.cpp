#include "web/html.hpp"

namespace chisme::web {

std::string html_escaped(std::string_view text) {
  std::string escaped;
  escaped.reserve(text.size());
  for (char const c : text) {
    switch (c) {
      case '&':
        escaped += "&amp;";
        break;
      case '<':
        escaped += "&lt;";
        break;
      case '>':
        escaped += "&gt;";
        break;
      case '"':
        escaped += "&quot;";
        break;
      case '\'':
        escaped += "&#39;";
        break;
      default:
        escaped += c;
    }
  }
  return escaped;
}

std::string element(std::string_view tag, std::string const& content) {
  return "<" + std::string{tag} + ">" + content + "</" + std::string{tag} + ">";
}

std::string link(std::string const& href, std::string const& content) {
  return "<a href=\"" + href + "\">" + content + "</a>";
}

std::string html_document(HtmlDocument const& document) {
  std::string const style = document.style.empty() ? std::string{}
                                                   : "<link rel=\"stylesheet\" href=\"" +
                                                         html_escaped(document.style) + "\">\n";
  return "<!doctype html>\n<html lang=\"" + html_escaped(document.language) +
         "\">\n<head>\n<meta charset=\"utf-8\">\n"
         "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
         "<meta name=\"color-scheme\" content=\"light dark\">\n" +
         element("title", html_escaped(document.title) + " · chisme") + "\n" + style +
         "</head>\n<body>\n<main>\n" + document.body + "\n</main>\n</body>\n</html>\n";
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
