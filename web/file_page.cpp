#include "web/file_page.hpp"

#include <array>
#include <cstdio>

#include "web/html.hpp"
#include "web/json.hpp"
#include "web/names.hpp"

namespace chisme::web {
namespace {

struct Texts {
  std::string_view language, title, search, find, name, size, modified, copies, download, none, of;
  std::string_view next, first, choose, store, player, arriving;
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
                        "being uploaded",
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
                        "subiendo",
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

// The day and the minute; the rest is noise.
std::string time_text(WallTime time) {
  std::string const text = rfc3339(time);
  return text.substr(0, 10) + " " + text.substr(11, 5);
}

std::string file_link(std::string const& name) {
  return link("/files/" + percent_encoded(name), element("bdi", html_escaped(name)));
}

std::string row(FileInfo const& file, Texts const& texts) {
  std::string const copies =
      std::to_string(file.copies) + " " + std::string{texts.of} + " " + std::to_string(file.wanted);
  std::string const download =
      link("/client?file=" + percent_encoded(file.name), std::string{texts.download});
  return "<tr>" + element("td", file_link(file.name)) +
         element("td", size_text(file.size, texts.decimal)) +
         element("td", time_text(file.modified)) + element("td", copies) + element("td", download) +
         "</tr>\n";
}

// Its address gives what has come of it, and then what comes.
std::string row(IncompleteFile const& file, Texts const& texts) {
  return "<tr>" + element("td", file_link(file.name)) +
         element("td", size_text(file.size, texts.decimal)) + element("td", time_text(file.begun)) +
         element("td", std::string{texts.arriving}) + "<td></td></tr>\n";
}

std::string table(FileListPage const& page, Texts const& texts) {
  if (page.found.files.empty() && page.incomplete.empty()) {
    return element("p", std::string{texts.none});
  }
  std::string rows;
  for (IncompleteFile const& file : page.incomplete) rows += row(file, texts);
  for (FileInfo const& file : page.found.files) rows += row(file, texts);
  return "<table>\n<thead><tr>" + heading(page, FileSort::name, texts.name) +
         heading(page, FileSort::size, texts.size) +
         heading(page, FileSort::modified, texts.modified) +
         element("th", std::string{texts.copies}) + "<td></td></tr></thead>\n<tbody>\n" + rows +
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

}  // namespace

std::string to_html(FileListPage const& page) {
  Texts const& texts = page.spanish ? spanish : english;
  std::string const title =
      element("h1", std::string{texts.title} + ": " + std::to_string(page.found.total));
  return html_document({.language = texts.language,
                        .title = texts.title,
                        .style = page.style,
                        .body = title + "\n" + search_form(page, texts) + table(page, texts) +
                                page_links(page, texts) + "\n" + upload_form(texts) +
                                element("p", link("/", std::string{texts.player}))});
}

}  // namespace chisme::web
