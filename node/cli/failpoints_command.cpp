#include <iostream>

#include "node/cli/command.hpp"
#include "node/failpoint.hpp"

namespace chisme::node::cli {
namespace {

int list_failpoints() {
#ifdef CHISME_FAILPOINTS
  for (std::string const& name : failpoint_names()) std::cout << name << "\n";
  return 0;
#else
  return failed(Error{Fault::invalid,
                      "this program has no failpoints: build one with -DCHISME_FAILPOINTS=ON", 0});
#endif
}

}  // namespace

void add_failpoints_command(CLI::App& app, Chosen& chosen) {
  CLI::App& command = *app.add_subcommand(
      "failpoints", "list the moments at which tests let a node die, one name a line");
  command.callback([&chosen] { chosen = list_failpoints; });
}

}  // namespace chisme::node::cli
