#include <string>
#include <utility>

#include "web/access.hpp"
#include "web/call.hpp"
#include "web/http/characters.hpp"
#include "web/problem.hpp"
#include "web/tus/replies.hpp"
#include "web/tus/request.hpp"

// /uploads and /uploads/ID.
namespace chisme::web {
namespace {

// A version of the protocol that this program does not speak: 412.
std::optional<Reply> version_refusal(Call const& call) {
  if (call.request.header("tus-resumable") == tus::protocol_version) return std::nullopt;
  Reply reply = problem(412, "Send Tus-Resumable: " + std::string{tus::protocol_version} +
                                 ", the only version of the protocol that this node speaks.");
  reply.headers.add("Tus-Version", tus::protocol_version);
  return tus::with_protocol(std::move(reply));
}

Plan refused(Error const& error) {
  return tus::with_protocol(problem_of(error));
}

// An id that nobody can have given.
std::optional<Reply> id_refusal(Call const& call) {
  if (auto refusal = version_refusal(call)) return refusal;
  if (tus::is_upload_id(call.rest)) return std::nullopt;
  return tus::with_protocol(problem(404, "There is no such upload."));
}

bool is_too_large(Call const& call, std::optional<ByteCount> length) {
  return length && *length > call.settings.max_file_size;
}

Plan too_large(Call const& call) {
  return tus::with_protocol(problem(413, "The file is larger than the " +
                                             std::to_string(call.settings.max_file_size.value()) +
                                             " bytes that this node takes."));
}

}  // namespace

Plan options_uploads(Call const& call) {
  Reply reply = tus::described(call.settings.max_file_size);
  reply.headers.add(preflight_headers(call.gateway, call.settings, call.request));
  return reply;
}

Plan post_uploads(Call const& call) {
  if (auto refusal = version_refusal(call)) return std::move(*refusal);
  auto create = tus::parse_create(call.request);
  if (!create) return refused(create.error());
  if (is_too_large(call, create->length)) return too_large(call);
  if (create->has_body && !tus::has_patch_type(call.request)) return tus::wrong_type();
  return tus::Wanted{std::move(*create)};
}

Plan head_upload(Call const& call) {
  if (call.request.method == Method::get) {
    return tus::with_protocol(problem(405, "Ask for an upload with HEAD."));
  }
  if (auto refusal = id_refusal(call)) return std::move(*refusal);
  return tus::Wanted{tus::parse_ask(call.request, call.rest)};
}

Plan delete_upload(Call const& call) {
  if (auto refusal = id_refusal(call)) return std::move(*refusal);
  return tus::Wanted{tus::Terminate{std::string{call.rest}}};
}

Plan patch_upload(Call const& call) {
  if (auto refusal = id_refusal(call)) return std::move(*refusal);
  if (!tus::has_patch_type(call.request)) return tus::wrong_type();
  auto patch = tus::parse_patch(call.request, call.rest);
  if (!patch) return refused(patch.error());
  if (is_too_large(call, patch->length)) return too_large(call);
  return tus::Wanted{std::move(*patch)};
}

// Clients that can send nothing but POST say what they mean by X-HTTP-Method-Override.
Plan post_upload(Call const& call) {
  auto const meant = call.request.header("x-http-method-override");
  if (meant == "PATCH") return patch_upload(call);
  if (meant == "DELETE") return delete_upload(call);
  if (meant == "HEAD") return head_upload(call);
  return tus::with_protocol(problem(405, "Upload more bytes with PATCH."));
}

}  // namespace chisme::web
