#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <iostream>
#include <memory>
#include <nlohmann/json.hpp>
#include <thread>

#include "node/cli/command.hpp"
#include "node/cli/text.hpp"
#include "node/storage/posix.hpp"

namespace chisme::node::cli {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::json;

struct Options : ClientOptions {
  std::vector<std::string> files;
  std::string name;
};

// How often all nodes are tried when none takes a file: repeating an upload is safe (D2).
constexpr int rounds_max = 3;

Result<ByteCount> size_of(Descriptor const& file, std::string const& path) {
  struct stat found{};
  if (::fstat(file.number(), &found) != 0) {
    return tl::unexpected<Error>(system_failure(errno, "measuring " + path));
  }
  if (!S_ISREG(found.st_mode)) return fail(Fault::invalid, path + " is not a file");
  return ByteCount{static_cast<std::uint64_t>(found.st_size)};
}

// Reads the file from its beginning and shows how far it has got.
BodySource reader(Descriptor const& file, std::string const& path, ProgressLine& progress) {
  return [&file, &progress, path,
          at = std::uint64_t{0}](std::span<std::byte> into) mutable -> Result<std::size_t> {
    ssize_t got = 0;
    do {
      got = ::pread(file.number(), into.data(), into.size(), static_cast<off_t>(at));
    } while (got < 0 && errno == EINTR);
    if (got < 0) return tl::unexpected<Error>(system_failure(errno, "reading " + path));
    at += static_cast<std::uint64_t>(got);
    progress.show(at);
    return static_cast<std::size_t>(got);
  };
}

Result<HttpAnswer> send_in_rounds(HttpClient& client, HttpRequest const& request) {
  for (int round = 1;; ++round) {
    auto answer = client.send(request);
    bool const may_pass =
        answer ? answer->head.status == 503 : answer.error().fault == Fault::unavailable;
    if (!may_pass || round == rounds_max) return answer;
    std::this_thread::sleep_for(std::chrono::seconds{round});
  }
}

void print(Json const& stored, bool json) {
  if (json) {
    std::cout << stored.dump() << "\n";
    return;
  }
  auto const copies = stored.value("copies", Json::array()).size();
  std::cout << printable(stored.value("name", "")) << "  "
            << format_bytes(stored.value("size", std::uint64_t{0})) << "  on " << copies << " of "
            << stored.value("wanted", 0) << " nodes  sha256 "
            << printable(stored.value("sha256", "")) << "\n";
}

Result<void> put_file(HttpClient& client, std::string const& path, std::string const& name,
                      bool json) {
  auto const file = open_file(path, O_RDONLY);
  if (!file) return tl::unexpected<Error>(file.error());
  auto const size = size_of(*file, path);
  if (!size) return tl::unexpected<Error>(size.error());
  ProgressLine progress(name, size->value(), !json);
  HttpRequest request;
  request.method = "PUT";
  request.target = "/files/" + encode_path(name);
  request.body_size = *size;
  request.open_body = [&]() -> Result<BodySource> { return reader(*file, path, progress); };
  auto const answer = send_in_rounds(client, request);
  if (!answer) return tl::unexpected<Error>(answer.error());
  if (!answer->is_success()) return tl::unexpected<Error>(problem_of(*answer));
  auto const stored = Json::parse(answer->body, nullptr, false);
  if (!stored.is_object()) {
    return fail(Fault::io, to_string(answer->origin) + " sent an acknowledgement that is none");
  }
  print(stored, json);
  return {};
}

int put_files(Options const& options) {
  if (!options.name.empty() && options.files.size() > 1) {
    return wrong_usage(Error{Fault::invalid, "--name is for one file, but several are given", 0});
  }
  return with_client(options, [&](HttpClient& client) -> Result<void> {
    for (std::string const& path : options.files) {
      std::string const name =
          options.name.empty() ? fs::path(path).filename().string() : options.name;
      if (auto done = put_file(client, path, name, options.json); !done) return done;
    }
    return {};
  });
}

}  // namespace

void add_put_command(CLI::App& app, Chosen& chosen) {
  auto options = std::make_shared<Options>();
  CLI::App& command = *app.add_subcommand("put", "store files in the cluster");
  command.add_option("FILE", options->files, "what to store")->required();
  command.add_option("--name", options->name, "the name to store it under [that of the file]");
  add_client_options(command, *options);
  command.callback([options, &chosen] { chosen = [options] { return put_files(*options); }; });
}

}  // namespace chisme::node::cli
