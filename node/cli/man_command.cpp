#include <iostream>

#include "node/cli/command.hpp"
#include "node/cli/man_page.hpp"

namespace chisme::node::cli {

void add_man_command(CLI::App& app, Chosen& chosen) {
  CLI::App& command = *app.add_subcommand("man", "print the manual page chisme(1)");
  command.group("");  // for packages
  command.callback([&app, &chosen] {
    chosen = [&app] {
      std::cout << man_page(command_tree(app));
      return 0;
    };
  });
}

}  // namespace chisme::node::cli
