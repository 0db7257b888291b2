#include "web/file_page.hpp"

#include <array>
#include <cstdio>

#include "web/json.hpp"
#include "web/names.hpp"

namespace chisme::web {
namespace {

struct Texts {
  std::string_view language, title, search, find, name, size, modified, copies, download, none, of;
  std::string_view next, first, choose, store, player;
  char decimal;
};
constexpr Texts english{"en",
                        "Files",
                        "Search in names",
                        "Search",
                        "Name",
                        "Size",
                        "Modified (UTC)",
                        "Copies",
                        "Download",
                        "No files.",
                        "of",
                        "Next page",
                        "First page",
                        "Files to store:",
                        "Store",
                        "The page with everything else",
                        '.'};
constexpr Texts spanish{"es",
                        "Archivos",
                        "Buscar en los nombres",
                        "Buscar",
                        "Nombre",
                        "Tamaño",
                        "Modificado (UTC)",
                        "Copias",
                        "Descargar",
                        "No hay archivos.",
                        "de",
                        "Página siguiente",
                        "Primera página",
                        "Archivos para guardar:",
                        "Guardar",
                        "La página con todo lo demás",
                        ','};

// "1.2 MB", in powers of 1000.
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

std::string_view sort_name(FileSort sort) {
  switch (sort) {
    case FileSort::name:
      return "name";
    case FileSort::modified:
      return "modified";
    case FileSort::size:
      return "size";
  }
  return "name";
}

std::string element(std::string_view tag, std::string const& content) {
  return "<" + std::string{tag} + ">" + content + "</" + std::string{tag} + ">";
}

// `href` has no character that would end the attribute.
std::string link(std::string const& href, std::string const& content) {
  return "<a href=\"" + href + "\">" + content + "</a>";
}

// The address of a list; what a user typed is in it by percent escapes only.
std::string list_address(FileListPage const& page, FileSort sort, bool descending) {
  std::string address = "/files?search=" + percent_encoded(page.search);
  if (!page.query.prefix.empty()) address += "&amp;prefix=" + percent_encoded(page.query.prefix);
  return address + "&amp;sort=" + std::string{sort_name(sort)} +
         "&amp;order=" + (descending ? "desc" : "asc");
}

// The same column again turns the order round; dates and sizes begin with the greatest.
std::string heading(FileListPage const& page, FileSort sort, std::string_view text) {
  bool const same = page.query.sort == sort;
  bool const descending = same ? !page.query.descending : sort != FileSort::name;
  std::string const arrow = !same ? "" : page.query.descending ? " ↓" : " ↑";
  return element("th", link(list_address(page, sort, descending), std::string{text} + arrow));
}

std::string row(FileInfo const& file, Texts const& texts) {
  std::string const path = percent_encoded(file.name);
  std::string const time = rfc3339(file.modified);  // of a day and a minute, the rest is noise
  std::string const name = element("bdi", html_escaped(file.name));
  std::string const copies =
      std::to_string(file.copies) + " " + std::string{texts.of} + " " + std::to_string(file.wanted);
  return "<tr>" + element("td", link("/files/" + path, name)) +
         element("td", size_text(file.size, texts.decimal)) +
         element("td", time.substr(0, 10) + " " + time.substr(11, 5)) + element("td", copies) +
         element("td", link("/client?file=" + path, std::string{texts.download})) + "</tr>\n";
}

std::string table(FileListPage const& page, Texts const& texts) {
  if (page.found.files.empty()) return element("p", std::string{texts.none});
  std::string rows;
  for (FileInfo const& file : page.found.files) rows += row(file, texts);
  return "<table>\n<thead><tr>" + heading(page, FileSort::name, texts.name) +
         heading(page, FileSort::size, texts.size) +
         heading(page, FileSort::modified, texts.modified) +
         element("th", std::string{texts.copies}) + "<th></th></tr></thead>\n<tbody>\n" + rows +
         "</tbody>\n</table>\n";
}

std::string hidden(std::string_view name, std::string_view value) {
  return "<input type=\"hidden\" name=\"" + std::string{name} + "\" value=\"" +
         html_escaped(value) + "\">";
}

std::string search_form(FileListPage const& page, Texts const& texts) {
  std::string form = "<form class=\"card\" action=\"/files\"><p><label>" +
                     std::string{texts.search} + ": <input name=\"search\" type=\"search\"" +
                     " maxlength=\"200\" value=\"" + html_escaped(page.search) + "\"></label> ";
  form += hidden("sort", sort_name(page.query.sort)) +
          hidden("order", page.query.descending ? "desc" : "asc");
  if (!page.query.prefix.empty()) form += hidden("prefix", page.query.prefix);
  return form + "<button>" + std::string{texts.find} + "</button></p></form>\n";
}

std::string upload_form(Texts const& texts) {
  return "<form class=\"card\" method=\"post\" action=\"/files?from=list\""
         " enctype=\"multipart/form-data\"><p><label>" +
         std::string{texts.choose} +
         " <input type=\"file\" name=\"file\" multiple required></label> <button>" +
         std::string{texts.store} + "</button></p></form>\n";
}

std::string page_links(FileListPage const& page, Texts const& texts) {
  std::string const here = list_address(page, page.query.sort, page.query.descending);
  std::string links;
  if (!page.first) links += link(here, std::string{texts.first}) + " ";
  if (page.next) {
    links += link(here + "&amp;after=" + percent_encoded(*page.next), std::string{texts.next});
  }
  return element("p", links);
}

std::string head(FileListPage const& page, Texts const& texts) {
  std::string const style =
      page.style.empty() ? std::string{}
                         : "<link rel=\"stylesheet\" href=\"" + html_escaped(page.style) + "\">\n";
  return "<!doctype html>\n<html lang=\"" + std::string{texts.language} +
         "\">\n<head>\n<meta charset=\"utf-8\">\n"
         "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
         "<meta name=\"color-scheme\" content=\"light dark\">\n" +
         element("title", std::string{texts.title} + " · chisme") + "\n" + style +
         "</head>\n<body>\n<main>\n";
}

}  // namespace

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

std::string to_html(FileListPage const& page) {
  Texts const& texts = page.spanish ? spanish : english;
  std::string const title =
      element("h1", std::string{texts.title} + ": " + std::to_string(page.found.total));
  return head(page, texts) + title + "\n" + search_form(page, texts) + table(page, texts) +
         page_links(page, texts) + "\n" + upload_form(texts) +
         element("p", link("/", std::string{texts.player})) + "\n</main>\n</body>\n</html>\n";
}

}  // namespace chisme::web
