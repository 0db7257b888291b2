#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <filesystem>
#include <iostream>
#include <memory>
#include <nlohmann/json.hpp>

#include "node/cli/command.hpp"
#include "node/cli/download.hpp"
#include "node/cli/text.hpp"

namespace chisme::node::cli {
namespace {

namespace fs = std::filesystem;

struct GetOptions : ClientOptions {
  std::string name;
  std::string output;
  unsigned connections = 4;
};

// The name's last segment: a name from the cluster never becomes a path.
fs::path default_output(std::string const& name) {
  return name.substr(name.rfind('/') + 1);
}

Result<void> copy_to_standard_output(fs::path const& path) {
  auto const file = open_file(path, O_RDONLY);
  if (!file) return tl::unexpected<Error>(file.error());
  std::array<std::byte, 1 << 16> block{};
  for (;;) {
    ssize_t const got = ::read(file->number(), block.data(), block.size());
    if (got == 0) return {};
    if (got < 0) return tl::unexpected<Error>(system_failure(errno, "reading " + path.string()));
    auto wrote = write_all(STDOUT_FILENO, std::span(block).first(static_cast<std::size_t>(got)),
                           "standard output");
    if (!wrote) return wrote;
  }
}

Result<void> fetch_whole(HttpClient& client, GetOptions const& options, fs::path const& target,
                         Route const& route) {
  auto part = PartFile::open(target, route.object);
  if (!part) return tl::unexpected<Error>(part.error());
  ProgressLine progress(options.name, route.object.size.value(), !options.json);
  Download transfer({options.name, client.nodes(), options.connections, client.token()}, route,
                    *part);
  return transfer.run([&](std::uint64_t bytes) { progress.show(bytes); }).and_then([&] {
    return part->finish([](std::uint64_t) {});
  });
}

// When what arrives has another hash, a holder's copy has rotted and its scrub has not seen it yet.
// Which one sent the wrong bytes is not known: each is asked for the whole file, one after another.
Result<PartFile::Object> download(HttpClient& client, GetOptions const& options,
                                  fs::path const& target) {
  auto const route = ask_route(client, options.name);
  if (!route) return tl::unexpected<Error>(route.error());
  auto done = fetch_whole(client, options, target, *route);
  for (Origin const& holder : route->replicas) {
    if (done || done.error().fault != Fault::digest_mismatch) break;
    std::cerr << "chisme: wrong bytes came for " << printable(options.name) << ": asking "
              << to_string(holder) << " for all of it\n";
    done = fetch_whole(client, options, target, {route->version, route->object, {holder}});
  }
  if (!done) return tl::unexpected<Error>(done.error());
  return route->object;
}

// To standard output only once it is whole and checked: by way of a temporary file.
Result<void> get_to_standard_output(HttpClient& client, GetOptions const& options) {
  std::string directory = (fs::temp_directory_path() / "chisme-get-XXXXXX").string();
  if (::mkdtemp(directory.data()) == nullptr) {
    return tl::unexpected<Error>(system_failure(errno, "making a temporary directory"));
  }
  fs::path const target = fs::path(directory) / "file";
  auto done = download(client, options, target).and_then([&](PartFile::Object const&) {
    return copy_to_standard_output(target);
  });
  std::error_code ignored;
  fs::remove_all(directory, ignored);
  return done;
}

Result<void> get(HttpClient& client, GetOptions const& options) {
  if (options.output == "-") return get_to_standard_output(client, options);
  fs::path target =
      options.output.empty() ? default_output(options.name) : fs::path(options.output);
  if (fs::is_directory(target)) target /= default_output(options.name);
  auto const object = download(client, options, target);
  if (!object) return tl::unexpected<Error>(object.error());
  if (options.json) {
    std::cout << nlohmann::json{{"name", options.name},
                                {"path", target.string()},
                                {"size", object->size.value()},
                                {"sha256", to_hex(object->digest)}}
                     .dump()
              << "\n";
  } else {
    std::cout << printable(target.string()) << "  " << format_bytes(object->size.value())
              << "  sha256 " << to_hex(object->digest) << "\n";
  }
  return {};
}

}  // namespace

void add_get_command(CLI::App& app, Chosen& chosen) {
  auto options = std::make_shared<GetOptions>();
  CLI::App& command = *app.add_subcommand(
      "get", "fetch a file from several holders; goes on where it was interrupted");
  command.add_option("NAME", options->name, "the file")->required();
  command.add_option("-o,--output", options->output, "where to put it, - for standard output");
  command.add_option("--connections", options->connections, "blocks fetched at once [4]")
      ->check(CLI::Range(1u, 64u));
  add_client_options(command, *options);
  command.callback([options, &chosen] {
    chosen = [options] {
      return with_client(*options, [&](HttpClient& client) { return get(client, *options); });
    };
  });
}

}  // namespace chisme::node::cli
