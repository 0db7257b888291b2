#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <iostream>
#include <memory>
#include <nlohmann/json.hpp>

#include "node/cli/answer_fields.hpp"
#include "node/cli/command.hpp"
#include "node/cli/resumable_put.hpp"
#include "node/cli/store_file.hpp"
#include "node/cli/text.hpp"
#include "node/storage/posix.hpp"
#include "web/ttl.hpp"

namespace chisme::node::cli {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::json;

struct PutOptions : ClientOptions {
  std::vector<std::string> files;
  std::string name;
  std::string ttl;  // empty: for ever
};

Result<ByteCount> size_of(Descriptor const& file, std::string const& path) {
  struct stat found{};
  if (::fstat(file.number(), &found) != 0) {
    return tl::unexpected<Error>(system_failure(errno, "measuring " + path));
  }
  if (!S_ISREG(found.st_mode)) return fail(Fault::invalid, path + " is not a file");
  return ByteCount{static_cast<std::uint64_t>(found.st_size)};
}

void print(Json const& stored, bool json) {
  if (json) {
    std::cout << stored.dump() << "\n";
    return;
  }
  auto const copies = part_field(stored, "copies").size();
  std::cout << printable(text_field(stored, "name")) << "  "
            << format_bytes(count_field(stored, "size")) << "  on " << copies << " of "
            << count_field(stored, "wanted") << " nodes  sha256 "
            << printable(text_field(stored, "sha256")) << "\n";
}

// The id of an upload that was to be kept for another time is another one's.
fs::path memory_of(std::string const& path, std::string const& name, std::string const& ttl) {
  return upload_memory(path, ttl.empty() ? name : name + '\0' + ttl);
}

Result<void> put_file(HttpClient& client, std::string const& path, std::string const& name,
                      PutOptions const& options) {
  auto const file = open_file(path, O_RDONLY);
  if (!file) return tl::unexpected<Error>(file.error());
  auto const size = size_of(*file, path);
  if (!size) return tl::unexpected<Error>(size.error());
  ProgressLine progress(name, size->value(), !options.json);
  auto const stored = store_file(client,
                                 {.file = *file,
                                  .path = path,
                                  .name = name,
                                  .size = *size,
                                  .ttl = options.ttl,
                                  .memory = memory_of(path, name, options.ttl)},
                                 progress);
  if (!stored) return tl::unexpected<Error>(stored.error());
  print(*stored, options.json);
  return {};
}

int put_files(PutOptions const& options) {
  if (!options.name.empty() && options.files.size() > 1) {
    return wrong_usage(Error{Fault::invalid, "--name is for one file, but several are given", 0});
  }
  // Before anything is sent.
  auto const ttl = web::parse_ttl(options.ttl.empty() ? std::nullopt : std::optional{options.ttl});
  if (!ttl) return wrong_usage(Error{Fault::invalid, "--ttl" + ttl.error().message.substr(5), 0});
  return with_client(options, [&](HttpClient& client) -> Result<void> {
    for (std::string const& path : options.files) {
      std::string const name =
          options.name.empty() ? fs::path(path).filename().string() : options.name;
      if (auto done = put_file(client, path, name, options); !done) return done;
    }
    return {};
  });
}

}  // namespace

void add_put_command(CLI::App& app, Chosen& chosen) {
  auto options = std::make_shared<PutOptions>();
  CLI::App& command =
      *app.add_subcommand("put", "store files in the cluster; goes on where it was interrupted");
  command.add_option("FILE", options->files, "what to store")->required();
  command.add_option("--name", options->name, "the name to store it under [that of the file]");
  command.add_option(
      "--ttl", options->ttl,
      "remove it again after that time, from 1s to 3650d: 90s, 10m, 24h, 7d [never]");
  add_client_options(command, *options);
  command.callback([options, &chosen] { chosen = [options] { return put_files(*options); }; });
}

}  // namespace chisme::node::cli
