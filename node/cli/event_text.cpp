#include "node/cli/event_text.hpp"

#include <nlohmann/json.hpp>

#include "node/cli/answer_fields.hpp"
#include "node/cli/text.hpp"

namespace chisme::node::cli {
namespace {

using Json = nlohmann::json;

std::string shown(Json const& event, char const* key) {
  return printable(text_field(event, key));
}

std::string describe_state(Json const& event) {
  Json const& cluster = part_field(event, "cluster");
  std::string line = "cluster: " + counted(count_field(cluster, "files"), "file");
  for (Json const& member : part_field(cluster, "members")) {
    line += ", " + shown(member, "http") + " " + shown(member, "state");
  }
  return line;
}

std::string describe_file(Json const& event) {
  if (flag_field(event, "removed")) return "file: " + shown(event, "name") + " was removed";
  Json const& file = part_field(event, "file");
  return "file: " + shown(event, "name") + ", " + format_bytes(count_field(file, "size")) + ", " +
         std::to_string(count_field(file, "copies")) + " of " +
         std::to_string(count_field(file, "wanted")) + " copies";
}

// An empty line for what changes all the time: loads.
std::string describe(Json const& event) {
  std::string const type = text_field(event, "type");
  if (type == "state") return describe_state(event);
  if (type == "file") return describe_file(event);
  if (type == "member") return "node: " + shown(event, "http") + " is " + shown(event, "state");
  if (type == "repair") {
    return "repair: " + shown(event, "sha256").substr(0, 12) + " to " +
           shown(event, "target").substr(0, 8) + ", " + shown(event, "stage");
  }
  if (type == "lost") return "lost: no copy of " + shown(event, "sha256") + " is left";
  if (type == "redirect") {
    return "redirect: " + shown(event, "file") + " to " + shown(event, "to");
  }
  return {};
}

}  // namespace

std::string event_line(std::string_view message, bool json) {
  auto const event = Json::parse(message, nullptr, false);
  if (!event.is_object()) return {};
  return json ? event.dump() : describe(event);
}

}  // namespace chisme::node::cli
