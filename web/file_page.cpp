#include "web/file_page.hpp"

#include <algorithm>

#include "web/html.hpp"
#include "web/json.hpp"
#include "web/markup.hpp"
#include "web/names.hpp"

namespace chisme::web {
namespace {

struct Texts {
  std::string_view language, title, search, find, name, size, modified, copies, download, none, of;
  std::string_view next, first, choose, store, player, arriving, expires, trash;
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
                        "Expires (UTC)",
                        "The trash",
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
                        "Caduca (UTC)",
                        "La papelera",
                        ','};

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

std::string file_link(std::string const& name) {
  return link("/files/" + percent_encoded(name), element("bdi", markup_escaped(name)));
}

bool any_expires(FileListPage const& page) {
  return std::ranges::any_of(page.found.files,
                             [](FileInfo const& file) { return file.expires.has_value(); });
}

// Empty unless the list has a column for it.
std::string expiry_cell(std::optional<WallTime> expires, bool shown, Texts const& texts) {
  if (!shown) return {};
  return expires ? cell(texts.expires, time_text(*expires)) : element("td", {});
}

std::string row(FileInfo const& file, bool with_expiry, Texts const& texts) {
  std::string const copies =
      std::to_string(file.copies) + " " + std::string{texts.of} + " " + std::to_string(file.wanted);
  std::string const download =
      link("/client?file=" + percent_encoded(file.name), std::string{texts.download});
  return "<tr>" + element("td", file_link(file.name)) +
         cell(texts.size, size_text(file.size, texts.decimal)) +
         cell(texts.modified, time_text(file.modified)) +
         expiry_cell(file.expires, with_expiry, texts) + cell(texts.copies, copies) +
         element("td", download) + "</tr>\n";
}

// Its address gives what has come of it, and then what comes.
std::string row(IncompleteFile const& file, bool with_expiry, Texts const& texts) {
  return "<tr>" + element("td", file_link(file.name)) +
         cell(texts.size, size_text(file.size, texts.decimal)) +
         cell(texts.modified, time_text(file.begun)) + expiry_cell({}, with_expiry, texts) +
         cell(texts.copies, std::string{texts.arriving}) + "<td></td></tr>\n";
}

std::string table(FileListPage const& page, Texts const& texts) {
  if (page.found.files.empty() && page.incomplete.empty()) {
    return element("p", std::string{texts.none});
  }
  bool const with_expiry = any_expires(page);
  std::string rows;
  for (IncompleteFile const& file : page.incomplete) rows += row(file, with_expiry, texts);
  for (FileInfo const& file : page.found.files) rows += row(file, with_expiry, texts);
  return "<table>\n<thead><tr>" + heading(page, FileSort::name, texts.name) +
         heading(page, FileSort::size, texts.size) +
         heading(page, FileSort::modified, texts.modified) +
         (with_expiry ? element("th", std::string{texts.expires}) : std::string{}) +
         element("th", std::string{texts.copies}) + "<td></td></tr></thead>\n<tbody>\n" + rows +
         "</tbody>\n</table>\n";
}

std::string hidden(std::string_view name, std::string_view value) {
  return "<input type=\"hidden\" name=\"" + std::string{name} + "\" value=\"" +
         markup_escaped(value) + "\">";
}

std::string search_form(FileListPage const& page, Texts const& texts) {
  std::string form = "<form class=\"card\" action=\"/files\"><p><label>" +
                     std::string{texts.search} + ": <input name=\"search\" type=\"search\"" +
                     " maxlength=\"200\" value=\"" + markup_escaped(page.search) + "\"></label> ";
  form += hidden("sort", sort_name(page.query.sort)) +
          hidden("order", page.query.descending ? "desc" : "asc");
  if (!page.query.prefix.empty()) form += hidden("prefix", page.query.prefix);
  return form + "<button>" + std::string{texts.find} + "</button></p></form>\n";
}

struct KeepTexts {
  std::string_view keep, ever, hour, day, week, month;
};
constexpr KeepTexts keep_english{"Keep for", "ever", "1 hour", "1 day", "1 week", "30 days"};
constexpr KeepTexts keep_spanish{"Guardar por", "siempre",  "1 hora",
                                 "1 día",       "1 semana", "30 días"};

std::string choice(std::string_view value, std::string_view text) {
  return "<option value=\"" + std::string{value} + "\">" + std::string{text} + "</option>";
}

// How long the files are kept: a field `ttl`, which has to come before them.
std::string keep_choice(bool in_spanish) {
  KeepTexts const& spoken = in_spanish ? keep_spanish : keep_english;
  return "<p><label>" + std::string{spoken.keep} + " <select name=\"ttl\">" +
         choice("", spoken.ever) + choice("1h", spoken.hour) + choice("1d", spoken.day) +
         choice("7d", spoken.week) + choice("30d", spoken.month) + "</select></label></p>";
}

std::string upload_form(bool in_spanish, Texts const& texts) {
  return "<form class=\"card\" method=\"post\" action=\"/files?from=list\""
         " enctype=\"multipart/form-data\">" +
         keep_choice(in_spanish) + "<p><label>" + std::string{texts.choose} +
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
  std::string others = link("/", std::string{texts.player});
  if (page.keeps_trash) others = link("/trash", std::string{texts.trash}) + " · " + others;
  return html_document({.language = texts.language,
                        .title = texts.title,
                        .style = page.style,
                        .body = title + "\n" + search_form(page, texts) + table(page, texts) +
                                page_links(page, texts) + "\n" + upload_form(page.spanish, texts) +
                                element("p", others)});
}

}  // namespace chisme::web
