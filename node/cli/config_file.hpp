#pragma once

#include <cstddef>
#include <filesystem>
#include <string>
#include <vector>

#include "cluster/base/result.hpp"
#include "node/cli/node_options.hpp"

// The configuration file of a node: TOML 1.0, each key of `node_keys` with a text, a number, a
// truth (switches) or a list of them (keys that may be repeated).
namespace chisme::node::cli {

// A larger file is refused: it is none.
inline constexpr std::size_t config_bytes_max = std::size_t{1} << 20;

// What a file says, and all that is wrong with it: sentences that name file, line and key. What is
// wrong is not in the layer.
struct ParsedConfig {
  Layer layer;
  std::vector<std::string> complaints;
};
// Its keys and the kinds of their values; of text that is no TOML the first mistake alone.
[[nodiscard]] ParsedConfig parse_config(std::string_view text, std::string const& path);
// The same with the values, and what they say together: all that `chisme config check` tells.
[[nodiscard]] std::vector<std::string> complaints_about_config(std::string_view text,
                                                               std::string const& path);

// Faults: not_found, io, invalid; with a sentence that names the file.
[[nodiscard]] Result<std::string> read_config_text(std::filesystem::path const& path);
// Faults: invalid, with the first complaint.
[[nodiscard]] Result<Layer> read_config_file(std::filesystem::path const& path);

}  // namespace chisme::node::cli
