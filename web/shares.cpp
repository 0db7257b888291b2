#include "web/shares.hpp"

#include <limits>
#include <nlohmann/json.hpp>
#include <utility>
#include <variant>

#include "web/gate.hpp"
#include "web/json.hpp"
#include "web/names.hpp"
#include "web/problem.hpp"
#include "web/redirects.hpp"
#include "web/scheme.hpp"

namespace chisme::web {
namespace {

using Json = nlohmann::json;

constexpr std::chrono::seconds link_life_min{60};
constexpr std::chrono::seconds link_life_max{31'536'000};

Reply no_secret() {
  return problem(503,
                 "This node knows no secret, so it can make no links and no tokens. Start its "
                 "cluster with --secret-file FILE.");
}

Result<LinkWish> wish_of(std::string_view body) {
  auto const json = Json::parse(body, nullptr, /*allow_exceptions=*/false);
  if (!json.is_object()) {
    return fail(Fault::invalid,
                R"(send a JSON object such as {"name":"film.mp4","seconds":86400,"downloads":10})");
  }
  auto const text = json.find("name");
  if (text == json.end() || !text->is_string()) {
    return fail(Fault::invalid, "`name` says which file the link is for");
  }
  auto name = checked_name(text->get<std::string>());
  if (!name) return tl::unexpected(name.error());
  LinkWish wish{.name = std::move(*name), .life = {}, .downloads = std::nullopt};
  auto const life = json.find("seconds");
  std::uint64_t const seconds = life != json.end() && life->is_number_unsigned()
                                    ? life->get<std::uint64_t>()
                                    : std::uint64_t{0};
  if (seconds < static_cast<std::uint64_t>(link_life_min.count()) ||
      seconds > static_cast<std::uint64_t>(link_life_max.count())) {
    return fail(Fault::invalid, "`seconds`, for how long the link is good, is a number from " +
                                    std::to_string(link_life_min.count()) + " to " +
                                    std::to_string(link_life_max.count()));
  }
  wish.life = std::chrono::seconds{seconds};
  auto const downloads = json.find("downloads");
  if (downloads == json.end() || downloads->is_null()) return wish;
  constexpr std::uint64_t most = std::numeric_limits<std::uint32_t>::max();
  std::uint64_t const count =
      downloads->is_number_unsigned() ? downloads->get<std::uint64_t>() : std::uint64_t{0};
  if (count == 0 || count > most) {
    return fail(Fault::invalid,
                "`downloads`, how often the file may be fetched, is a number from "
                "1 to " +
                    std::to_string(most) + ", or left out");
  }
  wish.downloads = static_cast<std::uint32_t>(count);
  return wish;
}

Plan revocation(Call const& call, CredentialKind kind) {
  if (call.gateway.credentials() == nullptr) return no_secret();
  auto const id = parse_credential_id(call.rest);
  if (!id) {
    return problem(400, "This is no id of a " +
                            std::string{kind == CredentialKind::link ? "link" : "token"} +
                            ": it is what was told when it was made.");
  }
  return RevokeCredential{kind, *id};
}

Reply used_up(Standing standing) {
  if (standing == Standing::busy) {
    return problem(503, "This link's downloads cannot be counted now. Try again shortly.");
  }
  return problem(410,
                 "All downloads of this link were taken. Ask whoever gave it to you for a new "
                 "one.");
}

LinkUse use_of(Call const& call, Plan const& plan) {
  if (call.request.method == Method::head) return LinkUse::look;
  ByteOffset offset{0};
  if (auto const* const send = std::get_if<SendObject>(&plan)) offset = send->offset;
  if (auto const* const relay = std::get_if<RelayObject>(&plan)) offset = relay->offset;
  return offset == ByteOffset{0} ? LinkUse::begin : LinkUse::read_on;
}

}  // namespace

Plan get_access(Call const& call) {
  AccessMode const mode = call.settings.access;
  Credentials* const credentials = call.gateway.credentials();
  auto const shown = shown_by(call.gateway, call.request);
  bool const valid = shown && shown->standing == Standing::valid;
  std::string const expires = valid ? json_string(rfc3339(shown->id.expires)) : "null";
  return json_reply(200, R"({"access":)" + json_string(to_string(mode)) + R"(,"role":)" +
                             json_string(to_string(role_of(mode, shown))) + R"(,"expires":)" +
                             expires + R"(,"shares":)" +
                             (credentials != nullptr ? "true" : "false") + "}");
}

Plan post_shares(Call const& call) {
  if (call.gateway.credentials() == nullptr) return no_secret();
  if (call.request.content_length && call.request.content_length->value() > share_wish_bytes_max) {
    return problem(
        413, "A link is described by at most " + std::to_string(share_wish_bytes_max) + " bytes.");
  }
  return ReceiveShare{};
}

Plan delete_share(Call const& call) {
  return revocation(call, CredentialKind::link);
}

Plan delete_token(Call const& call) {
  return revocation(call, CredentialKind::token);
}

Reply shared(Call const& call, std::string_view body) {
  Credentials* const credentials = call.gateway.credentials();
  if (credentials == nullptr) return no_secret();
  auto const wish = wish_of(body);
  if (!wish) return problem_of(wish.error());
  MadeLink const made = credentials->make_link(*wish);
  std::string const url = "/files/" + percent_encoded(wish->name) + "?share=" + made.text;
  return json_reply(201, R"({"url":)" + json_string(url) + R"(,"id":)" +
                             json_string(to_string(made.id)) + R"(,"expires":)" +
                             json_string(rfc3339(made.id.expires)) + R"(,"downloads":)" +
                             (wish->downloads ? std::to_string(*wish->downloads) : "null") + "}");
}

std::optional<Plan> send_home(Call const& call) {
  auto const& link = call.admission.link;
  Credentials* const credentials = call.gateway.credentials();
  if (!link || !link->is_counted() || credentials == nullptr) return std::nullopt;
  if (call.request.method == Method::head) return std::nullopt;
  LinkHome const home = credentials->home_of(link->id);
  if (home.self) return std::nullopt;
  Hops const hops = hops_of(call.target);
  if (hops == Hops::bounced) {
    return problem(503,
                   "The nodes do not agree yet who counts this link's downloads. Try again "
                   "shortly.");
  }
  return redirect_home(call, as_asked(home.http, call.request.secure), hops);
}

Plan use_link(Call const& call, Plan plan) {
  auto const& link = call.admission.link;
  Credentials* const credentials = call.gateway.credentials();
  if (!link || !link->is_counted() || credentials == nullptr) return plan;
  bool const has_bytes = std::holds_alternative<SendObject>(plan) ||
                         std::holds_alternative<RelayObject>(plan) ||
                         std::holds_alternative<FollowUpload>(plan);
  if (!has_bytes) return plan;
  Standing const standing = credentials->use(*link, use_of(call, plan));
  if (standing == Standing::valid) return plan;
  return used_up(standing);
}

std::string pass_on(Call const& call, std::string const& name) {
  Admission const& admission = call.admission;
  if (admission.link) return "&share=" + percent_encoded(admission.link_text);
  Credentials* const credentials = call.gateway.credentials();
  bool const by_token = admission.token && call.settings.access != AccessMode::open;
  if (!by_token || credentials == nullptr) return {};
  return "&share=" + credentials->make_ticket(name, admission.token->id);
}

}  // namespace chisme::web
