#pragma once

#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "cluster/base/result.hpp"
#include "cluster/base/strong.hpp"
#include "node/cli/http_client.hpp"
#include "node/storage/posix.hpp"

namespace chisme::node::cli {

// A source of the bytes from `from` on; `path` is for its errors.
[[nodiscard]] BodySource reader(Descriptor const& file, std::string path, std::uint64_t from);

// ResumablePut brings one file into the cluster by tus, chunk by chunk: when the node that takes it
// dies, hangs or refuses, the next one goes on from the last byte that is safe. `memory` keeps the
// upload's id, so that the same command goes on where an earlier one was interrupted.
//
// `run` is called once; it blocks. Errors: unavailable (no byte became safe for `patience`), io
// (the file), and what the nodes refuse.
class ResumablePut {
 public:
  static constexpr std::uint64_t chunk_bytes = std::uint64_t{16} << 20;
  struct Options {
    std::string path;
    std::string name;
    ByteCount size;
    std::vector<Origin> nodes;
    std::filesystem::path memory;  // empty: none
    std::string type = {};         // media type; empty: by its name
    std::string ttl = {};          // how long it is kept; empty: for ever
    std::string token = {};        // shown to the nodes; empty: none
    std::chrono::milliseconds patience = std::chrono::seconds{30};
    // Without a byte moving for this long, a node counts as hung.
    std::chrono::milliseconds node_patience = std::chrono::seconds{10};
  };
  ResumablePut(Options options, Descriptor const& file);

  // `progress` gets the bytes that were sent; `moved` where it goes on after a failure.
  [[nodiscard]] Result<void> run(std::function<void(std::uint64_t)> const& progress,
                                 std::function<void(Origin const&, std::uint64_t)> const& moved);

 private:
  // Each moves the upload on by one answer. Fault: unavailable, if another try may help.
  [[nodiscard]] Result<void> step();
  [[nodiscard]] Result<void> create();
  [[nodiscard]] Result<void> ask();
  [[nodiscard]] Result<void> send_chunk();
  [[nodiscard]] Result<HttpAnswer> send(HttpRequest request);
  [[nodiscard]] std::chrono::milliseconds patience(std::chrono::milliseconds otherwise) const;
  [[nodiscard]] Result<void> learn(HttpAnswer const& answer);

  Options options_;
  Descriptor const& file_;
  HttpClient client_;
  std::function<void(std::uint64_t)> progress_;
  std::string upload_;                   // "/uploads/ID"; empty: there is none
  std::uint64_t safe_ = 0;               // what some node said is safe
  std::optional<std::uint64_t> offset_;  // what is safe; nullopt: it must be asked for
  bool all_sent_ = false;                // what is left may take long: a file is made of the parts
  std::optional<Origin> taker_;          // who answered last
};

// Where `put` keeps ids: $XDG_STATE_HOME/chisme/uploads/…, else below ~/.local/state; empty when
// there is no such place. A file that is changed, or stored by another name, has another one.
[[nodiscard]] std::filesystem::path upload_memory(std::string const& path, std::string const& name);

}  // namespace chisme::node::cli
