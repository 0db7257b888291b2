#pragma once

#include <deque>
#include <optional>
#include <string>

#include "node/cli/http_client.hpp"

namespace chisme::node::cli {

// What a list says of a file that is complete.
struct ListedFile {
  std::string name;
  std::uint64_t size = 0;
  std::string type;
  std::string sha256;    // 64 hex digits
  std::string modified;  // RFC 3339
};

// FileListing walks over the cluster's files by name, a page at a time; those that are still being
// uploaded are left out. What is stored meanwhile may or may not come. Bounded by a page.
//
// One thread. Faults: unavailable, io (what answers is no node), and those of answers.
class FileListing {
 public:
  // `client` must outlive it.
  FileListing(HttpClient& client, std::string prefix)
      : client_(client), prefix_(std::move(prefix)) {}
  // nullopt behind the last.
  [[nodiscard]] Result<std::optional<ListedFile>> next();

 private:
  [[nodiscard]] Result<void> fetch();

  HttpClient& client_;
  std::string prefix_;
  std::string after_;
  bool last_page_ = false;
  std::deque<ListedFile> page_;
};

}  // namespace chisme::node::cli
