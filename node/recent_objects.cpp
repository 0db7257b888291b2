#include "node/recent_objects.hpp"

#include <utility>

#include "cluster/base/check.hpp"

namespace chisme::node {

std::shared_ptr<std::string const> RecentObjects::find(Digest const& digest, Instant now) {
  auto const found = entries_.find(digest);
  if (found == entries_.end() || now - found->second.read >= kept) return nullptr;
  return found->second.bytes;
}

void RecentObjects::keep(Digest const& digest, std::string bytes, Instant now) {
  CHECK(bytes.size() <= object_bytes_max);
  auto const [at, is_new] = entries_.try_emplace(digest);
  if (is_new) {
    bytes_ += bytes.size();
    oldest_first_.push_back(digest);
  }
  at->second = {std::make_shared<std::string const>(std::move(bytes)), now};
  while (bytes_ > bytes_max) forget_oldest();
}

void RecentObjects::forget_oldest() {
  auto const oldest = entries_.find(oldest_first_.front());
  oldest_first_.pop_front();
  bytes_ -= oldest->second.bytes->size();
  entries_.erase(oldest);
}

}  // namespace chisme::node
