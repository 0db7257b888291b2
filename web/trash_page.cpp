#include "web/trash_page.hpp"

#include "web/html.hpp"
#include "web/markup.hpp"
#include "web/names.hpp"
#include "web/trash.hpp"

namespace chisme::web {
namespace {

struct TrashTexts {
  std::string_view language, title, what, none_kept, empty, name, size, removed, gone;
  std::string_view restore, for_good, sure, next, first, files;
  char decimal;
};
constexpr TrashTexts trash_english{
    "en",
    "Trash",
    "Removed files can be restored here, at any node, until they are gone for good.",
    "This cluster keeps no trash: what is removed is gone.",
    "Nothing is in the trash.",
    "Name",
    "Size",
    "Removed (UTC)",
    "Gone for good (UTC)",
    "Restore",
    "Remove for good…",
    "Remove for good: nothing brings it back",
    "Removed earlier",
    "The latest",
    "The list of files",
    '.'};
constexpr TrashTexts trash_spanish{
    "es",
    "Papelera",
    "Los archivos borrados se pueden recuperar aquí, en cualquier nodo, hasta que desaparecen.",
    "Este clúster no tiene papelera: lo que se borra desaparece.",
    "La papelera está vacía.",
    "Nombre",
    "Tamaño",
    "Borrado (UTC)",
    "Desaparece (UTC)",
    "Recuperar",
    "Borrar para siempre…",
    "Borrar para siempre: nada lo recupera",
    "Borrados antes",
    "Los últimos",
    "La lista de archivos",
    ','};

// A form of a site that is none of this cluster's is refused like any request that changes
// something (web/access.cpp).
std::string trash_form(std::string const& id, std::string_view deed, std::string_view text) {
  return "<form method=\"post\" action=\"/trash/" + percent_encoded(id) + "?" + std::string{deed} +
         "from=list\"><button>" + std::string{text} + "</button></form>";
}

// To remove for good takes two steps.
std::string trash_deeds(std::string const& id, TrashTexts const& texts) {
  std::string const opens = element("summary", std::string{texts.for_good});
  return element("td", trash_form(id, "", texts.restore)) +
         element("td", element("details", opens + trash_form(id, "remove=1&amp;", texts.sure)));
}

std::string trash_row(FileInfo const& file, TrashTexts const& texts) {
  std::string const id{id_in_trash(file.name)};
  auto const place = parse_trash_id(id);
  if (!place) return {};
  std::string const name = element("bdi", markup_escaped(place->name));
  return "<tr>" + element("td", name) + cell(texts.size, size_text(file.size, texts.decimal)) +
         cell(texts.removed, time_text(place->removed)) +
         cell(texts.gone, time_text(gone_at(file, *place))) + trash_deeds(id, texts) + "</tr>\n";
}

std::string trash_table(TrashPage const& page, TrashTexts const& texts) {
  std::string rows;
  for (FileInfo const& file : page.listing.files) rows += trash_row(file, texts);
  if (rows.empty()) return element("p", std::string{texts.empty}) + "\n";
  std::string headings;
  for (std::string_view const text : {texts.name, texts.size, texts.removed, texts.gone}) {
    headings += element("th", std::string{text});
  }
  return "<table>\n<thead><tr>" + headings + "<td></td><td></td></tr></thead>\n<tbody>\n" + rows +
         "</tbody>\n</table>\n";
}

std::string trash_links(TrashPage const& page, TrashTexts const& texts) {
  std::string links;
  if (!page.first) links += link("/trash", std::string{texts.first}) + " ";
  if (page.listing.next) {
    std::string const next{id_in_trash(*page.listing.next)};
    links += link("/trash?after=" + percent_encoded(next), std::string{texts.next}) + " ";
  }
  return element("p", links + link("/files", std::string{texts.files}));
}

}  // namespace

std::string to_html(TrashPage const& page) {
  TrashTexts const& texts = page.spanish ? trash_spanish : trash_english;
  std::string_view const what = page.kept.count() > 0 ? texts.what : texts.none_kept;
  return html_document({.language = texts.language,
                        .title = texts.title,
                        .style = page.style,
                        .body = element("h1", std::string{texts.title}) + "\n" +
                                element("p", std::string{what}) + "\n" + trash_table(page, texts) +
                                trash_links(page, texts)});
}

}  // namespace chisme::web
