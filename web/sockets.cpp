#include <charconv>
#include <string>
#include <utility>

#include "web/call.hpp"
#include "web/names.hpp"
#include "web/problem.hpp"
#include "web/ttl.hpp"
#include "web/uploads.hpp"

namespace chisme::web {
namespace {

Reply upgrade_required() {
  Reply reply = problem(426, "This address speaks WebSocket (version 13) only.");
  reply.headers.add("Upgrade", "websocket");
  reply.headers.add("Sec-WebSocket-Version", "13");
  return reply;
}

std::optional<std::uint64_t> parse_number(std::string_view text) {
  std::uint64_t value = 0;
  auto const [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return value;
}

Plan accept(Call const& call, WebSocketSession session) {
  if (!call.request.upgrade_websocket) return upgrade_required();
  AcceptWebSocket accepted{std::move(session)};
  if (call.admission.token && call.settings.access != AccessMode::open) {
    accepted.token = call.admission.token->id;
  }
  return accepted;
}

}  // namespace

Plan get_ws_read(Call const& call) {
  return accept(call, ReadSession{});
}

Plan get_ws_cluster(Call const& call) {
  return accept(call, ClusterSession{call.target.parameter("files") != "0"});
}

Plan get_ws_file(Call const& call) {
  if (!call.request.upgrade_websocket) return upgrade_required();
  auto const name = name_from_url(call.rest);
  if (!name) return problem_of(name.error());
  auto const file = find_file(call, *name);
  if (!file) return file.error();
  auto const offset = parse_number(call.target.parameter("offset").value_or("0"));
  if (!offset) return problem(400, "`offset` must be a number of bytes.");
  if (*offset > file->size.value()) {
    return problem(416, "The file has " + std::to_string(file->size.value()) +
                            " bytes; the offset is behind them.");
  }
  return accept(call, PushSession{*file, ByteOffset{*offset}});
}

Plan get_ws_upload(Call const& call) {
  if (!call.request.upgrade_websocket) return upgrade_required();
  auto const name = checked_name(call.target.parameter("name").value_or(""));
  if (!name) return problem_of(name.error());
  UploadRequest upload;
  upload.name = *name;
  upload.type = upload_type(call.target.parameter("type").value_or(""), *name);
  auto const ttl = parse_ttl(call.target.parameter("ttl"));
  if (!ttl) return problem_of(ttl.error());
  upload.ttl = *ttl;
  if (auto const text = call.target.parameter("sha256")) {
    upload.expected = parse_digest(*text);
    if (!upload.expected) {
      return problem(400, "`sha256` must be 64 hexadecimal digits in lower case.");
    }
  }
  if (auto const text = call.target.parameter("size")) {
    auto const size = parse_number(*text);
    if (!size) return problem(400, "`size` must be a number of bytes.");
    if (*size > call.settings.max_file_size.value()) {
      return problem(413, "The file is larger than this node takes.");
    }
    upload.size = ByteCount{*size};
  }
  return accept(call, UploadSession{std::move(upload)});
}

}  // namespace chisme::web
