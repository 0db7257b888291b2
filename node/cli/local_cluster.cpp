#include "node/cli/local_cluster.hpp"

#include <sys/socket.h>
#include <sys/wait.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <nlohmann/json.hpp>
#include <set>
#include <thread>
#include <utility>

#include "node/cli/node_process.hpp"
#include "node/cli/up_protocol.hpp"

namespace chisme::node::cli {

namespace {
constexpr unsigned peer_port_offset = 1000;
}

LocalCluster::LocalCluster(Options options)
    : options_(std::move(options)),
      nodes_(options_.nodes),
      client_({}, std::chrono::milliseconds{500}) {
  client_.set_token(options_.token);
}

LocalCluster::~LocalCluster() {
  for (Node const& node : nodes_) {
    if (node.pid == 0) continue;
    ::kill(node.pid, SIGTERM);
    ::kill(node.pid, SIGCONT);
  }
  if (wait_for_end(patience_to_stop)) return;
  for (Node const& node : nodes_) {
    if (node.pid != 0) ::kill(node.pid, SIGKILL);
  }
  static_cast<void>(wait_for_end(patience_to_stop));
}

bool LocalCluster::wait_for_end(std::chrono::milliseconds patience) {
  auto const end = std::chrono::steady_clock::now() + patience;
  for (;;) {
    static_cast<void>(reap());
    bool const all =
        std::all_of(nodes_.begin(), nodes_.end(), [](Node const& node) { return node.pid == 0; });
    if (all || std::chrono::steady_clock::now() > end) return all;
    std::this_thread::sleep_for(std::chrono::milliseconds{10});
  }
}

std::string LocalCluster::url(unsigned number) const {
  return "http://127.0.0.1:" + std::to_string(port(number));
}

std::filesystem::path LocalCluster::directory(unsigned number) const {
  return options_.data / ("node-" + std::to_string(number));
}

std::string LocalCluster::line(unsigned number) const {
  pid_t const pid = nodes_.at(number - 1).pid;
  return pid == 0 ? "node " + std::to_string(number) + " " + url(number) + " down"
                  : node_line(number, url(number), pid);
}

Result<void> LocalCluster::check_ports() const {
  for (unsigned number = 1; number <= options_.nodes; ++number) {
    auto free = check_port_is_free(port(number)).and_then([&] {
      return check_port_is_free(port(number) + peer_port_offset);
    });
    if (!free) return free;
  }
  return {};
}

// Every node is told of every other, so that any of them may be the first to come back.
std::vector<std::string> LocalCluster::arguments(unsigned number) const {
  auto const address = [](unsigned at) { return "127.0.0.1:" + std::to_string(at); };
  std::vector<std::string> arguments{"node",
                                     "--listen",
                                     address(port(number)),
                                     "--peer",
                                     address(port(number) + peer_port_offset),
                                     "--data",
                                     directory(number).string(),
                                     "--parent-socket",
                                     std::to_string(inherited_link)};
  for (unsigned other = 1; other <= options_.nodes; ++other) {
    if (other == number) continue;
    arguments.insert(arguments.end(), {"--join", address(port(other) + peer_port_offset)});
  }
  arguments.insert(arguments.end(), options_.node_flags.begin(), options_.node_flags.end());
  return arguments;
}

Result<void> LocalCluster::start(unsigned number) {
  if (node(number).pid != 0) {
    return fail(Fault::invalid, "node " + std::to_string(number) + " runs already");
  }
  std::array<int, 2> ends{-1, -1};
  if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends.data()) != 0) {
    return tl::unexpected<Error>(system_failure(errno, "making a socket for a node"));
  }
  Descriptor ours{ends[0]};
  Descriptor const theirs{ends[1]};
  auto const pid = start_process({arguments(number), directory(number) / "log", theirs.number()});
  if (!pid) return tl::unexpected<Error>(pid.error());
  node(number) = Node{.pid = *pid, .link = std::move(ours)};
  return {};
}

std::optional<unsigned> LocalCluster::number_of(std::string_view its_url) const {
  for (unsigned number = 1; number <= options_.nodes; ++number) {
    if (url(number) == its_url) return number;
  }
  return std::nullopt;
}

std::optional<ParentRequest> LocalCluster::take_request(unsigned number) {
  std::array<char, parent_packet_bytes_max> block{};
  ssize_t const got = ::recv(link(number), block.data(), block.size(), MSG_DONTWAIT);
  if (got > 0) return parse_parent_request({block.data(), static_cast<std::size_t>(got)});
  // The node is gone: it would be at its end for ever.
  if (got == 0 || (errno != EAGAIN && errno != EINTR)) node(number).link.close();
  return std::nullopt;
}

// A node that takes no answers gets none.
void LocalCluster::answer(unsigned number, ParentRequest const& request,
                          Result<void> const& result) {
  std::string const packet = parent_answer(request.number, result);
  ::send(link(number), packet.data(), packet.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
}

Result<void> LocalCluster::signal(unsigned number, int signal) {
  Node& its = node(number);
  if (its.pid == 0) {
    return fail(Fault::invalid, "node " + std::to_string(number) + " does not run");
  }
  if (::kill(its.pid, signal) != 0) {
    return tl::unexpected<Error>(
        system_failure(errno, "signalling node " + std::to_string(number)));
  }
  if (signal == SIGKILL) its.killed = true;
  if (signal == SIGSTOP) its.stopped = true;
  if (signal == SIGCONT) its.stopped = false;
  return {};
}

std::vector<LocalCluster::Ended> LocalCluster::reap() {
  std::vector<Ended> ended;
  for (unsigned number = 1; number <= options_.nodes; ++number) {
    Node& its = node(number);
    int status = 0;
    if (its.pid == 0 || ::waitpid(its.pid, &status, WNOHANG) != its.pid) continue;
    std::filesystem::path const log = directory(number) / "log";
    std::string sentence = "node " + std::to_string(number) + " " + describe_end(status);
    if (!its.killed) sentence += "; its log " + log.string() + " ends with: " + last_line(log);
    ended.push_back({number, its.killed, std::move(sentence)});
    its = Node{};
  }
  return ended;
}

bool LocalCluster::sees_all(unsigned number) {
  auto const location = parse_location(url(number));
  HttpRequest request;
  request.target = "/readyz";
  auto answer = client_.send_to(location->origin, request);
  if (!answer || !answer->is_success()) return false;
  request.target = "/cluster";
  answer = client_.send_to(location->origin, request);
  if (!answer || !answer->is_success()) return false;
  auto const cluster = nlohmann::json::parse(answer->body, nullptr, false);
  std::set<std::string> alive;
  if (cluster.is_object()) {
    for (auto const& member : cluster.value("members", nlohmann::json::array())) {
      if (member.value("state", "") == "alive") alive.insert(member.value("http", ""));
    }
  }
  for (unsigned other = 1; other <= options_.nodes; ++other) {
    if (node(other).pid != 0 && !alive.contains(url(other))) return false;
  }
  return true;
}

bool LocalCluster::is_ready() {
  for (unsigned number = 1; number <= options_.nodes; ++number) {
    if (node(number).pid != 0 && !node(number).stopped && !sees_all(number)) return false;
  }
  return true;
}

}  // namespace chisme::node::cli
