#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

#include "cluster/base/result.hpp"
#include "node/storage/disk_pool.hpp"
#include "web/gateway.hpp"

// How a node of `chisme up` asks the process that started it to kill, start, stop or continue one
// of its nodes: over a socket pair of packets that it inherits. One packet asks, "NUMBER ORDER
// URL"; one answers, "NUMBER ok", "NUMBER unknown" (there is no such node) or "NUMBER SENTENCE".
namespace chisme::node {

inline constexpr std::size_t parent_packet_bytes_max = 512;

[[nodiscard]] char const* to_string(web::LocalOrder order);

// What is asked in a packet, for the parent.
struct ParentRequest {
  std::uint64_t number = 0;
  web::LocalOrder order = web::LocalOrder::kill;
  std::string url;
};
// nullopt when it is none.
[[nodiscard]] std::optional<ParentRequest> parse_parent_request(std::string_view packet);
[[nodiscard]] std::string parent_answer(std::uint64_t number, Result<void> const& result);
// What is answered, for the node. Faults: not_found, precondition_failed (its state is another).
struct ParentAnswer {
  std::uint64_t number = 0;
  Result<void> result;
};
// nullopt when it is none.
[[nodiscard]] std::optional<ParentAnswer> parse_parent_answer(std::string_view packet);

// ParentLink asks one question at a time, on a thread of the disk pool, and waits for the answer at
// most `patience`. Thread-safe. Its jobs refer to it: it outlives the pool.
class ParentLink {
 public:
  static constexpr std::chrono::seconds patience{20};  // a process may take 15 s to be gone
  static constexpr unsigned waiting_max = 8;
  using Answer = std::function<void(Result<void>)>;

  // `socket` stays the caller's.
  ParentLink(DiskPool& disk, int socket) : lane_(disk), socket_(socket) {}

  // Faults: busy; then `answer` is not called. Of the answer: not_found, precondition_failed (its
  // state is another), unavailable.
  [[nodiscard]] Result<void> ask(web::LocalOrder order, std::string url, Answer answer);

 private:
  [[nodiscard]] Result<void> ask_now(web::LocalOrder order, std::string const& url);
  [[nodiscard]] Result<void> await_answer(std::uint64_t number) const;

  DiskPool::Lane lane_;
  int socket_;
  std::uint64_t asked_ = 0;  // only its jobs, which take turns, use it
  std::mutex mutex_;
  unsigned waiting_ = 0;
};

// Whether that descriptor is a socket of packets, as a parent leaves one.
[[nodiscard]] bool is_parent_socket(int descriptor);

}  // namespace chisme::node
