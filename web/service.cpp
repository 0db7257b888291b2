#include "web/service.hpp"

#include <algorithm>
#include <string>
#include <utility>

#include "cluster/base/check.hpp"
#include "cluster/base/overloaded.hpp"
#include "web/access.hpp"
#include "web/call.hpp"
#include "web/dav/paths.hpp"
#include "web/json.hpp"
#include "web/names.hpp"
#include "web/negotiation.hpp"
#include "web/problem.hpp"
#include "web/problem_page.hpp"
#include "web/routes.hpp"
#include "web/s3/address.hpp"
#include "web/s3/replies.hpp"
#include "web/s3/signature.hpp"
#include "web/shares.hpp"
#include "web/uploads.hpp"

namespace chisme::web {
namespace {

std::string_view allowed_text(Method method) {
  switch (method) {
    case Method::get:
      return "GET, HEAD";
    case Method::put:
      return "PUT";
    case Method::post:
      return "POST";
    case Method::delete_:
      return "DELETE";
    case Method::patch:
      return "PATCH";
    case Method::propfind:
      return "PROPFIND";
    case Method::proppatch:
      return "PROPPATCH";
    case Method::mkcol:
      return "MKCOL";
    case Method::copy:
      return "COPY";
    case Method::move:
      return "MOVE";
    case Method::lock:
      return "LOCK";
    case Method::unlock:
      return "UNLOCK";
    default:
      return "";
  }
}

// The methods of `path` as Allow has them; empty when there is no such path.
std::string allowed_methods(Call const& call) {
  std::string allowed;
  for (Route const& route : routes()) {
    if (!matches(route, call.target.path)) continue;
    allowed += std::string{allowed_text(route.method)} + ", ";
  }
  if (allowed.empty() && find_asset(call) != nullptr) allowed = "GET, HEAD, ";
  return allowed.empty() ? allowed : allowed + "OPTIONS";
}

Plan plan_options(Call const& call, std::string const& allowed) {
  Reply reply{.status = 204, .headers = {{"Allow", allowed}}, .body = {}};
  reply.headers.add(preflight_headers(call.gateway, call.settings, call.request));
  return reply;
}

Plan plan_other(Call const& call) {
  std::string const allowed = allowed_methods(call);
  if (call.request.method == Method::options && call.request.target == "*") {
    return plan_options(call, "GET, HEAD, PUT, POST, DELETE, OPTIONS");
  }
  if (allowed.empty()) {
    bool const page = call.target.path == "/";
    return problem(
        404, page ? "This program was built without the page."
                  : "There is nothing at " + call.target.path + ". Files are at /files/NAME.");
  }
  if (call.request.method == Method::options) return plan_options(call, allowed);
  Reply reply = problem(405, "This address takes " + allowed + " only.");
  reply.headers.add("Allow", allowed);
  return reply;
}

Plan dispatch(Call const& call, Route const* route) {
  if (auto elsewhere = send_home(call)) return std::move(*elsewhere);
  if (route != nullptr) return use_link(call, route->handler(call));
  if (call.request.method == Method::get || call.request.method == Method::head) {
    if (Asset const* const asset = find_asset(call)) return get_asset(call, *asset);
  }
  return plan_other(call);
}

// The head that goes out, if the plan has one.
Reply* head_of(Plan& plan) {
  return std::visit(
      Overloaded{[](Reply& reply) { return &reply; }, [](SendObject& send) { return &send.head; },
                 [](RelayObject& relay) { return &relay.head; },
                 [](auto&) -> Reply* { return nullptr; }},
      plan);
}

}  // namespace

Service::Service(Gateway& gateway, ServiceSettings settings)
    : gateway_(gateway), settings_(std::move(settings)) {}

Plan Service::plan(Request const& request) {
  return decide(request, nullptr);
}

Plan Service::plan_with(Request const& request, Result<Lookup> const& found) {
  return decide(request, &found);
}

Plan Service::decide(Request const& request, Result<Lookup> const* found) {
  auto const target = parse_target(request.target);
  if (!target) {
    return finished(request, problem(400, "The address has a broken percent escape."));
  }
  if (auto refusal = access_refusal(gateway_, settings_, request, *target)) {
    return finished(request, std::move(*refusal));
  }
  bool const is_s3 = s3::is_asked(request, *target);
  tl::expected<s3::Signed, Reply> signature;
  if (is_s3) signature = s3::authenticate(gateway_, settings_.access, request, *target);
  if (!signature) return finished(request, std::move(signature.error()));
  Route const* const route = find_route(is_s3 ? "/s3/" : target->path, request.method);
  Admission admission;
  Call call{gateway_, settings_, request, *target, heads_, admission, {}, found, &*signature};
  auto admitted = pass_gate({.gateway = gateway_,
                             .mode = settings_.access,
                             .request = request,
                             .target = *target,
                             .route = route,
                             .is_asset = route == nullptr && find_asset(call) != nullptr,
                             .signer = signature->bearer});
  if (!admitted) return finished(request, std::move(admitted.error()));
  admission = std::move(*admitted);
  if (route != nullptr && !is_s3) call.rest = rest_of(*route, target->path);
  Plan plan = dispatch(call, route);
  if (admission.link && head_of(plan) != nullptr) {
    head_of(plan)->headers.add("Referrer-Policy", "no-referrer");  // it is in the address
  }
  if (auto* const reply = std::get_if<Reply>(&plan)) {
    *reply = finished(request, std::move(*reply));
  } else if (Reply* const head = head_of(plan)) {
    *head = finished(request, std::move(*head));
  }
  return plan;
}

Result<UploadRequest> Service::form_upload(PartHead const& part) const {
  // Old browsers send the whole path of the client's disk; none sends one on purpose.
  std::string_view const path = part.filename ? std::string_view{*part.filename} : "";
  auto name = checked_name(path.substr(path.rfind('\\') + 1));
  if (!name) return tl::unexpected(name.error());
  UploadRequest upload;
  upload.type = upload_type(part.type, *name);
  upload.name = std::move(*name);
  return upload;
}

Reply Service::stored(Request const& request, Result<StoredFile> const& result) {
  if (!result) return failed(request, result.error());
  bool const by_dav = dav::is_dav_target(request.target);
  Reply reply = by_dav ? dav_stored_reply(*result) : stored_reply(*result, to_json(*result));
  return finished(request, std::move(reply));
}

Reply Service::form_stored(Request const& request, ReceiveForm const& form,
                           std::vector<Result<StoredFile>> const& results) {
  std::vector<StoredFile> stored;
  std::string names;
  Error const* error = nullptr;
  for (auto const& result : results) {
    if (!result) {
      if (error == nullptr) error = &result.error();
      continue;
    }
    stored.push_back(*result);
    names += (names.empty() ? "" : ", ") + result->name;
  }
  if (error != nullptr) {
    Error told = *error;
    if (!names.empty()) told.message += ". Stored before that: " + names;
    return failed(request, told);
  }
  if (stored.empty()) return failed(request, {Fault::invalid, "the form has no file in it"});
  if (form.browser) {
    // The list's own form leads back to it, the page's to the page.
    bool const from_list = request.target.find("?from=list") != std::string::npos;
    return finished(
        request,
        Reply{.status = 303, .headers = {{"Location", from_list ? "/files" : "/"}}, .body = {}});
  }
  bool const created =
      std::any_of(stored.begin(), stored.end(), [](StoredFile const& one) { return one.created; });
  return finished(request, json_reply(created ? 201 : 200, to_json(std::span{stored})));
}

Reply Service::listed(Request const& request, Result<FoundFiles> const& result) {
  if (!result) return failed(request, result.error());
  auto const target = parse_target(request.target);
  CHECK(target);  // it was planned
  return finished(
      request, listed_files({gateway_, settings_, request, *target, heads_, Admission{}}, *result));
}

Reply Service::counted(Request const& request) {
  auto const target = parse_target(request.target);
  CHECK(target);  // it was planned
  return finished(request,
                  counted_status({gateway_, settings_, request, *target, heads_, Admission{}}));
}

Reply Service::removed(Request const& request, Result<RemovedFile> const& result) {
  if (!result) return failed(request, result.error());
  if (auto back = back_to_trash(request)) return finished(request, std::move(*back));
  return finished(
      request, Reply{.status = 204, .headers = {{"Chisme-Version", result->version}}, .body = {}});
}

Reply Service::restored(Request const& request, Result<StoredFile> const& result) {
  auto back = result ? back_to_trash(request) : std::nullopt;
  if (back) return finished(request, std::move(*back));
  if (result) return finished(request, stored_reply(*result, to_json(*result)));
  Reply reply = problem_of(result.error());
  if (result.error().fault == Fault::precondition_failed) {
    reply = problem(409,
                    "There is a file of that name again. Rename or remove it first, or replace it "
                    "with ?overwrite=1.");
  }
  return finished(request, std::move(reply));
}

Reply Service::ordered(Request const& request, Result<void> const& result) {
  if (result) return finished(request, Reply{.status = 204, .headers = {}, .body = {}});
  Reply reply = problem_of(result.error());
  if (result.error().fault == Fault::precondition_failed) {
    reply = problem(409, "It cannot be done: " + result.error().message + ".");
  }
  return finished(request, std::move(reply));
}

Reply Service::shared(Request const& request, std::string_view body) {
  auto const target = parse_target(request.target);
  CHECK(target);  // it was planned
  return finished(request,
                  web::shared({gateway_, settings_, request, *target, heads_, Admission{}}, body));
}

Reply Service::revoked(Request const& request, Result<void> const& result) {
  if (!result) return failed(request, result.error());
  return finished(request, Reply{.status = 204, .headers = {}, .body = {}});
}

Reply Service::resumed(Request const& request, Reply reply) {
  return finished(request, std::move(reply));
}

Reply Service::incomplete(Request const& request, std::string const& name,
                          std::string const& type) {
  return finished(request, incomplete_head(name, type));
}

Reply Service::failed(Request const& request, Error const& error) {
  return finished(request, problem_of(error));
}

Reply Service::refused(Request const& request, Reply reply) {
  return finished(request, std::move(reply));
}

Reply Service::plain_refused(Request const& request) {
  auto const target = parse_target(request.target);
  auto const host = request.header("host");
  bool const read_only = request.method == Method::get || request.method == Method::head;
  Reply reply = problem(400,
                        "This node is to be asked by https:// only. What was sent just now went "
                        "unencrypted: change what was secret in it.");
  if (target && host && read_only && target->authority.empty()) {
    auto refusal = host_refusal(settings_, request, *target);
    reply = refusal
                ? std::move(*refusal)
                : Reply{.status = 308,
                        .headers = {{"Location", "https://" + std::string{*host} + request.target},
                                    {"Cache-Control", "no-store"}},
                        .body = {}};
  }
  reply.close = true;
  return reply;
}

Reply Service::malformed(ParseFailure const& failure) {
  Reply reply = problem(failure.status, failure.message);
  reply.close = true;
  return reply;
}

Reply Service::finished(Request const& request, Reply reply) {
  auto const target = reply.sentence.empty() ? std::nullopt : parse_target(request.target);
  if (target && s3::is_asked(request, *target)) {
    reply = s3::error_of(reply);
  } else if (!reply.sentence.empty() && prefers_html(request)) {
    reply = problem_page(request, reply, settings_.assets);
  }
  add_cross_origin_headers(gateway_, settings_, request, reply.headers);
  return reply;
}

}  // namespace chisme::web
