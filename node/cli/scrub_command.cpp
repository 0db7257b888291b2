#include <chrono>
#include <iostream>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <thread>

#include "node/cli/answer_fields.hpp"
#include "node/cli/command.hpp"
#include "node/cli/file_listing.hpp"
#include "node/cli/text.hpp"

namespace chisme::node::cli {
namespace {

using Json = nlohmann::json;

constexpr std::chrono::milliseconds look_at_scrub_period{200};

Result<Json> ask_scrub(HttpClient& client, Origin const& origin, std::string const& method) {
  HttpRequest request;
  request.method = method;
  request.target = "/cluster/scrub";
  auto const answer = client.send_to(origin, request);
  if (!answer) return tl::unexpected<Error>(answer.error());
  if (!answer->is_success()) return tl::unexpected<Error>(problem_of(*answer));
  auto status = Json::parse(answer->body, nullptr, false);
  if (status.is_object()) return status;
  return fail(Fault::io, to_string(origin) + " does not say how far its scrub is");
}

Result<Json> scrub_to_its_end(HttpClient& client, Origin const& origin, bool quiet) {
  if (auto const begun = ask_scrub(client, origin, "POST"); !begun) return begun;
  std::unique_ptr<ProgressLine> progress;
  std::uint64_t copies = 0;
  for (;;) {
    auto status = ask_scrub(client, origin, "GET");
    if (!status) return status;
    if (!flag_field(*status, "running")) {
      if (count_field(*status, "copies") >= copies) return status;
      return fail(Fault::io, to_string(origin) + " started again before its scrub was done");
    }
    copies = count_field(*status, "copies");
    std::uint64_t const bytes = count_field(*status, "bytes");
    if (!progress && bytes > 0) {
      progress = std::make_unique<ProgressLine>(to_string(origin), bytes, !quiet);
    }
    if (progress) progress->show(count_field(*status, "bytes_checked"));
    std::this_thread::sleep_for(look_at_scrub_period);
  }
}

// Under which names people know the damaged objects; a digest may have several, or none any more.
Result<std::multimap<std::string, std::string>> names_of(HttpClient& client, Json const& digests) {
  std::multimap<std::string, std::string> names;
  FileListing files(client, "");
  for (;;) {
    auto const file = files.next();
    if (!file) return tl::unexpected<Error>(file.error());
    if (!*file) return names;
    for (Json const& digest : digests) {
      if (digest == (*file)->sha256) names.emplace((*file)->sha256, (*file)->name);
    }
  }
}

Result<void> print_result(HttpClient& client, Origin const& origin, Json status, bool json) {
  Json const& damaged = part_field(status, "damaged_sha256");
  Json named = Json::array();
  if (!damaged.empty()) {
    auto const names = names_of(client, damaged);
    if (!names) return tl::unexpected<Error>(names.error());
    for (Json const& digest : damaged) {
      if (!digest.is_string()) continue;
      Json of_this = Json::array();
      auto const [first, last] = names->equal_range(digest.get<std::string>());
      for (auto at = first; at != last; ++at) of_this.push_back(at->second);
      named.push_back(Json{{"sha256", digest}, {"names", std::move(of_this)}});
    }
  }
  if (json) {
    status["node"] = to_string(origin);
    status["damaged_files"] = named;
    std::cout << status.dump(-1, ' ', false, Json::error_handler_t::replace) << "\n";
    return {};
  }
  std::cout << to_string(origin) << ": " << count_field(status, "checked") << " copies, "
            << format_bytes(count_field(status, "bytes_checked")) << " read, "
            << count_field(status, "damaged") << " damaged\n";
  for (Json const& one : named) {
    std::cout << "damaged  " << printable(text_field(one, "sha256"));
    for (Json const& name : part_field(one, "names")) {
      std::cout << "  " << printable(name.get<std::string>());
    }
    std::cout << "\n";
  }
  return {};
}

Result<void> scrub(HttpClient& client, ClientOptions const& options) {
  std::uint64_t damaged = 0;
  for (Origin const& origin : client.nodes()) {
    auto const status = scrub_to_its_end(client, origin, options.json);
    if (!status) return tl::unexpected<Error>(status.error());
    damaged += count_field(*status, "damaged");
    auto const printed = print_result(client, origin, *status, options.json);
    if (!printed) return printed;
  }
  if (damaged == 0) return {};
  return fail(Fault::corrupt, std::to_string(damaged) +
                                  " copies were damaged: they are in quarantine, and are made "
                                  "again from the other nodes' copies");
}

}  // namespace

void add_scrub_command(CLI::App& app, Chosen& chosen) {
  auto options = std::make_shared<ClientOptions>();
  CLI::App& command = *app.add_subcommand(
      "scrub", "read all copies of these nodes now and compare them with their SHA-256");
  add_client_options(command, *options);
  command.callback([options, &chosen] {
    chosen = [options] {
      return with_client(*options, [&](HttpClient& client) { return scrub(client, *options); });
    };
  });
}

}  // namespace chisme::node::cli
