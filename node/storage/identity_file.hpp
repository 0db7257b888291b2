#pragma once

#include <filesystem>

#include "cluster/base/identity.hpp"
#include "cluster/base/result.hpp"

namespace chisme::node {

struct Identity {
  NodeId id;
  Epoch epoch;
};

// Makes the directory, if there is none. Fault: io, with a sentence that says what to do.
[[nodiscard]] Result<void> make_data_directory(std::filesystem::path const& data);

// DATA/node.toml: made with a random id when the directory is new; the epoch is raised and synced
// at every call, that is, at every start. Also takes an exclusive lock on the directory (flock on
// DATA/lock) that lasts as long as the process. Faults: io (unreadable or unwritable directory),
// corrupt (an id or epoch that does not parse: nothing is overwritten), busy (another process has
// the directory).
[[nodiscard]] Result<Identity> start_identity(std::filesystem::path const& data);

}  // namespace chisme::node
