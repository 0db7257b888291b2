#include "web/tus/replies.hpp"

#include <string>
#include <utility>

#include "web/http/characters.hpp"
#include "web/http_date.hpp"
#include "web/problem.hpp"

namespace chisme::web::tus {
namespace {

void add_state(Reply& reply, Told const& told) {
  if (told.offset) {
    reply.headers.add("Upload-Offset", std::to_string(told.offset->value()));
  }
  reply.headers.add("Upload-Expires", http_date(told.expires));
  reply.headers.add("Cache-Control", "no-store");
}

std::string concat_text(Told const& told) {
  if (told.about.concat == Concat::partial) return "partial";
  std::string text = "final;";
  for (std::string const& id : told.about.partials) {
    text += (text.ends_with(';') ? "/uploads/" : " /uploads/") + id;
  }
  return text;
}

}  // namespace

Reply with_protocol(Reply reply) {
  reply.headers.add("Tus-Resumable", protocol_version);
  return reply;
}

Reply described(ByteCount max_file_size) {
  return with_protocol({.status = 204,
                        .headers = {{"Tus-Version", protocol_version},
                                    {"Tus-Extension", extensions},
                                    {"Tus-Max-Size", std::to_string(max_file_size.value())},
                                    {"Tus-Checksum-Algorithm", checksum_algorithms}},
                        .body = {}});
}

bool has_patch_type(Request const& request) {
  return equal_without_case(trimmed(request.header("content-type").value_or("")),
                            "application/offset+octet-stream");
}

Reply wrong_type() {
  return with_protocol(problem(415, "Send bytes as application/offset+octet-stream."));
}

Reply created(Told const& told) {
  Reply reply{.status = 201, .headers = {{"Location", "/uploads/" + told.id}}, .body = {}};
  add_state(reply, told);
  return with_protocol(std::move(reply));
}

Reply asked(Told const& told) {
  Reply reply{.status = 200, .headers = {}, .body = {}};
  add_state(reply, told);
  if (told.length) {
    reply.headers.add("Upload-Length", std::to_string(told.length->value()));
  } else if (told.about.concat != Concat::final) {
    reply.headers.add("Upload-Defer-Length", "1");
  }
  if (!told.about.metadata.empty()) {
    reply.headers.add("Upload-Metadata", told.about.metadata);
  }
  if (told.about.concat != Concat::none) {
    reply.headers.add("Upload-Concat", concat_text(told));
  }
  return with_protocol(std::move(reply));
}

Reply patched(Told const& told) {
  Reply reply{.status = 204, .headers = {}, .body = {}};
  add_state(reply, told);
  return with_protocol(std::move(reply));
}

Reply terminated() {
  return with_protocol({.status = 204, .headers = {}, .body = {}});
}

Reply is_final() {
  return with_protocol(problem(403, "This upload is made of others and takes no bytes."));
}

Reply failed(Error const& error) {
  Reply reply = problem_of(error);
  std::string const sentence = error.message + ".";
  if (error.fault == Fault::precondition_failed) reply = problem(409, sentence);
  if (error.fault == Fault::digest_mismatch) reply = problem(460, sentence);
  return with_protocol(std::move(reply));
}

}  // namespace chisme::web::tus
