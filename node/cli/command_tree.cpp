#include "node/cli/command_tree.hpp"

#include <algorithm>
#include <string_view>

namespace chisme::node::cli {
namespace {

// By what an option is called and what its help says.
bool is_about_files(std::string const& name, std::string const& help) {
  static constexpr std::string_view named[] = {"FILE",     "--config", "--data",      "--ca",
                                               "--output", "--spool",  "--token-file"};
  bool const listed =
      std::ranges::any_of(named, [&](std::string_view one) { return name.find(one) == 0; });
  return listed || help.starts_with("file ") || help.starts_with("directory ");
}

CommandOption option_of(CLI::Option const& option) {
  CommandOption made;
  for (std::string const& name : option.get_snames()) made.names.push_back("-" + name);
  for (std::string const& name : option.get_lnames()) made.names.push_back("--" + name);
  if (made.names.empty()) made.positional = option.get_name(true);
  made.help = option.get_description();
  made.takes_value = option.get_items_expected_max() > 0;
  made.is_required = option.get_required();
  std::string const called = made.names.empty() ? made.positional : made.names.back();
  made.takes_file = made.takes_value && is_about_files(called, made.help);
  return made;
}

}  // namespace

CommandNode command_tree(CLI::App const& app) {
  CommandNode node{app.get_name(), app.get_description(), {}, {}};
  for (CLI::Option const* option : app.get_options()) {
    if (!option->get_group().empty()) node.options.push_back(option_of(*option));
  }
  for (CLI::App const* command : app.get_subcommands([](CLI::App const*) { return true; })) {
    if (!command->get_group().empty()) node.commands.push_back(command_tree(*command));
  }
  return node;
}

}  // namespace chisme::node::cli
