#include <iostream>
#include <memory>
#include <nlohmann/json.hpp>

#include "node/cli/answer_fields.hpp"
#include "node/cli/command.hpp"
#include "node/cli/text.hpp"

namespace chisme::node::cli {
namespace {

using Json = nlohmann::json;

// Every page of the list of files that begin with `prefix`.
Result<Json> list_files(HttpClient& client, std::string const& prefix) {
  Json files = Json::array();
  std::string after;
  for (;;) {
    HttpRequest request;
    request.target =
        "/files?limit=1000&prefix=" + encode_query(prefix) + "&after=" + encode_query(after);
    auto const answer = client.send(request);
    if (!answer) return tl::unexpected<Error>(answer.error());
    if (!answer->is_success()) return tl::unexpected<Error>(problem_of(*answer));
    auto page = Json::parse(answer->body, nullptr, false);
    if (!page.is_object() || !page["files"].is_array()) {
      return fail(Fault::io, to_string(answer->origin) + " sent a list that is none");
    }
    for (Json& file : page["files"]) files.push_back(std::move(file));
    if (!page["next"].is_string()) return files;
    std::string next = page["next"].get<std::string>();
    if (next <= after) return fail(Fault::io, to_string(answer->origin) + " repeats its list");
    after = std::move(next);
  }
}

std::string table_of_files(Json const& files) {
  std::vector<std::vector<std::string>> rows{{"SIZE", "COPIES", "MODIFIED", "NAME"}};
  for (Json const& file : files) {
    rows.push_back({format_bytes(count_field(file, "size")),
                    flag_field(file, "incomplete")
                        ? "uploading"
                        : std::to_string(count_field(file, "copies")) + "/" +
                              std::to_string(count_field(file, "wanted")),
                    printable(text_field(file, "modified")), printable(text_field(file, "name"))});
  }
  return format_table(rows);
}

}  // namespace

void add_ls_command(CLI::App& app, Chosen& chosen) {
  struct Options : ClientOptions {
    std::string prefix;
  };
  auto options = std::make_shared<Options>();
  CLI::App& command = *app.add_subcommand("ls", "list the cluster's files");
  command.add_option("PREFIX", options->prefix, "only names that begin so");
  add_client_options(command, *options);
  command.callback([options, &chosen] {
    chosen = [options] {
      return with_client(*options, [&](HttpClient& client) -> Result<void> {
        auto const files = list_files(client, options->prefix);
        if (!files) return tl::unexpected<Error>(files.error());
        std::cout << (options->json ? Json{{"files", *files}}.dump() + "\n"
                                    : table_of_files(*files));
        return {};
      });
    };
  });
}

}  // namespace chisme::node::cli
