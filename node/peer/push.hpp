#pragma once

#include <asio/io_context.hpp>
#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "cluster/base/identity.hpp"
#include "cluster/base/result.hpp"
#include "cluster/base/strong.hpp"
#include "cluster/base/time.hpp"
#include "node/peer/caller.hpp"
#include "node/peer/framing.hpp"

namespace chisme::node {

// PushConnection brings one object to one other node while it still arrives here: chunks are queued
// and sent in order; `end` asks the node to verify, sync and answer.
//
// `on_change` is called, from the loop and never from within a call, whenever `queued_bytes`
// fell or the push ended. Its owner bounds what it queues by looking at `queued_bytes`. One loop's
// thread. Destroying it closes the connection: the other node then throws its bytes away.
class PushConnection {
 public:
  using Chunk = std::shared_ptr<std::vector<std::byte> const>;  // shared by several pushes
  enum class State { sending, stored, failed };
  struct Limits {
    Duration connect_timeout = std::chrono::seconds{2};
    Duration stall_timeout = std::chrono::seconds{5};  // without progress, then it failed
    Duration answer_timeout = std::chrono::seconds{10};
  };

  PushConnection(asio::io_context& loop, Caller caller, Endpoint to, PushBegin begin,
                 std::function<void()> on_change, Limits limits);
  ~PushConnection();
  PushConnection(PushConnection const&) = delete;
  PushConnection& operator=(PushConnection const&) = delete;

  // REQUIRES: at most `push_chunk_bytes_max` bytes, at least one.
  void send(Chunk chunk);
  void end(PushEnd end);
  // Gives it up: it has failed then, without `on_change`.
  void abandon(Error why);

  [[nodiscard]] State state() const;
  [[nodiscard]] std::size_t queued_bytes() const;
  // REQUIRES: state is `failed`.
  [[nodiscard]] Error const& error() const;

 private:
  struct Work;
  std::shared_ptr<Work> work_;
};

}  // namespace chisme::node
