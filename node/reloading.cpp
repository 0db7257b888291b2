#include <algorithm>
#include <asio/post.hpp>
#include <memory>
#include <string>
#include <utility>

#include "node/log.hpp"
#include "node/prefix_quotas.hpp"
#include "node/running_node.hpp"
#include "node/security/secret.hpp"

// RunningNode: what it reads when it starts, and again when it is told to.
namespace chisme::node {

Result<void> RunningNode::read_secrets() {
  if (!config_.secret_file) return {};
  auto const secrets = read_secret_file(*config_.secret_file);
  if (!secrets) return tl::unexpected(secrets.error());
  keys_.replace(KeyRing{*secrets});
  return {};
}

Result<void> RunningNode::read_certificate() {
  if (!config_.tls_certificate) return {};
  if (!tls_) {
    tls_ =
        std::make_shared<ServerTls>(ServerTls::Files{*config_.tls_certificate, *config_.tls_key});
  }
  return tls_->load();
}

void RunningNode::reload(ReadConfigAgain const& read_config) {
  for (auto const& read : {read_secrets(), read_certificate()}) {
    if (!read) log::error("what was to be read again was not: " + read.error().message);
  }
  log::info("the secret file and the certificate, where there are any, were read again");
  if (read_config && config_.config_file) reload_config(read_config);
}

void RunningNode::reload_config(ReadConfigAgain const& read_config) {
  auto const read = read_config();
  if (!read) {
    return log::error("the configuration was not read again, and all stays as it is: " +
                      read.error().message);
  }
  std::string changing;
  for (std::string const& key : read->changed) {
    if (changes_while_running(key)) {
      changing += (changing.empty() ? "" : ", ") + key;
    } else {
      log::warning("the configuration says something new of " + key + ", which needs a restart");
    }
  }
  NodeConfig changed = changed_while_running(config_, read->config);
  if (auto const fits = check(changed); !fits) {
    return log::error("the configuration does not change before a restart: " +
                      fits.error().message);
  }
  read->taken();
  log::info("the configuration was read again; changed: " +
            (changing.empty() ? "nothing" : changing));
  if (changing.empty()) return;
  config_ = std::move(changed);
  log::set_levels(config_.log);
  prefix_quotas_->change(config_.prefix_quotas);
  trash_ = trash_of(config_);
  HttpSettings const settings = http_settings();
  figures_.watch(settings.clients);
  for (auto const& web : web_) {
    asio::post(web->loop.context(),
               [listener = web->listener.get(), settings] { listener->change(settings); });
  }
}

}  // namespace chisme::node
