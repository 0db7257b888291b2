#include "node/cli/store_file.hpp"

#include <algorithm>
#include <iostream>
#include <nlohmann/json.hpp>
#include <thread>
#include <utility>

#include "node/cli/answer_fields.hpp"
#include "node/cli/resumable_put.hpp"
#include "node/storage/sha256.hpp"

namespace chisme::node::cli {
namespace {

using Json = nlohmann::json;

// How often all nodes are tried when none takes a file: repeating an upload is safe (D2).
constexpr int send_rounds_max = 3;
// Larger files are sent in chunks that need not be sent again.
constexpr ByteCount sent_whole{ResumablePut::chunk_bytes};

Result<HttpAnswer> send_in_rounds(HttpClient& client, HttpRequest const& request) {
  for (int round = 1;; ++round) {
    auto answer = client.send(request);
    bool const may_pass =
        answer ? answer->head.status == 503 : answer.error().fault == Fault::unavailable;
    if (!may_pass || round == send_rounds_max) return answer;
    std::this_thread::sleep_for(std::chrono::seconds{round});
  }
}

Result<Json> parse_stored(HttpAnswer const& answer) {
  auto stored = Json::parse(answer.body, nullptr, false);
  if (stored.is_object()) return stored;
  return fail(Fault::io, to_string(answer.origin) + " sent an acknowledgement that is none");
}

Result<Json> put_whole(HttpClient& client, FileToStore const& put, ProgressLine& progress) {
  HttpRequest request;
  request.method = "PUT";
  request.target = "/files/" + encode_path(put.name);
  if (!put.ttl.empty()) request.target += "?ttl=" + encode_query(put.ttl);
  request.body_size = put.size;
  if (!put.type.empty()) request.headers.push_back({"Content-Type", put.type});
  request.open_body = [&]() -> Result<BodySource> {
    return [&progress, source = reader(put.file, put.path, 0),
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
  if (text_field(*route, "sha256") != to_hex(digest)) {
    return fail(Fault::digest_mismatch,
                name + " was stored, but other bytes than the file has now");
  }
  Json stored{{"name", name},
              {"version", text_field(*route, "version")},
              {"size", count_field(*route, "size")},
              {"sha256", to_hex(digest)},
              {"copies", Json::array()},
              {"wanted", count_field(ask_cluster(client), "copies_wanted")}};
  for (Json const& replica : part_field(*route, "replicas")) {
    stored["copies"].push_back(text_field(replica, "node"));
  }
  return stored;
}

}  // namespace

std::vector<Origin> all_nodes(HttpClient& client) {
  std::vector<Origin> nodes = client.nodes();
  Json const cluster = ask_cluster(client);
  for (Json const& member : part_field(cluster, "members")) {
    auto const at = parse_location(text_field(member, "http"));
    bool const usable = at && text_field(member, "state") == "alive";
    if (usable && std::ranges::find(nodes, at->origin) == nodes.end()) nodes.push_back(at->origin);
  }
  return nodes;
}

namespace {

Result<Json> put_in_chunks(HttpClient& client, FileToStore const& put, ProgressLine& progress) {
  std::vector<Origin> const nodes = all_nodes(client);
  HttpClient everybody(nodes);
  everybody.set_token(client.token());
  ResumablePut upload({.path = put.path,
                       .name = put.name,
                       .size = put.size,
                       .nodes = nodes,
                       .memory = put.memory,
                       .type = put.type,
                       .ttl = put.ttl,
                       .token = client.token()},
                      put.file);
  auto const moved = [&](Origin const& node, std::uint64_t offset) {
    std::cerr << "chisme: " << printable(put.name) << " goes on at " << to_string(node) << " from "
              << format_bytes(offset) << "\n";
  };
  auto const done = upload.run([&](std::uint64_t sent) { progress.show(sent); }, moved);
  if (!done) return tl::unexpected<Error>(done.error());
  auto const digest = digest_of(put.file, put.path);
  if (!digest) return tl::unexpected<Error>(digest.error());
  return stored_file(everybody, put.name, *digest);
}

}  // namespace

Result<Json> store_file(HttpClient& client, FileToStore const& put, ProgressLine& progress) {
  return put.size > sent_whole ? put_in_chunks(client, put, progress)
                               : put_whole(client, put, progress);
}

}  // namespace chisme::node::cli
