#pragma once

#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>
#include <functional>
#include <string>
#include <vector>

#include "cluster/base/result.hpp"
#include "node/cli/http_client.hpp"

// What the commands share. Each `add_…` declares one command; if it is the one that was asked for,
// parsing sets `chosen`. Data goes to standard output, the rest to standard error.
namespace chisme::node::cli {

using Chosen = std::function<int()>;

void add_node_command(CLI::App& app, Chosen& chosen);
void add_join_command(CLI::App& app, Chosen& chosen);
void add_up_command(CLI::App& app, Chosen& chosen);
void add_put_command(CLI::App& app, Chosen& chosen);
void add_get_command(CLI::App& app, Chosen& chosen);
void add_ls_command(CLI::App& app, Chosen& chosen);
void add_rm_command(CLI::App& app, Chosen& chosen);
void add_status_command(CLI::App& app, Chosen& chosen);
void add_doctor_command(CLI::App& app, Chosen& chosen);
void add_completion_command(CLI::App& app, Chosen& chosen);
void add_man_command(CLI::App& app, Chosen& chosen);
void add_scrub_command(CLI::App& app, Chosen& chosen);
void add_export_command(CLI::App& app, Chosen& chosen);
void add_import_command(CLI::App& app, Chosen& chosen);
void add_drain_command(CLI::App& app, Chosen& chosen);
void add_watch_command(CLI::App& app, Chosen& chosen);
void add_config_command(CLI::App& app, Chosen& chosen);
void add_ca_command(CLI::App& app, Chosen& chosen);
void add_token_command(CLI::App& app, Chosen& chosen);
void add_share_command(CLI::App& app, Chosen& chosen);
void add_secret_command(CLI::App& app, Chosen& chosen);
void add_version_command(CLI::App& app, Chosen& chosen);
void add_sim_command(CLI::App& app, Chosen& chosen);
void add_failpoints_command(CLI::App& app, Chosen& chosen);
void add_sim_balance_command(CLI::App& sim, Chosen& chosen);

// --node, --ca, --token-file and --json, which every client command has.
struct ClientOptions {
  std::vector<std::string> nodes;
  std::string token_file;
  bool json = false;
};
inline constexpr bool without_json = false;  // what it prints is no text
void add_client_options(CLI::App& command, ClientOptions& options, bool with_json = true);
[[nodiscard]] Result<std::vector<Origin>> origins_of(ClientOptions const& options);

// Prints the sentence on standard error; returns the exit code of a failure, or of wrong usage.
[[nodiscard]] int failed(Error const& error);
[[nodiscard]] int wrong_usage(Error const& error);

// Runs `run` with a client of the nodes that the options name: 1 when it fails.
[[nodiscard]] int with_client(ClientOptions const& options,
                              std::function<Result<void>(HttpClient&)> const& run);

}  // namespace chisme::node::cli
