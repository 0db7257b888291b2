#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <iostream>
#include <memory>
#include <nlohmann/json.hpp>
#include <thread>

#include "node/cli/command.hpp"
#include "node/cli/resumable_put.hpp"
#include "node/cli/text.hpp"
#include "node/storage/posix.hpp"
#include "node/storage/sha256.hpp"

namespace chisme::node::cli {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::json;

struct PutOptions : ClientOptions {
  std::vector<std::string> files;
  std::string name;
};

// How often all nodes are tried when none takes a file: repeating an upload is safe (D2).
constexpr int send_rounds_max = 3;
// Larger files are sent in chunks that need not be sent again.
constexpr ByteCount sent_whole{ResumablePut::chunk_bytes};

Result<ByteCount> size_of(Descriptor const& file, std::string const& path) {
  struct stat found{};
  if (::fstat(file.number(), &found) != 0) {
    return tl::unexpected<Error>(system_failure(errno, "measuring " + path));
  }
  if (!S_ISREG(found.st_mode)) return fail(Fault::invalid, path + " is not a file");
  return ByteCount{static_cast<std::uint64_t>(found.st_size)};
}

Result<HttpAnswer> send_in_rounds(HttpClient& client, HttpRequest const& request) {
  for (int round = 1;; ++round) {
    auto answer = client.send(request);
    bool const may_pass =
        answer ? answer->head.status == 503 : answer.error().fault == Fault::unavailable;
    if (!may_pass || round == send_rounds_max) return answer;
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

Result<Json> parse_stored(HttpAnswer const& answer) {
  auto stored = Json::parse(answer.body, nullptr, false);
  if (stored.is_object()) return stored;
  return fail(Fault::io, to_string(answer.origin) + " sent an acknowledgement that is none");
}

Result<Json> put_whole(HttpClient& client, Descriptor const& file, ResumablePut::Options const& put,
                       ProgressLine& progress) {
  HttpRequest request;
  request.method = "PUT";
  request.target = "/files/" + encode_path(put.name);
  request.body_size = put.size;
  request.open_body = [&]() -> Result<BodySource> {
    return [&progress, source = reader(file, put.path, 0),
            sent = std::uint64_t{0}](std::span<std::byte> into) mutable {
      auto const got = source(into);
      if (got) progress.show(sent += *got);
      return got;
    };
  };
  auto const answer = send_in_rounds(client, request);
  if (!answer) return tl::unexpected<Error>(answer.error());
  if (!answer->is_success()) return tl::unexpected<Error>(problem_of(*answer));
  return parse_stored(*answer);
}

// An empty object when no node answers.
Json ask_cluster(HttpClient& client) {
  HttpRequest request;
  request.target = "/cluster";
  auto const answer = client.send(request);
  auto const cluster = answer ? Json::parse(answer->body, nullptr, false) : Json();
  return cluster.is_object() ? cluster : Json::object();
}

// The nodes that were named, then those that they know of.
std::vector<Origin> all_nodes(HttpClient& client) {
  std::vector<Origin> nodes = client.nodes();
  for (Json const& member : ask_cluster(client).value("members", Json::array())) {
    auto const at = parse_location(member.value("http", ""));
    bool const usable = at && member.value("state", "") == "alive";
    if (usable && std::ranges::find(nodes, at->origin) == nodes.end()) nodes.push_back(at->origin);
  }
  return nodes;
}

Result<Digest> digest_of(Descriptor const& file, std::string const& path) {
  auto source = reader(file, path, 0);
  std::vector<std::byte> block(std::size_t{1} << 20);
  Sha256 sum;
  for (;;) {
    auto const got = source(block);
    if (!got) return tl::unexpected<Error>(got.error());
    if (*got == 0) return sum.finish();
    sum.update(std::span(block).first(*got));
  }
}

// What PUT would have answered. Another SHA-256 than the file's: it changed while it was sent, or
// somebody else replaced it at once.
Result<Json> stored_file(HttpClient& client, std::string const& name, Digest const& digest) {
  HttpRequest request;
  request.target = "/route?file=" + encode_query(name);
  auto const answer = client.send(request);
  if (!answer) return tl::unexpected<Error>(answer.error());
  if (!answer->is_success()) return tl::unexpected<Error>(problem_of(*answer));
  auto const route = parse_stored(*answer);
  if (!route) return route;
  if (route->value("sha256", "") != to_hex(digest)) {
    return fail(Fault::digest_mismatch,
                name + " was stored, but other bytes than the file has now");
  }
  Json stored{{"name", name},
              {"version", route->value("version", "")},
              {"size", route->value("size", std::uint64_t{0})},
              {"sha256", to_hex(digest)},
              {"copies", Json::array()},
              {"wanted", ask_cluster(client).value("copies_wanted", 0)}};
  for (Json const& replica : route->value("replicas", Json::array())) {
    stored["copies"].push_back(replica.value("node", ""));
  }
  return stored;
}

Result<Json> put_in_chunks(HttpClient& client, Descriptor const& file, ResumablePut::Options put,
                           ProgressLine& progress) {
  put.nodes = all_nodes(client);
  put.token = client.token();
  put.memory = upload_memory(put.path, put.name);
  HttpClient everybody(put.nodes);
  everybody.set_token(client.token());
  std::string const name = put.name;
  std::string const path = put.path;
  ResumablePut upload(std::move(put), file);
  auto const moved = [&](Origin const& node, std::uint64_t offset) {
    std::cerr << "chisme: " << printable(name) << " goes on at " << to_string(node) << " from "
              << format_bytes(offset) << "\n";
  };
  auto const done = upload.run([&](std::uint64_t sent) { progress.show(sent); }, moved);
  if (!done) return tl::unexpected<Error>(done.error());
  auto const digest = digest_of(file, path);
  if (!digest) return tl::unexpected<Error>(digest.error());
  return stored_file(everybody, name, *digest);
}

Result<void> put_file(HttpClient& client, std::string const& path, std::string const& name,
                      bool json) {
  auto const file = open_file(path, O_RDONLY);
  if (!file) return tl::unexpected<Error>(file.error());
  auto const size = size_of(*file, path);
  if (!size) return tl::unexpected<Error>(size.error());
  ProgressLine progress(name, size->value(), !json);
  ResumablePut::Options const put{
      .path = path, .name = name, .size = *size, .nodes = {}, .memory = {}};
  auto const stored = *size > sent_whole ? put_in_chunks(client, *file, put, progress)
                                         : put_whole(client, *file, put, progress);
  if (!stored) return tl::unexpected<Error>(stored.error());
  print(*stored, json);
  return {};
}

int put_files(PutOptions const& options) {
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
  auto options = std::make_shared<PutOptions>();
  CLI::App& command =
      *app.add_subcommand("put", "store files in the cluster; goes on where it was interrupted");
  command.add_option("FILE", options->files, "what to store")->required();
  command.add_option("--name", options->name, "the name to store it under [that of the file]");
  add_client_options(command, *options);
  command.callback([options, &chosen] { chosen = [options] { return put_files(*options); }; });
}

}  // namespace chisme::node::cli
