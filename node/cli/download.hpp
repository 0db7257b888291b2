#pragma once

#include <chrono>
#include <condition_variable>
#include <deque>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "node/cli/http_client.hpp"
#include "node/cli/part_file.hpp"

namespace chisme::node::cli {

// What GET /route says of a file.
struct Route {
  std::string version;
  PartFile::Object object;
  std::vector<Origin> replicas;  // best first
};
[[nodiscard]] Result<Route> ask_route(HttpClient& client, std::string const& name);

// Download fetches the missing blocks of a file from its holders, several at once. A holder that
// fails is left alone for a moment, its block goes to another, and the nodes are asked anew who has
// the file; it ends only when no block arrived for `patience`, or the file is not what it was.
//
// `run` is called once; it blocks, and its own threads end within it.
class Download {
 public:
  struct Options {
    std::string name;
    std::vector<Origin> nodes;  // asked for the route
    unsigned connections = 4;
    std::string token = {};  // shown to all of them; empty: none
    std::chrono::milliseconds patience = std::chrono::seconds{30};
    // From the holder's socket without a byte for this long: it counts as failed.
    std::chrono::milliseconds holder_patience = std::chrono::seconds{5};
  };
  Download(Options options, Route route, PartFile& part);

  // `progress` gets the bytes that are there; it is called by one thread at a time. Faults:
  // unavailable (no holder answers), not_found, lost, precondition_failed (another version now),
  // io.
  [[nodiscard]] Result<void> run(std::function<void(std::uint64_t)> const& progress);

 private:
  using Clock = std::chrono::steady_clock;
  struct Task {
    std::size_t block;
    Origin holder;
  };
  void work();
  [[nodiscard]] std::optional<Task> next_task();
  [[nodiscard]] std::optional<Origin> choose_holder(Clock::time_point now) const;
  [[nodiscard]] Result<std::vector<std::byte>> fetch(HttpClient& client, Task const& task);
  void succeeded(Task const& task, std::span<std::byte const> bytes);
  void retry(Task const& task);
  void ask_again();

  Options options_;
  PartFile& part_;
  std::function<void(std::uint64_t)> progress_;

  std::mutex mutex_;
  std::condition_variable changed_;
  Route route_;
  std::deque<std::size_t> missing_;
  std::size_t in_flight_ = 0;
  std::map<Origin, unsigned> busy_;                    // blocks that a holder is sending now
  std::map<Origin, Clock::time_point> avoided_until_;  // holders that failed
  std::uint64_t present_ = 0;
  Clock::time_point last_arrival_;
  std::optional<Error> error_;
};

}  // namespace chisme::node::cli
