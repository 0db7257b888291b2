#include <algorithm>
#include <iterator>
#include <string>
#include <utility>

#include "web/call.hpp"
#include "web/json.hpp"
#include "web/problem.hpp"
#include "web/scheme.hpp"

namespace chisme::web {
namespace {

Reply text_reply(std::string_view type, std::string body) {
  return Reply{.status = 200,
               .headers = {{"Content-Type", std::string{type}},
                           {"Cache-Control", "no-store"},
                           {"X-Content-Type-Options", "nosniff"}},
               .body = std::move(body)};
}

bool has_left(ClusterStatus const& status) {
  return std::ranges::any_of(status.members, [&](MemberStatus const& member) {
    return member.self && member.state == "left";
  });
}

}  // namespace

Plan get_cluster(Call const&) {
  return CountFiles{};
}

// 202: it leaves once other nodes have its copies, which `GET /readyz` and `/cluster` show. With
// `?cancel` it stays after all; 409, and nothing changes, once it has said farewell.
Plan post_drain(Call const& call) {
  if (call.target.parameter("cancel")) {
    if (has_left(call.gateway.cluster())) {
      return problem(409,
                     "This node has left its cluster already, and its process ends. Start it again "
                     "to have it back.");
    }
    call.gateway.stay();
    return json_reply(202, R"({"draining":false})");
  }
  call.gateway.leave();
  return json_reply(202, R"({"draining":true})");
}

Plan get_scrub(Call const& call) {
  return json_reply(200, to_json(call.gateway.scrub_status()));
}

Plan post_scrub(Call const& call) {
  call.gateway.scrub();
  return json_reply(202, R"({"scrubbing":true})");
}

Plan post_local(Call const& call) {
  constexpr std::pair<std::string_view, LocalOrder> orders[] = {{"kill", LocalOrder::kill},
                                                                {"start", LocalOrder::start},
                                                                {"stop", LocalOrder::stop},
                                                                {"cont", LocalOrder::resume}};
  auto const named =
      std::ranges::find_if(orders, [&](auto const& one) { return one.first == call.rest; });
  if (named == std::end(orders)) {
    return problem(404, "A node of a local cluster can be told to kill, start, stop or cont.");
  }
  auto const http = call.target.parameter("http");
  if (!http || http->empty()) return problem(400, "Say which node: ?http=http://127.0.0.1:7702.");
  return OrderLocal{named->second, as_told(*http)};
}

Plan get_healthz(Call const&) {
  return text_reply("text/plain; charset=utf-8", "ok\n");
}

Plan get_readyz(Call const& call) {
  Readiness const readiness = call.gateway.readiness(call.target.parameter("quorum") == "write");
  if (readiness.ready) return text_reply("text/plain; charset=utf-8", "ready\n");
  return problem_of({Fault::unavailable, readiness.reason});
}

Plan get_metrics(Call const&) {
  return CountFiles{};
}

Reply counted_status(Call const& call) {
  if (call.target.path == "/cluster") {
    return json_reply(200, to_json(as_asked(call.gateway.cluster(), call.request.secure)));
  }
  return text_reply("text/plain; version=0.0.4; charset=utf-8", call.gateway.metrics());
}

}  // namespace chisme::web
