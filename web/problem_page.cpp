#include "web/problem_page.hpp"

#include <algorithm>
#include <array>
#include <string>

#include "web/html.hpp"
#include "web/markup.hpp"
#include "web/negotiation.hpp"
#include "web/problem.hpp"

namespace chisme::web {
namespace {

struct Advice {
  unsigned status;
  std::string_view english, spanish;
};
constexpr std::array advices = std::to_array<Advice>({
    {400, "Go back and change what you sent.", "Vuelve atrás y cambia lo que enviaste."},
    {404, "Look for the file in the list.", "Busca el archivo en la lista."},
    {410, "Store the file again, if you have it.", "Guarda el archivo otra vez, si lo tienes."},
    {413, "Go back and choose a smaller file.", "Vuelve atrás y elige un archivo más pequeño."},
    {415, "Go back and choose a file.", "Vuelve atrás y elige un archivo."},
    {503, "Wait a moment, then load this page again.",
     "Espera un momento y vuelve a cargar esta página."},
    {507, "Delete files that are no longer needed, then try again.",
     "Elimina archivos que ya no hagan falta e inténtalo de nuevo."},
});
constexpr Advice other_advice{0, "Go back and try again.", "Vuelve atrás e inténtalo de nuevo."};

Advice const& advice_for(unsigned status) {
  auto const found = std::ranges::find(advices, status, &Advice::status);
  return found == advices.end() ? other_advice : *found;
}

// What happened is told in English only.
std::string body_of(Reply const& problem, bool spanish) {
  Advice const& advice = advice_for(problem.status);
  std::string const title = spanish ? "No se pudo hacer" : "That did not work";
  std::string const number = std::to_string(problem.status);
  return element("h1", title) + "\n<p lang=\"en\">" + markup_escaped(problem.sentence) + " (" +
         number + " " + markup_escaped(reason_phrase(problem.status)) + ")</p>\n" +
         element("p", std::string{spanish ? advice.spanish : advice.english}) + "\n" +
         element("p", link("/files", spanish ? "La lista de archivos" : "The list of files"));
}

}  // namespace

Reply problem_page(Request const& request, Reply const& problem, std::span<Asset const> assets) {
  bool const spanish = prefers_spanish(request);
  HtmlDocument const document{.language = spanish ? "es" : "en",
                              .title = reason_phrase(problem.status),
                              .style = style_address(assets),
                              .body = body_of(problem, spanish)};
  Reply reply = html_reply(problem.status, html_document(document));
  Fields others = problem.headers;
  for (auto const* name : {"Content-Type", "Cache-Control", "X-Content-Type-Options"}) {
    others.remove(name);
  }
  reply.headers.add(others);
  reply.close = problem.close;
  return reply;
}

}  // namespace chisme::web
