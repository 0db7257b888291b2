#include "node/cli/cli.hpp"

#include <algorithm>
#include <csignal>
#include <cstdlib>
#include <iostream>

#include "node/cli/client_token.hpp"
#include "node/cli/command.hpp"
#include "node/cli/nearest.hpp"
#include "node/version.hpp"

namespace chisme::node::cli {
namespace {

// The library's message may have several lines and a hint at its end; the first sentence is enough.
int report(CLI::App const& app, CLI::ParseError const& error) {
  if (error.get_exit_code() == 0) return app.exit(error, std::cout, std::cerr);
  std::string message = error.what();
  message = message.substr(0, message.find('\n'));
  return wrong_usage(Error{Fault::invalid, message, 0});
}

// The library would only say that a command is required.
bool is_unknown_command(CLI::App const& app, int count, char const* const* arguments) {
  if (count < 2 || arguments[1][0] == '-') return false;
  auto const commands = app.get_subcommands([](CLI::App const*) { return true; });
  return std::none_of(commands.begin(), commands.end(),
                      [&](CLI::App const* command) { return command->get_name() == arguments[1]; });
}

}  // namespace

void add_client_options(CLI::App& command, ClientOptions& options, bool with_json) {
  command
      .add_option("--node", options.nodes,
                  "URL of a node; may be repeated: the others are tried when one fails")
      ->allow_extra_args(false)
      ->delimiter(',')
      ->envname("CHISME_NODE");
  // The environment brings it to each connection.
  command.add_option_function<std::string>(
      "--ca", [](std::string const& file) { ::setenv("CHISME_CA", file.c_str(), 1); },
      "certificates that https:// nodes' are signed by [CHISME_CA, or those the system trusts]");
  command.add_option("--token-file", options.token_file,
                     "file with the token to show, mode 0600 [the variable CHISME_TOKEN]");
  if (with_json) command.add_flag("--json", options.json, "print JSON");
}

Result<std::vector<Origin>> origins_of(ClientOptions const& options) {
  std::vector<std::string> urls = options.nodes;
  if (urls.empty()) urls.emplace_back("http://127.0.0.1:7701");
  std::vector<Origin> origins;
  for (std::string const& url : urls) {
    auto const location = parse_location(url);
    if (!location) return tl::unexpected<Error>(location.error());
    if (location->target != "/") {
      return fail(Fault::invalid, "\"" + url + "\" has a path: a node is named without one");
    }
    origins.push_back(location->origin);
  }
  return origins;
}

int failed(Error const& error) {
  std::cerr << "chisme: " << error.message << "\n";
  return 1;
}

int wrong_usage(Error const& error) {
  std::cerr << "chisme: " << error.message << " (see chisme --help)\n";
  return 2;
}

int with_client(ClientOptions const& options, std::function<Result<void>(HttpClient&)> const& run) {
  auto const origins = origins_of(options);
  if (!origins) return wrong_usage(origins.error());
  auto token = client_token(options.token_file);
  if (!token) return wrong_usage(token.error());
  HttpClient client(*origins);
  client.set_token(std::move(*token));
  auto const done = run(client);
  if (!done) return failed(done.error());
  std::cout.flush();
  return std::cout ? 0 : failed(Error{Fault::io, "standard output cannot be written", 0});
}

int run(int count, char const* const* arguments) {
  std::signal(SIGPIPE, SIG_IGN);
  CLI::App app("chisme: a cluster of identical nodes that hold files and play them", "chisme");
  app.require_subcommand(1);
  app.set_version_flag("--version", std::string("chisme ") + program_version);
  Chosen chosen;
  add_node_command(app, chosen);
  add_join_command(app, chosen);
  add_up_command(app, chosen);
  add_put_command(app, chosen);
  add_get_command(app, chosen);
  add_ls_command(app, chosen);
  add_rm_command(app, chosen);
  add_status_command(app, chosen);
  add_drain_command(app, chosen);
  add_scrub_command(app, chosen);
  add_doctor_command(app, chosen);
  add_export_command(app, chosen);
  add_import_command(app, chosen);
  add_watch_command(app, chosen);
  add_config_command(app, chosen);
  add_token_command(app, chosen);
  add_share_command(app, chosen);
  add_secret_command(app, chosen);
  add_ca_command(app, chosen);
  add_version_command(app, chosen);
  add_sim_command(app, chosen);
  add_failpoints_command(app, chosen);
  add_completion_command(app, chosen);
  add_man_command(app, chosen);
  if (is_unknown_command(app, count, arguments)) {
    std::vector<std::string> known;
    for (CLI::App const* command : app.get_subcommands([](CLI::App const*) { return true; })) {
      known.push_back(command->get_name());
    }
    std::string const word = arguments[1];
    return wrong_usage(Error{
        Fault::invalid, "there is no command \"" + word + "\"" + suggestion_for(word, known), 0});
  }
  try {
    app.parse(count, arguments);
  } catch (CLI::ParseError const& error) {
    return report(app, error);
  }
  return chosen();
}

}  // namespace chisme::node::cli
