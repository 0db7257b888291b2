#pragma once

#include <string>

#include "node/cli/command_tree.hpp"

namespace chisme::node::cli {

// The manual page chisme(1), for man(1): all commands and options, with what their help says.
[[nodiscard]] std::string man_page(CommandNode const& program);

}  // namespace chisme::node::cli
