#include <algorithm>
#include <charconv>

#include "web/call.hpp"
#include "web/json.hpp"
#include "web/media_types.hpp"
#include "web/names.hpp"
#include "web/problem.hpp"
#include "web/tus/live.hpp"

namespace chisme::web {
namespace {

constexpr std::size_t listing_limit_max = 1000;

std::optional<std::size_t> parse_limit(std::string_view text) {
  std::size_t limit = 0;
  auto const [end, error] = std::from_chars(text.data(), text.data() + text.size(), limit);
  if (end != text.data() + text.size() || text.empty()) return std::nullopt;
  if (error == std::errc::result_out_of_range) return listing_limit_max;
  if (error != std::errc{} || limit == 0) return std::nullopt;
  return std::min(limit, listing_limit_max);
}

Reply text_reply(std::string_view type, std::string body) {
  return Reply{.status = 200,
               .headers = {{"Content-Type", std::string{type}},
                           {"Cache-Control", "no-store"},
                           {"X-Content-Type-Options", "nosniff"}},
               .body = std::move(body)};
}

// The uploads under way whose names belong to this page of the list, and are not taken by a file.
std::vector<IncompleteFile> incomplete_files(Call const& call, std::string_view prefix,
                                             std::string_view after, Listing const& page) {
  std::vector<IncompleteFile> files;
  for (tus::LiveUpload const& upload : tus::live_uploads(call.gateway, prefix)) {
    if (upload.name <= after || (page.next && upload.name > *page.next)) continue;
    if (call.gateway.lookup(upload.name).status == LookupStatus::found) continue;
    if (!files.empty() && files.back().name == upload.name) continue;
    files.push_back({upload.name, std::string{media_type_of(upload.name)},
                     tus::readable_bytes(call.gateway, upload.id), upload.begun});
  }
  return files;
}

}  // namespace

Plan get_files(Call const& call) {
  auto const limit_text = call.target.parameter("limit");
  auto const limit = limit_text ? parse_limit(*limit_text) : listing_limit_max;
  if (!limit) return problem(400, "`limit` must be a number from 1 to 1000.");
  auto const prefix = normalised_prefix(call.target.parameter("prefix").value_or(""));
  if (!prefix) return problem_of(prefix.error());
  auto const after = normalised_prefix(call.target.parameter("after").value_or(""));
  if (!after) return problem_of(after.error());
  std::string_view const from = std::max(std::string_view{*after}, behind_internal);
  Listing const page = call.gateway.list(*prefix, from, *limit);
  return json_reply(200, to_json(page, incomplete_files(call, *prefix, from, page)));
}

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
