#include "node/node.hpp"

#include <sys/resource.h>

#include <asio/signal_set.hpp>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <iostream>
#include <string>
#include <utility>

#include "node/clock.hpp"
#include "node/log.hpp"
#include "node/restarting.hpp"
#include "node/running_node.hpp"

namespace chisme::node {
namespace {

Result<void> check_loopback(Endpoint const& endpoint) {
  if (is_loopback(endpoint)) return {};
  return fail(Fault::invalid, to_string(endpoint) +
                                  " is not a loopback address; without encryption, which this "
                                  "version has not, nodes use 127.0.0.0/8 and ::1 only");
}

Result<void> check(NodeConfig const& config) {
  if (auto http = check_loopback(config.http); !http) return http;
  if (auto peer = check_loopback(config.peer); !peer) return peer;
  for (Endpoint const& endpoint : config.join) {
    if (auto join = check_loopback(endpoint); !join) return join;
  }
  if (config.copies_durable >= 1 && config.copies_durable <= config.copies_wanted) return {};
  return fail(Fault::invalid,
              "the copies that must be durable are at least 1 and at most the wanted ones");
}

Result<void> start(RunningNode& node, NodeConfig const& config) {
  if (auto checked = check(config); !checked) return checked;
  return node.start();
}

// Clients, copies and peers each take a descriptor, and the usual soft limit of 1024 is there for
// programs that use select(2). When it cannot be raised the node lives with what it has.
void raise_descriptor_limit() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  if (::setrlimit(RLIMIT_NOFILE, &limit) == 0) return;
  log::warning("the limit of open files cannot be raised: " + std::string{std::strerror(errno)});
}

void stop_on_signal(asio::signal_set& signals, RunningNode& node) {
  signals.async_wait([&](asio::error_code const& error, int) {
    if (error) return;
    node.stop();
    stop_on_signal(signals, node);  // a second signal ends it at once
  });
}

}  // namespace

int run_node(NodeConfig config) {
  // A client that went away is an error of that connection, not the end of the process.
  std::signal(SIGPIPE, SIG_IGN);
  log::start(config.log_level);
  raise_descriptor_limit();
  bool ended_well = false;
  bool starts_again = false;
  Instant const begun = steady_now();
  {
    RunningNode node{config};
    if (auto const started = start(node, config); !started) {
      log::stop();
      std::cerr << "chisme: " << started.error().message << std::endl;
      return 1;
    }
    asio::signal_set signals{node.control(), SIGTERM, SIGINT};
    stop_on_signal(signals, node);
    std::cout << "ready " << node.description() << std::endl;
    ended_well = node.run();
    starts_again = node.wants_restart();
  }
  log::stop();
  if (starts_again) start_again(steady_now() - begun);
  return ended_well && !starts_again ? 0 : 1;
}

}  // namespace chisme::node
