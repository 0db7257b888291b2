#pragma once

#include <filesystem>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "node/cli/http_client.hpp"
#include "node/cli/text.hpp"
#include "node/storage/posix.hpp"

namespace chisme::node::cli {

// The nodes that `client` knows, then those that they know of and that are alive.
[[nodiscard]] std::vector<Origin> all_nodes(HttpClient& client);

// A file that is to be stored: all of `file`, which can be read anywhere.
struct FileToStore {
  Descriptor const& file;
  std::string path;  // for errors
  std::string name;
  std::string type = {};  // media type; empty: by its name
  ByteCount size;
  std::string ttl = {};  // how long it is kept, as `?ttl=` takes it; empty: for ever
  // Where the id of an upload is kept that may be interrupted (ResumablePut); empty: nowhere.
  std::filesystem::path memory = {};
};
// Brings it into the cluster, in chunks if it is large, at another node when one fails. Returns
// what PUT answers. Errors: unavailable, io, and what the nodes refuse; then it may have been
// stored all the same (unknown outcome), and storing it again is safe.
[[nodiscard]] Result<nlohmann::json> store_file(HttpClient& client, FileToStore const& put,
                                                ProgressLine& progress);

}  // namespace chisme::node::cli
