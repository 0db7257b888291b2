#include <iostream>
#include <memory>
#include <string>

#include "node/cli/command.hpp"
#include "node/cli/completion.hpp"

namespace chisme::node::cli {

void add_completion_command(CLI::App& app, Chosen& chosen) {
  auto shell = std::make_shared<std::string>();
  CLI::App& command =
      *app.add_subcommand("completion", "print the script by which a shell completes commands");
  command.add_option("SHELL", *shell, "bash, zsh or fish")->required();
  command.callback([&app, shell, &chosen] {
    chosen = [&app, shell] {
      CommandNode const program = command_tree(app);
      if (*shell == "bash") {
        std::cout << bash_completion(program);
      } else if (*shell == "zsh") {
        std::cout << zsh_completion(program);
      } else if (*shell == "fish") {
        std::cout << fish_completion(program);
      } else {
        return wrong_usage(
            Error{Fault::invalid, "\"" + *shell + "\" is not one of bash, zsh, fish", 0});
      }
      return 0;
    };
  });
}

}  // namespace chisme::node::cli
