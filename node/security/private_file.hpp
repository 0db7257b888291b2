#pragma once

#include <filesystem>
#include <string>

#include "cluster/base/result.hpp"

namespace chisme::node {

// The text of a small file that only this user may read: of secrets and tokens. `what` names it in
// sentences ("secret file"), which never repeat its text. Faults: not_found, io; invalid: others
// than its owner may read or write it, its owner is neither this user nor root, it is no plain
// file, or longer than `private_file_bytes_max`.
inline constexpr std::size_t private_file_bytes_max = std::size_t{16} << 10;
[[nodiscard]] Result<std::string> read_private_file(std::filesystem::path const& path,
                                                    std::string const& what);

}  // namespace chisme::node
