#include <string>
#include <utility>
#include <variant>

#include "cluster/base/overloaded.hpp"
#include "web/call.hpp"
#include "web/conditions.hpp"
#include "web/file_heads.hpp"
#include "web/names.hpp"
#include "web/problem.hpp"
#include "web/ranges.hpp"
#include "web/redirects.hpp"
#include "web/tus/live.hpp"

namespace chisme::web {
namespace {

void add_links(Reply& reply, Call const& call, FileInfo const& file) {
  add_duplicate_links(call, file, holders_of(call, file), reply.headers);
}

Reply file_head(Call const& call, FileInfo const& file, bool download) {
  constexpr std::size_t usual_bytes = 1024;
  Reply head;
  head.headers.reserve(usual_bytes);
  head.headers.add(call.heads.of(file, download));
  add_links(head, call, file);
  return head;
}

// The bytes to send and the head that goes with them, or a whole answer instead (304, 412, 416).
struct Selection {
  Reply head;
  ByteOffset offset;
  ByteCount length;
};
std::variant<Reply, Selection> select_bytes(Call const& call, FileInfo const& file, Reply head) {
  auto const range = call.request.header("range");
  bool const ranged =
      range && call.request.method == Method::get && range_applies(call.request, file);
  std::string const size = std::to_string(file.size.value());
  return std::visit(
      Overloaded{[&](WholeFile) -> std::variant<Reply, Selection> {
                   return Selection{std::move(head), ByteOffset{0}, file.size};
                 },
                 [&](ByteRange asked) -> std::variant<Reply, Selection> {
                   std::uint64_t const last = asked.first.value() + asked.length.value() - 1;
                   head.status = 206;
                   head.headers.add("Content-Range", "bytes ", std::to_string(asked.first.value()),
                                    "-", std::to_string(last), "/", size);
                   return Selection{std::move(head), asked.first, asked.length};
                 },
                 [&](Unsatisfiable) -> std::variant<Reply, Selection> {
                   Reply reply =
                       problem(416, "The file has " + size + " bytes; the range is behind them.");
                   reply.headers.add("Content-Range", "bytes */", size);
                   return reply;
                 }},
      ranged ? parse_range(*range, file.size) : RangeAnswer{WholeFile{}});
}

// 304 and 412 need no bytes, so any node answers them.
std::optional<Reply> precondition_reply(Call const& call, FileInfo const& file) {
  switch (evaluate(call.request, file)) {
    case Precondition::go_on:
      return std::nullopt;
    case Precondition::failed:
      return problem(412, "The file is another one by now. Read its state again, then decide.");
    case Precondition::not_modified:
      break;
  }
  Reply reply = file_head(call, file, false);
  reply.status = 304;
  reply.headers.remove("Content-Type");
  reply.headers.remove("Content-Disposition");
  return reply;
}

template <class Source>
Plan serve(Call const& call, FileInfo file, bool download) {
  auto selected = select_bytes(call, file, file_head(call, file, download));
  if (auto* const reply = std::get_if<Reply>(&selected)) return std::move(*reply);
  auto& selection = std::get<Selection>(selected);
  return Source{std::move(selection.head), std::move(file), selection.offset, selection.length};
}

Plan relay(Call const& call, FileInfo file, bool download) {
  if (call.gateway.replicas(file).empty()) {
    return problem(503, "No node that holds " + file.name + " is in reach. Try again shortly.");
  }
  return serve<RelayObject>(call, std::move(file), download);
}

Plan not_here(Call const& call, FileInfo const& file) {
  Reply reply =
      problem(404, "This node has no copy of " + file.name +
                       ". Ask without via=local, or one of the nodes in the Link headers.");
  add_links(reply, call, file);
  return reply;
}

// Which node's bytes answer, when the client leaves it to us.
Plan serve_or_redirect(Call const& call, FileInfo file, bool download) {
  Hops const hops = hops_of(call.target);
  // Its downloads are counted here.
  bool const counted = call.admission.link && call.admission.link->is_counted();
  if (counted && !file.local) return relay(call, std::move(file), download);
  if (counted) return serve<SendObject>(call, std::move(file), download);
  if (file.local) {
    auto const other = hops == Hops::bounced ? std::nullopt : call.gateway.bounce(file);
    if (other && !other->self) return redirect_to(call, file, *other, Hops::bounced, download);
    return serve<SendObject>(call, std::move(file), download);
  }
  // Whoever redirected to us believed that we hold it. To redirect again could go round in circles.
  if (hops != Hops::none) return relay(call, std::move(file), download);
  auto const holder = call.gateway.redirect(file, false);
  if (!holder || holder->self) return relay(call, std::move(file), download);
  return redirect_to(call, file, *holder, Hops::redirected, download);
}

Plan download_plan(Call const& call, FileInfo file, bool download) {
  if (auto reply = precondition_reply(call, file)) return std::move(*reply);
  auto const via = call.target.parameter("via");
  if (!via) return serve_or_redirect(call, std::move(file), download);
  if (*via != "local" && *via != "proxy") return problem(400, "`via` must be `local` or `proxy`.");
  if (file.local) return serve<SendObject>(call, std::move(file), download);
  return *via == "local" ? not_here(call, file) : relay(call, std::move(file), download);
}

// A file that is nowhere, but on its way.
std::optional<Plan> follow_plan(Call const& call, std::string const& name) {
  bool const absent = call.found && *call.found && (*call.found)->status == LookupStatus::absent;
  if (!absent) return std::nullopt;
  auto upload = tus::live_upload(call.gateway, name);
  if (!upload) return std::nullopt;
  return FollowUpload{std::move(upload->id)};
}

}  // namespace

// No ETag and no ranges: what a client has of it must not be taken for the file.
Reply incomplete_head(std::string const& name, std::string const& type) {
  Reply head;
  add_content_fields(head.headers, name, type, false);
  head.headers.add("Upload-Incomplete", "?1");
  head.headers.add("Accept-Ranges", "none");
  head.headers.add("Cache-Control", "no-store");
  return head;
}

Plan get_file(Call const& call) {
  auto const name = name_from_url(call.rest);
  if (!name) return problem_of(name.error());
  auto file = find_file(call, *name);
  if (!file) return follow_plan(call, *name).value_or(file.error());
  return download_plan(call, std::move(*file), call.target.parameter("download") == "1");
}

Plan get_file_here(Call const& call, FileInfo file) {
  if (auto reply = precondition_reply(call, file)) return std::move(*reply);
  return file.local ? serve<SendObject>(call, std::move(file), false)
                    : relay(call, std::move(file), false);
}

Plan get_client(Call const& call) {
  auto file = find_file_parameter(call);
  if (!file) return file.error();
  return download_plan(call, std::move(*file), true);
}

}  // namespace chisme::web
