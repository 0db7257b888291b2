#pragma once

#include <asio/io_context.hpp>
#include <cstddef>
#include <functional>
#include <memory>

#include "cluster/base/identity.hpp"
#include "cluster/base/result.hpp"
#include "cluster/base/strong.hpp"

namespace chisme::node {

class DiskPool;
class ObjectStore;
struct LoadCounters;

// CopyVerifier reads local copies again and compares them with their digests, at a bounded rate and
// one at a time, so that clients do not feel it. A disk thread is taken for one piece of
// `piece_bytes` after the other, never for a whole copy.
//
// Bounded: `queue_max` objects wait; a further one is refused. One loop's thread.
class CopyVerifier {
 public:
  static constexpr std::size_t queue_max = 4096;
  static constexpr std::size_t piece_bytes = 1u << 20;

  struct Host {
    ObjectStore& objects;
    DiskPool& disk;
    LoadCounters& counters;
    // Success: intact. Faults: not_found (there is none any more), corrupt (it is in quarantine).
    std::function<void(Digest, Result<void>)> on_verified;
  };
  // Everything given must outlive it.
  CopyVerifier(asio::io_context& loop, Host host, ByteCount bytes_per_second);
  ~CopyVerifier();
  CopyVerifier(CopyVerifier const&) = delete;
  CopyVerifier& operator=(CopyVerifier const&) = delete;

  // An object that waits already, or is being read, is not queued again: one answer serves all.
  // False: too many wait.
  [[nodiscard]] bool verify(Digest const& digest);

 private:
  struct State;
  std::shared_ptr<State> state_;
};

}  // namespace chisme::node
