#include <iostream>
#include <memory>
#include <nlohmann/json.hpp>

#include "node/cli/command.hpp"
#include "node/cli/text.hpp"

namespace chisme::node::cli {
namespace {

// Goes on with the other names when one fails: the last error is returned, the others are printed.
Result<void> remove_files(HttpClient& client, std::vector<std::string> const& names, bool json) {
  Result<void> result;
  for (std::string const& name : names) {
    HttpRequest request;
    request.method = "DELETE";
    request.target = "/files/" + encode_path(name);
    auto const answer = client.send(request);
    if (answer && answer->is_success()) {
      std::cout << (json ? nlohmann::json{{"removed", name}}.dump() : "removed " + printable(name))
                << "\n";
      continue;
    }
    if (!result) static_cast<void>(failed(result.error()));
    result = tl::unexpected<Error>(answer ? problem_of(*answer) : answer.error());
  }
  return result;
}

}  // namespace

void add_rm_command(CLI::App& app, Chosen& chosen) {
  struct Options : ClientOptions {
    std::vector<std::string> names;
  };
  auto options = std::make_shared<Options>();
  CLI::App& command = *app.add_subcommand("rm", "remove files from the cluster");
  command.add_option("NAME", options->names, "the files")->required();
  add_client_options(command, *options);
  command.callback([options, &chosen] {
    chosen = [options] {
      return with_client(*options, [&](HttpClient& client) {
        return remove_files(client, options->names, options->json);
      });
    };
  });
}

}  // namespace chisme::node::cli
