#pragma once

#include <string>

#include "node/cli/command_tree.hpp"

namespace chisme::node::cli {

// Scripts by which shells complete commands, options and, where files are meant, files. What they
// offer is in the text: no program runs while somebody types.
[[nodiscard]] std::string bash_completion(CommandNode const& program);
[[nodiscard]] std::string zsh_completion(CommandNode const& program);
[[nodiscard]] std::string fish_completion(CommandNode const& program);

}  // namespace chisme::node::cli
