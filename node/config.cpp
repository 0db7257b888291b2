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
  if (config.insecure_lan || is_loopback(config.http)) return {};
  return fail(Fault::invalid,
              to_string(config.http) +
                  " is not of this machine: whoever reaches it could read, write and remove all "
                  "files, and everything would go unencrypted. If that is what you want, because "
                  "all who reach it may, say --insecure-lan");
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
