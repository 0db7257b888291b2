#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <string>

#include "cluster/base/identity.hpp"
#include "cluster/base/time.hpp"

namespace chisme::node {

// RecentObjects keeps the bytes of small objects that one web loop sent last, so that one that many
// ask for is opened once in `kept`, and not for each. It is not kept longer: what became of the
// copy on the disk meanwhile is to be seen.
//
// Bounded: `bytes_max` in all, the oldest go; an object has at most `object_bytes_max`. One thread.
class RecentObjects {
 public:
  static constexpr std::size_t object_bytes_max = 64 << 10;
  static constexpr std::size_t bytes_max = 8 << 20;
  static constexpr Duration kept = std::chrono::seconds{1};

  // Null when it is not here, or too old.
  [[nodiscard]] std::shared_ptr<std::string const> find(Digest const& digest, Instant now);
  // REQUIRES: bytes.size() <= object_bytes_max.
  void keep(Digest const& digest, std::string bytes, Instant now);

 private:
  struct Entry {
    std::shared_ptr<std::string const> bytes;
    Instant read{};
  };
  void forget_oldest();

  std::map<Digest, Entry> entries_;
  std::deque<Digest> oldest_first_;
  std::size_t bytes_ = 0;
};

}  // namespace chisme::node
