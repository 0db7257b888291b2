#include "web/call.hpp"

#include "web/names.hpp"
#include "web/problem.hpp"
#include "web/scheme.hpp"

namespace chisme::web {
namespace {

// Whether this node's news about the file is older than what the client has seen (contract C2).
// The text order of versions is their order.
bool is_stale(Call const& call, Lookup const& lookup) {
  auto const seen = call.target.parameter("version");
  return seen && lookup.status == LookupStatus::found && lookup.file.version < *seen;
}

}  // namespace

FileOrPlan find_file(Call const& call, std::string const& name) {
  if (call.found && !*call.found) return tl::unexpected<Plan>(problem_of(call.found->error()));
  Lookup lookup = call.found ? **call.found : call.gateway.lookup(name);
  // Of a name without copies others may know copies that this node has not heard of yet.
  if (!call.found && (lookup.status != LookupStatus::found || is_stale(call, lookup))) {
    return tl::unexpected<Plan>(AskOthers{name});
  }
  if (is_stale(call, lookup)) {
    return tl::unexpected<Plan>(problem(
        503, "The version of " + name + " that was asked for is not in reach. Try again shortly."));
  }
  switch (lookup.status) {
    case LookupStatus::found:
      return std::move(lookup.file);
    case LookupStatus::absent:
      return tl::unexpected<Plan>(problem(404, "There is no file " + name + "."));
    case LookupStatus::lost:
      return tl::unexpected<Plan>(
          problem(410, "No node in reach has a copy of " + name +
                           ". Upload it again, or bring back a node that had one."));
    case LookupStatus::out_of_touch:
      break;
  }
  return tl::unexpected<Plan>(problem(503, "This node does not know " + name +
                                               ", or no copy of it, and is out of touch with "
                                               "most others, which may. Try again shortly."));
}

FileOrPlan find_file_parameter(Call const& call) {
  auto const file = call.target.parameter("file");
  if (!file) return tl::unexpected<Plan>(problem(400, "Say which file: ?file=NAME."));
  auto const name = checked_name(*file);
  if (!name) return tl::unexpected<Plan>(problem_of(name.error()));
  return find_file(call, *name);
}

std::vector<Replica> holders_of(Call const& call, FileInfo const& file) {
  return as_asked(call.gateway.replicas(file), call.request.secure);
}

Reply json_reply(unsigned status, std::string body) {
  return Reply{.status = status,
               .headers = {{"Content-Type", "application/json"},
                           {"Cache-Control", "no-store"},
                           {"X-Content-Type-Options", "nosniff"}},
               .body = std::move(body) + "\n"};
}

}  // namespace chisme::web
