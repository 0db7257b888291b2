#include "node/cli/node_options.hpp"

#include <algorithm>
#include <cctype>
#include <optional>
#include <utility>

#include "cluster/base/duration.hpp"
#include "node/cli/limit_settings.hpp"
#include "node/cli/setting_values.hpp"

namespace chisme::node::cli {
namespace {

// What is gathered before the rules between several keys are applied.
struct Draft {
  NodeConfig config;
  bool peer_given = false;
  bool last_copy_given = false;
};
using Take = std::function<Complaint(Draft& draft, std::string const& value)>;

struct Setting {
  NodeKey key;
  Take take;
};

std::vector<Setting> settings_of_the_node() {
  return {
      {{"listen", "address and port for clients [127.0.0.1:7701]"},
       [](Draft& d, std::string const& v) { return take_address(d.config.http, v); }},
      {{"peer", "address and port for other nodes, TCP and UDP [the clients' port + 1000]"},
       [](Draft& d, std::string const& v) {
         d.peer_given = true;
         return take_address(d.config.peer, v);
       }},
      {{"advertise", "address and port told to clients, when it differs from --listen"},
       [](Draft& d, std::string const& v) {
         return take_address(d.config.advertise_http.emplace(), v);
       }},
      {{"host", "name that browsers call this machine by, besides localhost; may be repeated",
        true},
       [](Draft& d, std::string const& v) { return take_name(d.config.hosts.emplace_back(), v); }},
      {{"data", "directory for everything this node keeps [chisme-data]"},
       [](Draft& d, std::string const& v) -> Complaint {
         if (v.empty()) return "is not a directory";
         d.config.data = v;
         return std::nullopt;
       }},
      {{"join",
        "peer address of another node of the cluster, or a name of several; may be repeated", true},
       [](Draft& d, std::string const& v) -> Complaint {
         Endpoint address;
         if (take_address(address, v)) {
           return take_peer_name(d.config.join_names.emplace_back(), v);
         }
         d.config.join.push_back(address);
         return std::nullopt;
       }},
      {{"secret_file", "file with the cluster's secret, for nodes on several machines"},
       [](Draft& d, std::string const& v) { return take_file(d.config.secret_file, v); }},
      {{"tls_certificate",
        "file with the certificate shown to clients, and its chain, for https://"},
       [](Draft& d, std::string const& v) { return take_file(d.config.tls_certificate, v); }},
      {{"tls_key", "file with the certificate's private key"},
       [](Draft& d, std::string const& v) { return take_file(d.config.tls_key, v); }},
      {{"insecure_lan", "serve clients of other machines, unencrypted, whoever they are", false,
        true},
       [](Draft& d, std::string const& v) {
         return take_choice<bool>(d.config.insecure_lan, v, {{"true", true}, {"false", false}});
       }},
      {{"zone", "copies spread over zones"},
       [](Draft& d, std::string const& v) -> Complaint {
         if (v.size() > 64) return "is longer than 64 bytes";
         d.config.zone = v;
         return std::nullopt;
       }},
      {{"weight", "relative share of copies and of requests [1]"},
       [](Draft& d, std::string const& v) { return take_count(d.config.weight, v, 1, 1000); }},
  };
}

std::vector<Setting> settings_of_access() {
  return {
      {{"access",
        "whom to ask for a token: open (nobody), read (who changes something), token (everybody) "
        "[open for this machine and with --insecure-lan, else token]"},
       [](Draft& d, std::string const& v) {
         return take_choice<web::AccessMode>(d.config.access.emplace(), v,
                                             {{"open", web::AccessMode::open},
                                              {"read", web::AccessMode::read},
                                              {"token", web::AccessMode::token}});
       }},
      {{"cors_origin", "another site whose pages may use this node; may be repeated", true},
       [](Draft& d, std::string const& v) {
         return take_origin(d.config.cors_origins.emplace_back(), v);
       }},
  };
}

std::vector<Setting> settings_of_copies() {
  return {
      {{"copies", "wanted copies of a file, R [3]"},
       [](Draft& d, std::string const& v) { return take_count(d.config.copies_wanted, v, 1, 16); }},
      {{"durable", "copies on disk before a write is acknowledged, W [2]"},
       [](Draft& d, std::string const& v) {
         return take_count(d.config.copies_durable, v, 1, 16);
       }},
      {{"repair_delay", "time until a dead node's copies are made again: 90, 90s, 10m, 1h [10m]"},
       [](Draft& d, std::string const& v) {
         return take_duration(d.config.repair_delay, v, Duration{});
       }},
      {{"last_copy_repair_delay", "the same when one live copy is left [30s, or less as above]"},
       [](Draft& d, std::string const& v) {
         d.last_copy_given = true;
         return take_duration(d.config.last_copy_repair_delay, v, Duration{});
       }},
      {{"keep_removed", "time that the bytes of removed and replaced files are kept [24h]"},
       [](Draft& d, std::string const& v) {
         return take_duration(d.config.keep_removed, v, std::chrono::seconds{1});
       }},
      {{"trash",
        "time that removed files are kept in the trash, from where they can be restored: 7d "
        "[0: there is no trash]"},
       [](Draft& d, std::string const& v) { return take_duration(d.config.trash, v, Duration{}); }},
      {{"keep_uploads", "time that a resumable upload is kept that nobody goes on with [24h]"},
       [](Draft& d, std::string const& v) {
         return take_duration(d.config.keep_uploads, v, std::chrono::seconds{1});
       }},
      {{"keep_surplus",
        "time that a copy beyond the wanted ones is kept; the same on all nodes [1m]"},
       [](Draft& d, std::string const& v) {
         return take_duration(d.config.keep_surplus, v, std::chrono::seconds{1});
       }},
      {{"scrub_period", "every copy is read and compared with its hash once in it [25d]"},
       [](Draft& d, std::string const& v) {
         return take_duration(d.config.scrub_period, v, std::chrono::seconds{1});
       }},
      {{"scrub_rate", "bytes a second read for that; or with K, M, G [32M]"},
       [](Draft& d, std::string const& v) -> Complaint {
         if (auto const wrong = take_bytes(d.config.scrub_rate, v)) return wrong;
         if (d.config.scrub_rate >= ByteCount{64u << 10}) return std::nullopt;
         return "is less than 64K a second: no scrub would come to its end";
       }},
  };
}

std::vector<Setting> settings_of_the_process() {
  return {
      {{"profile", "kind of network: loopback, lan or wan [loopback]"},
       [](Draft& d, std::string const& v) {
         return take_choice<Network>(
             d.config.network, v,
             {{"loopback", Network::loopback}, {"lan", Network::lan}, {"wan", Network::wan}});
       }},
      {{"max_file_size", "bytes, or with K, M, G, T [1T]"},
       [](Draft& d, std::string const& v) { return take_bytes(d.config.max_file_size, v); }},
      {{"quota", "bytes that files may take here; or with K, M, G, T [the disk]"},
       [](Draft& d, std::string const& v) { return take_bytes(d.config.quota.emplace(), v); }},
      {{"prefix_quota",
        "PREFIX=BYTES that the files whose names begin with PREFIX may have together, such as "
        "films/=100G; the same on all nodes; may be repeated",
        true},
       [](Draft& d, std::string const& v) { return take_prefix_quota(d.config.prefix_quotas, v); }},
      {{"web_loops", "threads that serve clients; 0 for as many as cores [0]"},
       [](Draft& d, std::string const& v) { return take_count(d.config.web_loops, v, 0, 256); }},
      {{"disk_threads", "threads that wait for the disk [4]"},
       [](Draft& d, std::string const& v) { return take_count(d.config.disk_threads, v, 1, 256); }},
      {{"stop_timeout",
        "time that streams under way get to end when the node is told to stop (SIGTERM) [10s]"},
       [](Draft& d, std::string const& v) {
         return take_duration(d.config.stop_timeout, v, Duration{}, std::chrono::hours{1});
       }},
      {{"log_level",
        "debug, info, warning or error; others for node, cluster, peer, storage, http, and access "
        "for a line of each request, after commas: info,http=debug,access=info [info]"},
       [](Draft& d, std::string const& v) { return take_log_levels(d.config.log, v); }},
      {{"log_format", "text or json [text]"},
       [](Draft& d, std::string const& v) {
         return take_choice<LogFormat>(d.config.log.format, v,
                                       {{"text", LogFormat::text}, {"json", LogFormat::json}});
       }},
  };
}

std::vector<Setting> settings_of_clients() {
  std::vector<Setting> made;
  for (LimitSetting const& limit : limit_settings()) {
    made.push_back({limit.key, [take = limit.take](Draft& d, std::string const& v) {
                      return take(d.config.clients, v);
                    }});
  }
  return made;
}

std::vector<Setting> settings_of_safety() {
  return {
      {{"user", "NAME[:GROUP] that the node becomes when root starts it"},
       [](Draft& d, std::string const& v) -> Complaint {
         if (v.empty()) return "is not a user";
         d.config.user = v;
         return std::nullopt;
       }},
      {{"discover", "find nodes of the same secret on this network, and be found", false, true},
       [](Draft& d, std::string const& v) {
         return take_choice<bool>(d.config.discover, v, {{"true", true}, {"false", false}});
       }},
      {{"discover_port", "UDP port for that, the same on all nodes [7700]"},
       [](Draft& d, std::string const& v) -> Complaint {
         unsigned port = 0;
         if (auto const wrong = take_count(port, v, 1, 65535)) return wrong;
         d.config.discover_port = static_cast<std::uint16_t>(port);
         return std::nullopt;
       }},
      {{"unconfined", "may open files outside its data directory, such as behind symbolic links",
        false, true},
       [](Draft& d, std::string const& v) {
         return take_choice<bool>(d.config.unconfined, v, {{"true", true}, {"false", false}});
       }},
  };
}

// The single list from which flags, variables, keys and help are made.
std::vector<Setting> const& settings() {
  static std::vector<Setting> const all = [] {
    std::vector<Setting> made;
    for (auto const part : {settings_of_the_node, settings_of_access, settings_of_copies,
                            settings_of_clients, settings_of_safety, settings_of_the_process}) {
      for (Setting& setting : part()) made.push_back(std::move(setting));
    }
    return made;
  }();
  return all;
}

tl::unexpected<Error> invalid(std::string message) {
  return fail(Fault::invalid, std::move(message));
}

std::string upper(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(),
                 [](unsigned char c) { return static_cast<char>(std::toupper(c)); });
  return text;
}

// Every value that is wrong; those that are right are in the draft.
std::vector<std::string> take_all(Draft& draft, Layer const& layer) {
  std::vector<std::string> complaints;
  for (Setting const& setting : settings()) {
    auto const at = layer.find(setting.key.name);
    if (at == layer.end()) continue;
    Given const& given = at->second;
    if (given.values.size() > 1 && !setting.key.repeatable) {
      complaints.push_back(given.where + " is given more than once");
      continue;
    }
    for (std::string const& value : given.values) {
      if (auto const complaint = setting.take(draft, value)) {
        complaints.push_back(given.where + ": \"" + value + "\" " + *complaint);
      }
    }
  }
  return complaints;
}

// The rules between keys.
Result<NodeConfig> finish(Draft draft) {
  NodeConfig& config = draft.config;
  if (!draft.peer_given) {
    unsigned const port = config.http.port == 0 ? 0 : config.http.port + 1000u;
    if (port > 65535) {
      return invalid("the port for peers would be " + std::to_string(port) +
                     ", the clients' port + 1000: choose one with --peer");
    }
    config.peer = Endpoint{config.http.address, static_cast<std::uint16_t>(port)};
  }
  if (!draft.last_copy_given) {
    config.last_copy_repair_delay = std::min(config.last_copy_repair_delay, config.repair_delay);
  }
  if (auto checked = check(config); !checked) return tl::unexpected(checked.error());
  return std::move(config);
}

}  // namespace

std::vector<NodeKey> const& node_keys() {
  static std::vector<NodeKey> const keys = [] {
    std::vector<NodeKey> made;
    for (Setting const& setting : settings()) made.push_back(setting.key);
    return made;
  }();
  return keys;
}

std::string flag_of(NodeKey const& key) {
  std::string flag = "--" + key.name;
  std::replace(flag.begin(), flag.end(), '_', '-');
  return flag;
}

std::string variable_of(NodeKey const& key) {
  return "CHISME_" + upper(key.name);
}

Layer read_environment(std::function<char const*(std::string const&)> const& lookup) {
  Layer layer;
  for (NodeKey const& key : node_keys()) {
    char const* const text = lookup(variable_of(key));
    if (text == nullptr) continue;
    Given given{variable_of(key), {text}};
    if (key.repeatable) {  // separated by commas
      std::string_view rest = text;
      given.values.clear();
      while (!rest.empty()) {
        std::string_view const value = rest.substr(0, rest.find(','));
        rest.remove_prefix(std::min(rest.size(), value.size() + 1));
        if (!value.empty()) given.values.emplace_back(value);
      }
    }
    layer.emplace(key.name, std::move(given));
  }
  return layer;
}

std::vector<std::string> complaints_about(Layer const& layer) {
  Draft draft;
  return take_all(draft, layer);
}

Layer merged(std::vector<Layer> const& weakest_first) {
  Layer all;
  for (Layer const& layer : weakest_first) {
    for (auto const& [name, given] : layer) all.insert_or_assign(name, given);
  }
  return all;
}

Result<NodeConfig> make_config(std::vector<Layer> const& weakest_first) {
  Draft draft;
  auto const complaints = take_all(draft, merged(weakest_first));
  if (!complaints.empty()) return invalid(complaints.front());
  return finish(std::move(draft));
}

}  // namespace chisme::node::cli
