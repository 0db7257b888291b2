#pragma once

#include <asio/io_context.hpp>
#include <memory>

#include "node/copy_verifier.hpp"
#include "web/gateway.hpp"

namespace chisme::node {

// FullScrub reads all copies of a node when an operator asks for it, one after the other, beside
// the scrub that goes on all the time (cluster/replication/scrub_schedule.hpp).
//
// Copies that come after it began are not read: their bytes were just hashed. Bounded: the list of
// digests, as long as the object store's own table, and one copy that is being read.
class FullScrub {
 public:
  // What `host.objects` and the rest refer to must outlive it; `host.on_verified` is called for
  // each copy on the control loop.
  FullScrub(asio::io_context& control, CopyVerifier::Host host, ByteCount bytes_per_second);
  ~FullScrub();
  FullScrub(FullScrub const&) = delete;
  FullScrub& operator=(FullScrub const&) = delete;

  // From any thread. Nothing is begun while one goes on.
  void start();
  [[nodiscard]] web::ScrubStatus status() const;

 private:
  struct State;
  std::shared_ptr<State> state_;
};

}  // namespace chisme::node
