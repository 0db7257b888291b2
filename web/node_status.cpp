#include "web/call.hpp"
#include "web/json.hpp"
#include "web/problem.hpp"

namespace chisme::web {
namespace {

Reply text_reply(std::string_view type, std::string body) {
  return Reply{.status = 200,
               .headers = {{"Content-Type", std::string{type}},
                           {"Cache-Control", "no-store"},
                           {"X-Content-Type-Options", "nosniff"}},
               .body = std::move(body)};
}

}  // namespace

Plan get_cluster(Call const& call) {
  return json_reply(200, to_json(call.gateway.cluster()));
}

// 202: it leaves once other nodes have its copies, which `GET /readyz` and `/cluster` show.
Plan post_drain(Call const& call) {
  call.gateway.leave();
  return json_reply(202, R"({"draining":true})");
}

Plan get_healthz(Call const&) {
  return text_reply("text/plain; charset=utf-8", "ok\n");
}

Plan get_readyz(Call const& call) {
  Readiness const readiness = call.gateway.readiness(call.target.parameter("quorum") == "write");
  if (readiness.ready) return text_reply("text/plain; charset=utf-8", "ready\n");
  return problem_of({Fault::unavailable, readiness.reason});
}

Plan get_metrics(Call const& call) {
  return text_reply("text/plain; version=0.0.4; charset=utf-8", call.gateway.metrics());
}

}  // namespace chisme::web
