#pragma once

#include <sys/types.h>

#include <chrono>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "cluster/base/result.hpp"
#include "node/cli/http_client.hpp"
#include "node/parent_link.hpp"
#include "node/storage/posix.hpp"

namespace chisme::node::cli {

// LocalCluster is the nodes of `chisme up`: processes of this program on 127.0.0.1, numbered
// from 1.
//
// One thread, the one that made it: the nodes die with it. Its destructor ends them: SIGTERM, then
// SIGKILL for those that take longer than `patience_to_stop`.
class LocalCluster {
 public:
  struct Options {
    unsigned nodes = 5;
    unsigned base_port = 7701;
    std::filesystem::path data;
    std::vector<std::string> node_flags;  // given to each node
    std::string token = {};               // to ask them with; empty: none
  };
  static constexpr std::chrono::seconds patience_to_stop{5};

  explicit LocalCluster(Options options);
  ~LocalCluster();
  LocalCluster(LocalCluster const&) = delete;
  LocalCluster& operator=(LocalCluster const&) = delete;

  // Fault: invalid, when a port is taken; nothing was started.
  [[nodiscard]] Result<void> check_ports() const;
  // Faults: invalid (it runs already), io.
  [[nodiscard]] Result<void> start(unsigned number);
  // Fault: invalid (it does not run).
  [[nodiscard]] Result<void> signal(unsigned number, int signal);
  // The node at that address ("http://127.0.0.1:7702"), whether or not it runs.
  [[nodiscard]] std::optional<unsigned> number_of(std::string_view url) const;
  // The descriptor on which a node's questions arrive; -1: none do.
  [[nodiscard]] int link(unsigned number) const { return nodes_.at(number - 1).link.number(); }
  // The next of them, if there is one.
  [[nodiscard]] std::optional<ParentRequest> take_request(unsigned number);
  void answer(unsigned number, ParentRequest const& request, Result<void> const& result);
  // Whether it was killed and has not been reaped yet.
  [[nodiscard]] bool is_ending(unsigned number) const { return nodes_.at(number - 1).killed; }
  // Whether every running node is ready and sees all the running ones alive.
  [[nodiscard]] bool is_ready();

  // Nodes that ended since the last call, each with a sentence, and whether `signal` had killed it.
  struct Ended {
    unsigned number;
    bool expected;
    std::string sentence;
  };
  [[nodiscard]] std::vector<Ended> reap();

  // "node 2 http://127.0.0.1:7702 pid 4711", or "node 2 http://127.0.0.1:7702 down".
  [[nodiscard]] std::string line(unsigned number) const;

 private:
  struct Node {
    pid_t pid = 0;  // 0: not running
    bool killed = false;
    bool stopped = false;  // by SIGSTOP
    Descriptor link{};     // to the node (parent_link.hpp)
  };
  [[nodiscard]] Node& node(unsigned number) { return nodes_.at(number - 1); }
  [[nodiscard]] unsigned port(unsigned number) const { return options_.base_port + number - 1; }
  [[nodiscard]] std::string url(unsigned number) const;
  [[nodiscard]] std::filesystem::path directory(unsigned number) const;
  [[nodiscard]] std::vector<std::string> arguments(unsigned number) const;
  [[nodiscard]] bool sees_all(unsigned number);
  [[nodiscard]] bool wait_for_end(std::chrono::milliseconds patience);

  Options options_;
  std::vector<Node> nodes_;
  HttpClient client_;
};

}  // namespace chisme::node::cli
