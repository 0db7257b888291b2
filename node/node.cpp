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
#include "node/process_figures.hpp"
#include "node/restarting.hpp"
#include "node/running_node.hpp"
#include "node/security/confinement.hpp"
#include "node/service_manager.hpp"

namespace chisme::node {
namespace {

// Clients, copies and peers each take a descriptor, and the usual soft limit of 1024 is there for
// programs that use select(2). When it cannot be raised the node lives with what it has.
void raise_descriptor_limit() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  if (::setrlimit(RLIMIT_NOFILE, &limit) == 0) return;
  log::warning("the limit of open files cannot be raised: " + std::string{std::strerror(errno)});
}

void stop_on_signal(asio::signal_set& signals, RunningNode& node, ServiceManager& manager) {
  signals.async_wait([&](asio::error_code const& error, int) {
    if (error) return;
    manager.stopping();
    node.stop();
    stop_on_signal(signals, node, manager);  // a second signal ends it at once
  });
}

void reload_on_signal(asio::signal_set& signals, RunningNode& node,
                      ReadConfigAgain const& read_again) {
  signals.async_wait([&](asio::error_code const& error, int) {
    if (error) return;
    node.reload(read_again);
    reload_on_signal(signals, node, read_again);
  });
}

// A signal that comes before the node could be told of it.
std::sig_atomic_t volatile reload_wanted = 0;

int cannot_start(Error const& error) {
  std::cerr << "chisme: " << error.message << std::endl;
  return 1;
}

}  // namespace

int run_node(NodeConfig config, ReadConfigAgain read_again) {
  // A client that went away is an error of that connection, not the end of the process.
  std::signal(SIGPIPE, SIG_IGN);
  std::signal(SIGHUP, [](int) { reload_wanted = 1; });
  auto const command_line = own_command_line();          // it cannot be read later
  static_cast<void>(ProcessFigures::of_this_process());  // nor can what it tells be opened
  auto const warnings = confine_process(config);
  if (!warnings) return cannot_start(warnings.error());
  log::start(config.log);
  for (std::string const& warning : *warnings) log::warning(warning);
  raise_descriptor_limit();
  bool ended_well = false;
  bool starts_again = false;
  Instant const begun = steady_now();
  {
    RunningNode node{config};
    if (auto const started = node.start(); !started) {
      log::stop();
      return cannot_start(started.error());
    }
    asio::signal_set signals{node.control(), SIGTERM, SIGINT};
    ServiceManager manager{node.control()};
    stop_on_signal(signals, node, manager);
    asio::signal_set reloading{node.control(), SIGHUP};
    reload_on_signal(reloading, node, read_again);
    if (reload_wanted != 0) node.reload(read_again);
    std::cout << "ready " << node.description() << std::endl;
    manager.ready_once([&] { return node.is_in_touch(); });
    ended_well = node.run();
    starts_again = node.wants_restart();
  }
  log::stop();
  if (starts_again) start_again(command_line, steady_now() - begun);
  return ended_well && !starts_again ? 0 : 1;
}

}  // namespace chisme::node
