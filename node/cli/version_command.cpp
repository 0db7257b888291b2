#include <iostream>
#include <memory>

#include "node/cli/command.hpp"
#include "node/version.hpp"

namespace chisme::node::cli {

void add_version_command(CLI::App& app, Chosen& chosen) {
  auto json = std::make_shared<bool>(false);
  CLI::App& command = *app.add_subcommand("version", "print the program's version");
  command.add_flag("--json", *json, "print JSON");
  command.callback([json, &chosen] {
    chosen = [json] {
      std::cout << (*json ? "{\"version\":\"" : "chisme ") << program_version
                << (*json ? "\"}" : "") << "\n";
      return 0;
    };
  });
}

}  // namespace chisme::node::cli
