#include <iostream>
#include <memory>
#include <nlohmann/json.hpp>

#include "node/cli/command.hpp"
#include "node/cli/config_example.hpp"
#include "node/cli/config_file.hpp"

namespace chisme::node::cli {
namespace {

int check_file(std::string const& path, bool json) {
  auto const text = read_config_text(path);
  if (!text) return failed(text.error());
  auto const complaints = complaints_about_config(*text, path);
  if (json) {
    std::cout << nlohmann::json{{"file", path}, {"errors", complaints}}.dump(
                     -1, ' ', false, nlohmann::json::error_handler_t::replace)
              << "\n";
  } else if (complaints.empty()) {
    std::cout << path << " is in order\n";
  }
  for (std::string const& complaint : complaints) std::cerr << complaint << "\n";
  return complaints.empty() ? 0 : 1;
}

}  // namespace

void add_config_command(CLI::App& app, Chosen& chosen) {
  struct Options {
    std::string file;
    bool json = false;
  };
  auto options = std::make_shared<Options>();
  CLI::App& command = *app.add_subcommand("config", "configuration files of nodes");
  command.require_subcommand(1);
  CLI::App& check = *command.add_subcommand("check", "say all that is wrong with a file");
  check.add_option("FILE", options->file, "the file")->required();
  check.add_flag("--json", options->json, "print JSON");
  check.callback([options, &chosen] {
    chosen = [options] { return check_file(options->file, options->json); };
  });
  CLI::App& example = *command.add_subcommand("example", "print a file with all keys, commented");
  example.callback([&chosen] {
    chosen = [] {
      std::cout << config_example() << std::flush;
      return std::cout ? 0 : failed(Error{Fault::io, "standard output cannot be written", 0});
    };
  });
}

}  // namespace chisme::node::cli
