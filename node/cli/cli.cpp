#include "node/cli/cli.hpp"

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <iostream>
#include <span>

#include "node/cli/client_token.hpp"
#include "node/cli/command.hpp"
#include "node/cli/nearest.hpp"
#include "node/version.hpp"

namespace chisme::node::cli {
namespace {

// The command that was meant, as in `chisme token new`.
CLI::App const& chosen_in(CLI::App const& app) {
  auto const chosen = app.get_subcommands();
  return chosen.empty() ? app : chosen_in(*chosen.front());
}

std::string full_name(CLI::App const& command) {
  CLI::App const* const parent = command.get_parent();
  return (parent == nullptr ? "" : full_name(*parent) + " ") + command.get_name();
}

// Of the options that `command` does not have the first; empty: it has all.
std::string unknown_option(CLI::App const& command, std::span<char const* const> arguments) {
  for (std::string_view const argument : arguments) {
    if (argument == "--") break;
    std::string name{argument.substr(0, argument.find('='))};
    if (name.starts_with("--") && command.get_option_no_throw(name) == nullptr) return name;
  }
  return {};
}

std::string near_option(CLI::App const& command, std::string const& name) {
  std::vector<std::string> known;
  for (CLI::Option const* const option : command.get_options()) {
    for (std::string const& each : option->get_lnames()) known.push_back("--" + each);
  }
  return "there is no option " + name + suggestion_for(name, known);
}

// The library's message may have several lines and a hint at its end; the first sentence is enough.
int report(CLI::App const& app, CLI::ParseError const& error,
           std::span<char const* const> arguments) {
  if (error.get_exit_code() == 0) return app.exit(error, std::cout, std::cerr);
  CLI::App const& command = chosen_in(app);
  std::string message = error.what();
  message = message.substr(0, message.find('\n'));
  bool const has_more = error.get_exit_code() == static_cast<int>(CLI::ExitCodes::ExtrasError);
  auto const unknown = has_more ? unknown_option(command, arguments) : "";
  if (!unknown.empty()) message = near_option(command, unknown);
  std::cerr << "chisme: " << message << " (see " << full_name(command) << " --help)\n";
  return 2;
}

// The library would only say that a command is required.
bool is_unknown_command(CLI::App const& app, int count, char const* const* arguments) {
  if (count < 2 || arguments[1][0] == '-') return false;
  auto const commands = app.get_subcommands([](CLI::App const*) { return true; });
  return std::none_of(commands.begin(), commands.end(),
                      [&](CLI::App const* command) { return command->get_name() == arguments[1]; });
}

// What to do when the one node that was named, or is asked by itself, does not answer.
Error with_hint(Error error, std::size_t nodes) {
  if (nodes == 1 && error.fault == Fault::unavailable && error.system_error == ECONNREFUSED) {
    error.message += ". Start it, or name another node with --node URL, or several";
  }
  return error;
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
  if (!done) return failed(with_hint(done.error(), client.nodes().size()));
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
    return report(app, error, {arguments, static_cast<std::size_t>(count)});
  }
  return chosen();
}

}  // namespace chisme::node::cli
