#include "web/redirects.hpp"

#include <algorithm>

#include "web/digest_fields.hpp"
#include "web/json.hpp"
#include "web/names.hpp"
#include "web/problem.hpp"
#include "web/shares.hpp"

namespace chisme::web {
namespace {

// More holders than this help no client.
constexpr std::size_t link_count_max = 16;

Reply redirect_reply(std::string const& location) {
  return Reply{.status = 307,
               .headers = {{"Location", location}, {"Cache-Control", "no-store"}},
               .body = {}};
}

}  // namespace

void add_duplicate_links(Call const& call, FileInfo const& file, std::span<Replica const> replicas,
                         Fields& headers) {
  if (call.admission.link && call.admission.link->is_counted()) return;
  std::string const path =
      "/files/" + percent_encoded(file.name) + "?via=local" + pass_on(call, file.name);
  std::size_t count = 0;
  for (Replica const& replica : replicas.first(std::min(replicas.size(), link_count_max))) {
    headers.add("Link", "<", replica.http, path, ">; rel=duplicate; pri=", std::to_string(++count));
  }
}

Hops hops_of(Target const& target) {
  auto const hop = target.parameter("hop");
  if (!hop) return Hops::none;
  return *hop == "0" ? Hops::redirected : Hops::bounced;
}

Reply redirect_to(Call const& call, FileInfo const& file, Replica const& replica, Hops hops,
                  bool download) {
  std::string location = replica.http + "/files/" + percent_encoded(file.name);
  location += hops == Hops::bounced ? "?hop=1" : "?hop=0";
  if (download) location += "&download=1";
  // A holder of the bytes may not have heard yet that they are the file: it would show the one
  // before.
  location += "&version=" + percent_encoded(file.version);
  location += pass_on(call, file.name);
  Reply reply = redirect_reply(location);
  // Of the file, not of this answer: a Metalink client learns it with the first answer (RFC 6249).
  reply.headers.add("Repr-Digest", repr_digest(file.digest));
  reply.headers.add("Digest", "SHA-256=", base64(file.digest));
  add_duplicate_links(call, file, call.gateway.replicas(file), reply.headers);
  return reply;
}

Reply redirect_home(Call const& call, std::string const& http, Hops hops) {
  bool const by_query = call.target.path == "/client";
  std::string location = http + call.target.path;
  location += hops == Hops::none ? "?hop=0" : "?hop=1";
  if (by_query) {
    location += "&file=" + percent_encoded(call.target.parameter("file").value_or(""));
  }
  for (std::string_view const name : {"via", "download", "version"}) {
    auto const value = call.target.parameter(name);
    if (value) location += "&" + std::string{name} + "=" + percent_encoded(*value);
  }
  return redirect_reply(location + "&share=" + percent_encoded(call.admission.link_text));
}

Plan get_redirect(Call const& call) {
  if (!call.target.parameter("file")) {
    auto const node = call.gateway.least_loaded_node();
    if (!node) return problem(503, "No node is ready to serve the page. Try again shortly.");
    return redirect_reply(node->http + "/");
  }
  auto const file = find_file_parameter(call);
  if (!file) return file.error();
  auto const holder = call.gateway.redirect(*file, false);
  if (!holder) {
    return problem(503, "No node that holds " + file->name + " is in reach. Try again shortly.");
  }
  return redirect_to(call, *file, *holder, Hops::redirected, false);
}

Plan get_route(Call const& call) {
  auto const file = find_file_parameter(call);
  if (!file) return file.error();
  return json_reply(200, route_json(*file, call.gateway.replicas(*file)));
}

}  // namespace chisme::web
