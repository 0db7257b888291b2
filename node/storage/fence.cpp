#include "node/storage/fence.hpp"

#include <utility>

namespace chisme::node {

void Fence::close(Error const& failure) {
  {
    std::lock_guard const lock(mutex_);
    if (closed_) return;
    failure_ = failure;
    closed_ = true;
  }
  if (on_close_) on_close_(failure.message);
}

Result<void> Fence::guard(Result<void> synced) {
  if (!synced) close(synced.error());
  return synced;
}

Result<void> Fence::check() const {
  if (!closed_) return {};
  std::lock_guard const lock(mutex_);
  return fail(Fault::unavailable,
              "this node's disk failed (" + failure_.message +
                  "), so it takes no writes until it is restarted; ask another node",
              failure_.system_error);
}

std::string Fence::reason() const {
  std::lock_guard const lock(mutex_);
  return failure_.message;
}

}  // namespace chisme::node
