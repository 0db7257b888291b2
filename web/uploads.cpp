#include <string>
#include <utility>

#include "web/call.hpp"
#include "web/conditions.hpp"
#include "web/digest_fields.hpp"
#include "web/http/characters.hpp"
#include "web/http/multipart.hpp"
#include "web/http_date.hpp"
#include "web/media_types.hpp"
#include "web/names.hpp"
#include "web/negotiation.hpp"
#include "web/problem.hpp"
#include "web/ttl.hpp"
#include "web/uploads.hpp"

namespace chisme::web {
namespace {

constexpr char precondition_sentence[] =
    "The file is another one by now. Read its state again, then decide.";

// Why the body cannot be the file as it is; nullopt when it can.
std::optional<Reply> body_refusal(Call const& call) {
  Request const& request = call.request;
  if (request.header("content-range")) {
    return problem(400, "Parts of a file cannot be replaced; send the whole file.");
  }
  auto const encoding = request.header("content-encoding");
  if (encoding && !equal_without_case(*encoding, "identity")) {
    return problem(415, "Send the file without Content-Encoding.");
  }
  if (request.content_length && *request.content_length > call.settings.max_file_size) {
    return problem(413, "The file is larger than the " +
                            std::to_string(call.settings.max_file_size.value()) +
                            " bytes that this node takes.");
  }
  return std::nullopt;
}

void add_validators(Reply& reply, StoredFile const& stored) {
  reply.headers.add("ETag", etag_of(stored.digest));
  reply.headers.add("Repr-Digest", repr_digest(stored.digest));
  reply.headers.add("Chisme-Version", stored.version);
  if (stored.expires) reply.headers.add("Sunset", http_date(*stored.expires));
}

}  // namespace

std::string upload_type(std::string_view announced, std::string_view name) {
  // What clients send when they do not know: curl -d, curl -F, browsers.
  bool const unknown = announced.empty() || announced == "application/octet-stream" ||
                       announced == "application/x-www-form-urlencoded";
  return std::string{unknown || !is_media_type(announced) ? media_type_of(name) : announced};
}

Plan put_file(Call const& call) {
  auto name = name_from_url(call.rest);
  if (!name) return problem_of(name.error());
  if (auto refusal = body_refusal(call)) return std::move(*refusal);
  auto const digest = announced_digest(call.request);
  if (!digest) return problem_of(digest.error());
  auto const ttl = parse_ttl(call.target.parameter("ttl"));
  if (!ttl) return problem_of(ttl.error());
  auto condition = write_condition(call.request);
  if (!condition) return problem(412, precondition_sentence);
  Lookup const known = call.gateway.lookup(*name);
  if (rules_out(*condition, known.status == LookupStatus::found ? &known.file : nullptr)) {
    return problem(412, precondition_sentence);
  }
  UploadRequest upload;
  upload.type = upload_type(call.request.header("content-type").value_or(""), *name);
  upload.name = std::move(*name);
  upload.size = call.request.content_length;
  // Neither a length nor chunks: there is no body (RFC 9112, 6.3), which is an empty file.
  if (!upload.size && !call.request.chunked) upload.size = ByteCount{0};
  upload.expected = *digest;
  upload.condition = std::move(*condition);
  upload.ttl = *ttl;
  return ReceiveFile{std::move(upload), call.target.parameter("live") == "1"};
}

Plan post_files(Call const& call) {
  auto boundary = multipart_boundary(call.request.header("content-type").value_or(""));
  if (!boundary) {
    return problem(415, "Send a form as multipart/form-data, or a file with PUT /files/NAME.");
  }
  auto const ttl = parse_ttl(call.target.parameter("ttl"));
  if (!ttl) return problem_of(ttl.error());
  return ReceiveForm{std::move(*boundary), prefers_html(call.request), *ttl};
}

Plan delete_file(Call const& call) {
  auto const trash = call.target.parameter("trash");
  if (trash && *trash != "yes" && *trash != "no") {
    return problem(400, "`trash` must be `yes`, which is the default, or `no`.");
  }
  auto name = name_from_url(call.rest);
  if (!name) return problem_of(name.error());
  auto condition = write_condition(call.request);
  if (!condition) return problem(412, precondition_sentence);
  Lookup const known = call.found && *call.found ? **call.found : call.gateway.lookup(*name);
  // A file whose every copy is lost can still be deleted.
  if (known.status != LookupStatus::lost) {
    auto const file = find_file(call, *name);
    if (!file) return file.error();
    if (rules_out(*condition, &*file)) return problem(412, precondition_sentence);
  }
  return RemoveFile{std::move(*name), std::move(*condition), trash == "no"};
}

Reply dav_stored_reply(StoredFile const& stored) {
  Reply reply{.status = stored.created ? 201u : 204u, .headers = {}, .body = {}};
  add_validators(reply, stored);
  return reply;
}

Reply stored_reply(StoredFile const& stored, std::string body) {
  Reply reply = json_reply(stored.created ? 201 : 200, std::move(body));
  if (stored.created) {
    reply.headers.add("Location", "/files/" + percent_encoded(stored.name));
  }
  add_validators(reply, stored);
  return reply;
}

}  // namespace chisme::web
