#pragma once

#include <CLI/App.hpp>
#include <string>
#include <vector>

// What the program's commands and options are, taken from the parser itself: completions and the
// manual page are made of it.
namespace chisme::node::cli {

struct CommandOption {
  std::vector<std::string> names;  // "-o", "--output"; empty for a positional
  std::string positional;          // "NAME"; empty for a named one
  std::string help;
  bool takes_value = false;
  bool is_required = false;
  bool takes_file = false;  // files complete it
};
struct CommandNode {
  std::string name;
  std::string help;
  std::vector<CommandOption> options;
  std::vector<CommandNode> commands;
};
// Without what is hidden (an empty group). REQUIRES: `app` is built in whole.
[[nodiscard]] CommandNode command_tree(CLI::App const& app);

}  // namespace chisme::node::cli
