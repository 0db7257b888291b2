#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "node/cli/http_client.hpp"

namespace chisme::node::cli {

// FileBlocks reads one version of a file, block after block, from whichever node answers: a node
// that dies costs the block that it was sending. Bounded by a block in memory. One thread.
class FileBlocks {
 public:
  static constexpr std::uint64_t block_bytes = std::uint64_t{4} << 20;
  struct File {
    std::string name;
    std::string sha256;  // 64 hex digits
    std::uint64_t size = 0;
  };
  // `client` must outlive it; all its nodes are asked, again and again for `patience` without a
  // block.
  FileBlocks(HttpClient& client, File file,
             std::chrono::milliseconds patience = std::chrono::seconds{30})
      : client_(client), file_(std::move(file)), patience_(patience) {}

  // At most `block_bytes` from `offset` on. REQUIRES: offset < size. Faults: unavailable (no node
  // answers), precondition_failed (the name has other bytes now), not_found (it is gone), lost (no
  // node has the bytes).
  [[nodiscard]] Result<std::vector<std::byte>> read(std::uint64_t offset);

 private:
  [[nodiscard]] Result<std::vector<std::byte>> ask(Origin const& node, std::uint64_t offset);

  HttpClient& client_;
  File file_;
  std::chrono::milliseconds patience_;
  std::size_t preferred_ = 0;  // of the client's nodes, that which answered last
};

}  // namespace chisme::node::cli
