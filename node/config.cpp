#include "node/config.hpp"

namespace chisme::node {
namespace {

bool is_unspecified(Endpoint const& endpoint) {
  std::string const address = address_text(endpoint);
  return address == "0.0.0.0" || address == "::";
}

// Other machines are talked to with a secret only.
Result<void> check_peers(NodeConfig const& config) {
  if (config.secret_file) return {};
  if (!config.join_names.empty()) {
    return fail(Fault::invalid,
                config.join_names.front().host +
                    " may be any machine: nodes that are joined by name need a secret. Make one "
                    "with chisme secret new FILE, copy it to each machine and give it with "
                    "--secret-file FILE");
  }
  std::vector<Endpoint> endpoints = config.join;
  endpoints.push_back(config.peer);
  for (Endpoint const& endpoint : endpoints) {
    if (is_loopback(endpoint)) continue;
    return fail(Fault::invalid,
                to_string(endpoint) +
                    " is not of this machine: nodes on several machines need a secret, so that "
                    "nobody else can join or listen. Make one with chisme secret new FILE, copy it "
                    "to each machine and give it with --secret-file FILE");
  }
  return {};
}

Result<void> check_clients(NodeConfig const& config) {
  if (config.tls_certificate.has_value() != config.tls_key.has_value()) {
    return fail(Fault::invalid,
                "--tls-certificate FILE and --tls-key FILE go together: chisme ca makes both");
  }
  if (config.insecure_lan || is_loopback(config.http)) return {};
  if (config.tls_certificate && config.secret_file) return {};
  return fail(
      Fault::invalid,
      to_string(config.http) +
          " is not of this machine. There are three ways: serve clients of this machine "
          "only, with --listen 127.0.0.1:7701; or encrypted, with --tls-certificate FILE "
          "and --tls-key FILE, which chisme ca makes, and --secret-file FILE; or, where all "
          "who reach it may read, write and remove all files, and everything may go "
          "unencrypted, say --insecure-lan");
}

Result<void> check_discovery(NodeConfig const& config) {
  if (!config.discover) return {};
  if (!config.secret_file) {
    return fail(Fault::invalid,
                "--discover needs a secret, by which nodes of one cluster know each other: make "
                "one with chisme secret new FILE and give it with --secret-file FILE");
  }
  Endpoint const& told = config.advertise_http.value_or(config.peer);
  if (address_text(told).find(':') == std::string::npos) return {};
  return fail(Fault::invalid, "--discover works with IPv4 addresses only, and " + to_string(told) +
                                  " is none: name a node with --join instead");
}

// Tokens are made with a key that comes of the secret.
Result<void> check_access(NodeConfig const& config) {
  if (config.secret_file || access_of(config) == web::AccessMode::open) return {};
  return fail(
      Fault::invalid,
      "--access " + std::string{web::to_string(access_of(config))} +
          " asks clients for tokens, which are made with the cluster's secret. Make one "
          "with chisme secret new FILE and give it with --secret-file FILE; or, if everybody "
          "who reaches this node may read, write and remove all files, say --access open");
}

}  // namespace

web::AccessMode access_of(NodeConfig const& config) {
  if (config.access) return *config.access;
  bool const among_friends = config.insecure_lan || is_loopback(config.http);
  return among_friends ? web::AccessMode::open : web::AccessMode::token;
}

Result<void> check(NodeConfig const& config) {
  if (auto peers = check_peers(config); !peers) return peers;
  if (auto clients = check_clients(config); !clients) return clients;
  if (auto discovery = check_discovery(config); !discovery) return discovery;
  if (auto access = check_access(config); !access) return access;
  if (!config.advertise_http && (is_unspecified(config.http) || is_unspecified(config.peer))) {
    return fail(Fault::invalid,
                "a node that listens on all addresses must say at which one others find it, with "
                "--advertise ADDRESS:PORT");
  }
  if (config.copies_durable <= config.copies_wanted) return {};
  return fail(Fault::invalid, "--durable " + std::to_string(config.copies_durable) +
                                  " is more than --copies " + std::to_string(config.copies_wanted));
}

}  // namespace chisme::node
