#include <poll.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <csignal>
#include <cstdlib>
#include <iostream>
#include <memory>
#include <thread>
#include <vector>

#include "node/cli/command.hpp"
#include "node/cli/local_cluster.hpp"
#include "node/cli/node_options.hpp"
#include "node/cli/up_protocol.hpp"
#include "node/clock.hpp"
#include "node/parent_link.hpp"
#include "node/security/access_token.hpp"
#include "node/security/certificates.hpp"
#include "node/security/secret.hpp"

namespace chisme::node::cli {
namespace {

namespace fs = std::filesystem;
using Clock = std::chrono::steady_clock;

constexpr std::chrono::seconds patience_to_start{60};
// A process that is ended in the middle of a sync is gone only after it, on a slow disk.
constexpr std::chrono::seconds patience_to_end{15};

struct UpOptions {
  unsigned nodes = 5;
  unsigned base_port = 7701;
  std::string data;
  bool tls = false;
  // Passed on to each node. Repairs begin within seconds, and what is not wanted any more goes
  // within a minute, so that one can watch it.
  std::map<std::string, std::vector<std::string>> node_values;
};

// In which a node answers the client that had it killed.
constexpr std::chrono::milliseconds patience_to_answer{200};

Order order_of(web::LocalOrder order) {
  switch (order) {
    case web::LocalOrder::kill:
      return Order::kill;
    case web::LocalOrder::start:
      return Order::start;
    case web::LocalOrder::stop:
      return Order::stop;
    case web::LocalOrder::resume:
      return Order::resume;
  }
  return Order::status;
}

// Where each run of this user finds the files of the last one again.
fs::path default_data(unsigned base_port) {
  std::string const name = "up-" + std::to_string(base_port);
  if (char const* data = std::getenv("XDG_DATA_HOME"); data != nullptr && *data == '/') {
    return fs::path(data) / "chisme" / name;
  }
  if (char const* home = std::getenv("HOME"); home != nullptr && *home == '/') {
    return fs::path(home) / ".local/share/chisme" / name;
  }
  return fs::path("chisme-data") / name;
}

// Signals as a descriptor to poll; from now on none of them interrupts anything.
Descriptor take_signals() {
  sigset_t taken;
  ::sigemptyset(&taken);
  for (int const signal : {SIGINT, SIGTERM, SIGHUP, SIGCHLD}) ::sigaddset(&taken, signal);
  ::sigprocmask(SIG_BLOCK, &taken, nullptr);
  return Descriptor{::signalfd(-1, &taken, SFD_CLOEXEC | SFD_NONBLOCK)};
}

// Supervisor runs `chisme up`: waits for signals, ends of nodes and commands, and until the cluster
// is ready asks it several times a second.
class Supervisor {
 public:
  explicit Supervisor(LocalCluster::Options options)
      : nodes_(options.nodes), cluster_(std::move(options)), signals_(take_signals()) {}

  int run() {
    for (unsigned number = 1; number <= nodes_; ++number) {
      if (auto started = cluster_.start(number); !started) return failed(started.error());
      std::cout << cluster_.line(number) << std::endl;
    }
    started_ = Clock::now();
    while (!exit_code_) wait();
    return *exit_code_;
  }

 private:
  void wait() {
    std::vector<pollfd> watched{{signals_.number(), POLLIN, 0},
                                {input_open_ ? STDIN_FILENO : -1, POLLIN, 0}};
    for (unsigned number = 1; number <= nodes_; ++number) {
      watched.push_back({cluster_.link(number), POLLIN, 0});
    }
    ::poll(watched.data(), watched.size(), ready_ ? -1 : 100);
    if (watched[0].revents != 0) take_signal();
    if (!exit_code_ && watched[1].revents != 0) read_commands();
    for (unsigned number = 1; number <= nodes_ && !exit_code_; ++number) {
      if (watched[number + 1].revents != 0) take_request(number);
    }
    if (!exit_code_ && !ready_) look_whether_ready();
  }

  // What a client of a node asked it to have done (parent_link.hpp).
  void take_request(unsigned asker) {
    auto const request = cluster_.take_request(asker);
    if (!request) return;
    auto const target = cluster_.number_of(request->url);
    if (!target) return cluster_.answer(asker, *request, fail(Fault::not_found, "no such node"));
    UpCommand const command{order_of(request->order), *target};
    bool const ends_asker = asker == *target && command.order != Order::start;
    if (ends_asker) {  // it is to tell its client first
      cluster_.answer(asker, *request, {});
      std::this_thread::sleep_for(patience_to_answer);
    }
    auto const done = obey(command);
    if (!done) std::cerr << done.error().message << std::endl;
    if (!ends_asker) cluster_.answer(asker, *request, done);
  }

  void take_signal() {
    signalfd_siginfo info{};
    while (::read(signals_.number(), &info, sizeof info) == sizeof info) {
      if (info.ssi_signo != SIGCHLD) exit_code_ = 0;
    }
    if (exit_code_) return;
    for (LocalCluster::Ended const& ended : cluster_.reap()) {
      std::cerr << ended.sentence << std::endl;
      if (!ready_ && !ended.expected) exit_code_ = 1;
    }
  }

  // The end of the input alone ends nothing: the cluster may run in the background.
  void read_commands() {
    std::array<char, 4096> block{};
    ssize_t const got = ::read(STDIN_FILENO, block.data(), block.size());
    if (got <= 0) {
      input_open_ = false;
      return;
    }
    for (std::string const& line :
         lines_.feed(std::string_view(block.data(), static_cast<std::size_t>(got)))) {
      auto const command = parse_up_command(line, nodes_);
      if (!command) {
        std::cerr << command.error().message << std::endl;
      } else if (*command) {
        carry_out(**command);
      }
    }
  }

  void carry_out(UpCommand command) {
    if (auto const done = obey(command); !done) std::cerr << done.error().message << std::endl;
  }

  Result<void> obey(UpCommand command) {
    switch (command.order) {
      case Order::kill:
        return cluster_.signal(command.node, SIGKILL);
      case Order::stop:
        return cluster_.signal(command.node, SIGSTOP);
      case Order::resume:
        return cluster_.signal(command.node, SIGCONT);
      case Order::start:
        return start(command.node);
      case Order::status:
        for (unsigned number = 1; number <= nodes_; ++number) {
          std::cout << cluster_.line(number) << "\n";
        }
        std::cout << std::flush;
        break;
      case Order::quit:
        exit_code_ = 0;
        break;
    }
    return {};
  }

  Result<void> start(unsigned number) {
    // "kill 2" and "start 2" may come in one breath: the end of the process comes first.
    auto started = cluster_.start(number);
    for (auto const end = Clock::now() + patience_to_end;
         !started && cluster_.is_ending(number) && Clock::now() < end;) {
      pollfd signal{signals_.number(), POLLIN, 0};
      ::poll(&signal, 1, 20);
      for (LocalCluster::Ended const& ended : cluster_.reap()) {
        std::cerr << ended.sentence << std::endl;
      }
      started = cluster_.start(number);
    }
    if (started) std::cout << cluster_.line(number) << std::endl;
    return started;
  }

  void look_whether_ready() {
    if (cluster_.is_ready()) {
      ready_ = true;
      std::cout << "ready" << std::endl;
    } else if (Clock::now() - started_ > patience_to_start) {
      exit_code_ = failed(Error{
          Fault::unavailable, "the nodes did not find each other within 60 s: see their logs", 0});
    }
  }

  unsigned nodes_;
  LocalCluster cluster_;
  Descriptor signals_;
  Lines lines_;
  Clock::time_point started_;
  bool input_open_ = true;
  bool ready_ = false;
  std::optional<int> exit_code_;
};

// The flags are checked here, or five nodes would each complain in their logs.
Result<std::vector<std::string>> node_flags(UpOptions const& options) {
  std::vector<std::string> flags;
  Layer layer;
  for (NodeKey const& key : node_keys()) {
    auto const at = options.node_values.find(key.name);
    if (at == options.node_values.end() || at->second.empty()) continue;
    layer.emplace(key.name, Given{flag_of(key), at->second});
    for (std::string const& value : at->second) {
      flags.push_back(flag_of(key));
      flags.push_back(value);
    }
  }
  auto const config = make_config({layer});
  if (!config) return tl::unexpected<Error>(config.error());
  return flags;
}

// A certificate for this machine, by an authority of its own; both are kept in `data`.
Result<std::vector<std::string>> tls_flags(fs::path const& data) {
  fs::path const authority = data / "ca";
  fs::path const prefix = authority / "node";
  if (!fs::exists(authority / "ca.pem")) {
    auto made = make_authority(authority).and_then([&] {
      return issue_certificate(authority, {{"127.0.0.1", "localhost"}, prefix, usual_days});
    });
    if (!made) return tl::unexpected<Error>(made.error());
  }
  std::cerr << "certificates are signed by " << (authority / "ca.pem").string()
            << ": give it to clients (chisme --ca, curl --cacert)" << std::endl;
  return std::vector<std::string>{"--tls-certificate", prefix.string() + ".pem", "--tls-key",
                                  prefix.string() + ".key"};
}

// To ask the nodes who they see: they may want to see a token.
Result<std::string> own_token(UpOptions const& options) {
  auto const at = options.node_values.find("secret_file");
  if (at == options.node_values.end() || at->second.empty()) return std::string{};
  auto const secrets = read_secret_file(at->second.back());
  if (!secrets) return tl::unexpected<Error>(secrets.error());
  WallTime const end = WallTime{wall_now() + web::credential_life_max};
  return to_text(AccessToken{web::Role::read, {new_credential_number(), end}}, KeyRing{*secrets});
}

int run_with(UpOptions const& options) {
  auto flags = node_flags(options);
  if (!flags) return wrong_usage(flags.error());
  fs::path const data =
      fs::absolute(options.data.empty() ? default_data(options.base_port) : fs::path(options.data));
  bool secure = std::ranges::find(*flags, "--tls-certificate") != flags->end();
  if (options.tls && !secure) {
    auto const more = tls_flags(data);
    if (!more) return failed(more.error());
    flags->insert(flags->end(), more->begin(), more->end());
    secure = true;
  }
  auto token = own_token(options);
  if (!token) return failed(token.error());
  LocalCluster::Options const local{options.nodes, options.base_port, data, *flags,
                                    secure,        std::move(*token)};
  if (auto free = LocalCluster(local).check_ports(); !free) return failed(free.error());
  std::cerr << "data and logs are in " << local.data.string() << std::endl;
  return Supervisor(local).run();
}

}  // namespace

void add_up_command(CLI::App& app, Chosen& chosen) {
  auto options = std::make_shared<UpOptions>();
  CLI::App& command = *app.add_subcommand(
      "up",
      "run a cluster on this machine; takes kill K, start K, stop K, cont K, status and quit");
  command.add_option("--nodes", options->nodes, "how many [5]")->check(CLI::Range(1u, 100u));
  command.add_option("--base-port", options->base_port, "client port of node 1 [7701]")
      ->check(CLI::Range(1u, 64535u));
  command.add_option("--data", options->data, "directory for all nodes' data and logs");
  command.add_flag("--tls", options->tls,
                   "https:// with a certificate for this machine, made in the data directory");
  options->node_values["repair_delay"] = {"5s"};
  options->node_values["keep_removed"] = {"1m"};
  options->node_values["keep_surplus"] = {"5s"};
  options->node_values["stop_timeout"] = {"2s"};
  for (NodeKey const& key : node_keys()) {
    if (key.name == "listen" || key.name == "peer" || key.name == "advertise" ||
        key.name == "data" || key.name == "join" || key.name == "insecure_lan" ||
        key.name == "user" || key.name == "unconfined" || key.name.starts_with("discover")) {
      continue;
    }
    command.add_option(flag_of(key), options->node_values[key.name], key.help)
        ->allow_extra_args(false);
  }
  command.callback([options, &chosen] { chosen = [options] { return run_with(*options); }; });
}

}  // namespace chisme::node::cli
