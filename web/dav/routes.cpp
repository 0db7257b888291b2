#include <string>
#include <utility>

#include "web/access.hpp"
#include "web/call.hpp"
#include "web/dav/children.hpp"
#include "web/dav/paths.hpp"
#include "web/problem.hpp"

// /dav and /dav/NAME. What changes something, or asks for properties, is carried out by
// node/http/dav.
namespace chisme::web {
namespace {

constexpr std::string_view dav_methods =
    "OPTIONS, GET, HEAD, PUT, DELETE, PROPFIND, PROPPATCH, MKCOL, COPY, MOVE, LOCK, UNLOCK";

// What a browser sees; programs ask by PROPFIND.
Reply collection_reply(Call const& call) {
  std::string const host{call.request.header("host").value_or("HOST")};
  return Reply{.status = 200,
               .headers = {{"Content-Type", "text/plain; charset=utf-8"},
                           {"Cache-Control", "no-store"},
                           {"X-Content-Type-Options", "nosniff"}},
               .body = "This is a folder, for programs that speak WebDAV: mount " +
                       std::string{call.request.secure ? "davs://" : "dav://"} + host +
                       "/dav/ in your file explorer. In a browser, look at /files.\n"};
}

// A fragment is never sent (RFC 9110, 4.2.5): who does meant another resource.
std::optional<Reply> fragment_refusal(Call const& call) {
  if (call.request.target.find('#') == std::string::npos) return std::nullopt;
  return problem(400, "Write the # of a name as %23.");
}

}  // namespace

Plan options_dav(Call const& call) {
  Reply reply{.status = 200,
              .headers = {{"DAV", "1, 2"}, {"MS-Author-Via", "DAV"}, {"Allow", dav_methods}},
              .body = {}};
  reply.headers.add(preflight_headers(call.gateway, call.settings, call.request));
  return reply;
}

Plan get_dav(Call const& call) {
  auto const path = dav::path_from_url(call.rest);
  if (!path) return problem_of(path.error());
  if (path->name.empty()) return collection_reply(call);
  auto file = find_file(call, path->name);
  if (file) return get_file_here(call, std::move(*file));
  bool const others_are_asked = std::holds_alternative<AskOthers>(file.error());
  if (dav::is_collection(call.gateway, path->name) && !others_are_asked)
    return collection_reply(call);
  return file.error();
}

Plan put_dav(Call const& call) {
  if (auto refusal = fragment_refusal(call)) return std::move(*refusal);
  auto const path = dav::path_from_url(call.rest);
  if (!path) return problem_of(path.error());
  if (path->is_slash) return problem(405, "A folder cannot be written; MKCOL makes one.");
  Plan plan = put_file(call);
  auto* const receive = std::get_if<ReceiveFile>(&plan);
  if (receive == nullptr) return plan;
  receive->live = false;
  return AnswerDav{path->name, false, std::move(*receive)};
}

Plan ask_dav(Call const& call) {
  if (auto refusal = fragment_refusal(call)) return std::move(*refusal);
  auto const path = dav::path_from_url(call.rest);
  if (!path) return problem_of(path.error());
  return AnswerDav{path->name, path->is_slash, std::nullopt};
}

}  // namespace chisme::web
