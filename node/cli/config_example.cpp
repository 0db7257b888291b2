#include "node/cli/config_example.hpp"

#include <algorithm>
#include <set>
#include <string_view>
#include <utility>
#include <vector>

#include "node/changes.hpp"
#include "node/cli/node_options.hpp"

namespace chisme::node::cli {
namespace {

constexpr std::size_t width = 100;
constexpr std::string_view beginning =
    "# The configuration of a chisme node: all keys, each with its default or an example.\n"
    "# Flags of `chisme node` and variables (CHISME_DATA for data) go before what stands here.\n"
    "# After a change:  chisme config check FILE && systemctl reload chisme\n"
    "# Keys with (reload) change in the running node then (SIGHUP), the others when it starts "
    "again.\n";

struct Section {
  std::string heading;
  std::vector<std::pair<std::string, std::string>> examples;  // key, value
};

// What has no place here comes last, with the default that its help names.
std::vector<Section> sections() {
  return {
      {"Where it is and what it keeps",
       {{"listen", "\"127.0.0.1:7701\""},
        {"peer", "\"127.0.0.1:8701\""},
        {"advertise", "\"192.0.2.7:7701\""},
        {"host", "[\"films.example\"]"},
        {"data", "\"/var/lib/chisme\""},
        {"zone", "\"rack-1\""},
        {"weight", "1"}}},
      {"The other nodes",
       {{"join", "[\"192.0.2.8:8701\", \"192.0.2.9:8701\"]"},
        {"discover", "false"},
        {"discover_port", "7700"},
        {"secret_file", "\"/etc/chisme/cluster.secret\""},
        {"profile", "\"lan\""}}},
      {"Clients",
       {{"tls_certificate", "\"/etc/chisme/tls/node.pem\""},
        {"tls_key", "\"/etc/chisme/tls/node.key\""},
        {"insecure_lan", "false"},
        {"access", "\"token\""},
        {"cors_origin", "[\"https://films.example\"]"},
        {"trusted_proxy", "[\"192.0.2.1\"]"}}},
      {"What clients may take",
       {{"max_file_size", "\"1T\""},
        {"connections", "16384"},
        {"connections_per_address", "512"},
        {"requests_per_second", "1000"},
        {"limit_loopback", "false"},
        {"head_bytes", "\"32K\""},
        {"head_timeout", "\"30s\""},
        {"idle_timeout", "\"75s\""},
        {"progress_timeout", "\"60s\""},
        {"slowest", "256"},
        {"slowest_window", "\"60s\""},
        {"buffer_bytes", "\"512M\""},
        {"staging_bytes", "\"100G\""}}},
      {"Copies",
       {{"copies", "3"},
        {"durable", "2"},
        {"repair_delay", "\"10m\""},
        {"last_copy_repair_delay", "\"30s\""},
        {"keep_removed", "\"24h\""},
        {"trash", "\"7d\""},
        {"keep_uploads", "\"24h\""},
        {"keep_surplus", "\"1m\""},
        {"scrub_period", "\"25d\""},
        {"scrub_rate", "\"32M\""},
        {"quota", "\"500G\""},
        {"prefix_quota", "[\"films/=100G\"]"}}},
      {"The process",
       {{"user", "\"chisme:chisme\""},
        {"unconfined", "false"},
        {"web_loops", "0"},
        {"disk_threads", "4"},
        {"stop_timeout", "\"10s\""},
        {"log_level", "\"info\""},
        {"log_format", "\"text\""}}},
  };
}

std::string as_value(NodeKey const& key) {
  if (key.is_switch) return "false";
  if (key.repeatable) return "[]";
  auto const begin = key.help.rfind('[');
  std::string const named =
      begin == std::string::npos ? "" : key.help.substr(begin + 1, key.help.size() - begin - 2);
  bool const number =
      !named.empty() && std::ranges::all_of(named, [](char c) { return c >= '0' && c <= '9'; });
  return number ? named : "\"" + named + "\"";
}

Section others(std::set<std::string> const& placed) {
  Section rest{"More", {}};
  for (NodeKey const& key : node_keys()) {
    if (!placed.contains(key.name)) rest.examples.emplace_back(key.name, as_value(key));
  }
  return rest;
}

// Each line begins with "# ".
std::string as_comment(std::string_view text) {
  std::string lines = "#";
  std::size_t column = 1;
  while (!text.empty()) {
    std::string_view const word = text.substr(0, text.find(' '));
    text.remove_prefix(std::min(text.size(), word.size() + 1));
    if (column + 1 + word.size() > width) {
      lines += "\n#";
      column = 1;
    }
    lines += ' ';
    lines += word;
    column += 1 + word.size();
  }
  return lines + "\n";
}

std::string section_text(Section const& section) {
  std::string text = "\n## " + section.heading + "\n";
  for (auto const& [name, value] : section.examples) {
    auto const key = std::ranges::find(node_keys(), name, &NodeKey::name);
    if (key == node_keys().end()) continue;
    std::string const reload = changes_while_running(name) ? " (reload)" : "";
    text += as_comment(key->help + reload) + "#" + name + " = " + value + "\n";
  }
  return text;
}

}  // namespace

std::string config_example() {
  std::string text{beginning};
  std::set<std::string> placed;
  for (Section const& section : sections()) {
    text += section_text(section);
    for (auto const& [name, value] : section.examples) placed.insert(name);
  }
  if (Section const rest = others(placed); !rest.examples.empty()) text += section_text(rest);
  return text;
}

}  // namespace chisme::node::cli
