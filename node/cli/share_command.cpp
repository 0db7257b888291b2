#include <cmath>
#include <cstdint>
#include <iostream>
#include <memory>
#include <nlohmann/json.hpp>

#include "cluster/base/duration.hpp"
#include "node/cli/command.hpp"
#include "node/cli/text.hpp"

namespace chisme::node::cli {
namespace {

using Json = nlohmann::json;

struct ShareOptions : ClientOptions {
  std::string name;
  std::string expires = "1d";
  std::uint32_t downloads = 0;  // 0: as many as one likes
  std::string revoked;
};

Result<HttpAnswer> succeed(HttpClient& client, HttpRequest const& request) {
  auto answer = client.send(request);
  if (answer && !answer->is_success()) return tl::unexpected<Error>(problem_of(*answer));
  return answer;
}

HttpRequest request_with_body(Json const& json) {
  HttpRequest request;
  std::string const body = json.dump();
  request.method = "POST";
  request.target = "/shares";
  request.headers = {{"Content-Type", "application/json"}};
  request.body_size = ByteCount{body.size()};
  request.open_body = [body]() -> Result<BodySource> {
    return [body, at = std::size_t{0}](std::span<std::byte> into) mutable -> Result<std::size_t> {
      std::size_t const count = std::min(into.size(), body.size() - at);
      auto const bytes = std::as_bytes(std::span{body}).subspan(at, count);
      std::copy(bytes.begin(), bytes.end(), into.begin());
      at += count;
      return count;
    };
  };
  return request;
}

Result<void> make_link(HttpClient& client, ShareOptions const& options, double seconds) {
  Json wish{{"name", options.name}, {"seconds", static_cast<std::uint64_t>(std::floor(seconds))}};
  if (options.downloads > 0) wish["downloads"] = options.downloads;
  auto const answer = succeed(client, request_with_body(wish));
  if (!answer) return tl::unexpected<Error>(answer.error());
  Json made = Json::parse(answer->body, nullptr, false);
  if (!made.is_object() || !made.value("url", "").starts_with("/")) {
    return fail(Fault::io, to_string(answer->origin) + " sent a link that is none");
  }
  std::string const url = to_string(answer->origin) + made.value("url", "");
  if (options.json) {
    made["url"] = url;
    std::cout << made.dump() << "\n";
    return {};
  }
  std::cout << url << "\n";
  std::cerr << "chisme: good at every node until " << printable(made.value("expires", ""))
            << ". To take it back: chisme share --revoke " << printable(made.value("id", ""))
            << "\n";
  return {};
}

Result<void> revoke_link(HttpClient& client, ShareOptions const& options) {
  HttpRequest request;
  request.method = "DELETE";
  request.target = "/shares/" + encode_path(options.revoked);
  auto const answer = succeed(client, request);
  if (!answer) return tl::unexpected<Error>(answer.error());
  std::cout << (options.json ? Json{{"revoked", options.revoked}}.dump()
                             : "revoked " + printable(options.revoked))
            << "\n";
  return {};
}

int share(ShareOptions const& options) {
  if (options.name.empty() == options.revoked.empty()) {
    return wrong_usage(Error{
        Fault::invalid, "say which file to share, or which link to take back: --revoke ID", 0});
  }
  if (!options.revoked.empty()) {
    return with_client(options, [&](HttpClient& client) { return revoke_link(client, options); });
  }
  auto const seconds = parse_seconds(options.expires);
  if (!seconds || !(*seconds >= 60 && *seconds <= 31'536'000)) {
    return wrong_usage(
        Error{Fault::invalid,
              "\"" + options.expires +
                  "\" is not a time such as 10m, 24h or 7d, from a minute to 365 days",
              0});
  }
  return with_client(options,
                     [&](HttpClient& client) { return make_link(client, options, *seconds); });
}

}  // namespace

void add_share_command(CLI::App& app, Chosen& chosen) {
  auto options = std::make_shared<ShareOptions>();
  CLI::App& command = *app.add_subcommand(
      "share", "print a URL that opens one file to whoever has it, without a token");
  command.add_option("NAME", options->name, "the file");
  command.add_option("--expires", options->expires, "for how long: 10m, 24h, 7d [1d]");
  command.add_option("--downloads", options->downloads, "how often it may be fetched [any]")
      ->check(CLI::Range(1u, 4294967295u));
  command.add_option("--revoke", options->revoked, "id of a link to take back");
  add_client_options(command, *options);
  command.callback([options, &chosen] { chosen = [options] { return share(*options); }; });
}

}  // namespace chisme::node::cli
