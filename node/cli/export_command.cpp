#include <unistd.h>

#include <iostream>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "node/cli/archive.hpp"
#include "node/cli/command.hpp"
#include "node/cli/download.hpp"
#include "node/cli/export_manifest.hpp"
#include "node/cli/file_blocks.hpp"
#include "node/cli/file_listing.hpp"
#include "node/cli/rfc3339.hpp"
#include "node/cli/store_file.hpp"
#include "node/cli/text.hpp"

namespace chisme::node::cli {
namespace {

// How often a file is written anew that changes, or comes damaged, while it is written.
constexpr int export_tries_max = 5;

// Export writes the cluster's files to standard output, one after the other, in names' order.
class Export {
 public:
  Export(HttpClient& client, ArchiveWriter archive)
      : client_(client), archive_(std::move(archive)) {}

  Result<void> run(std::string const& prefix);
  [[nodiscard]] std::string summary() const;

 private:
  // True: it is in the archive. False: it was removed, or no node has its bytes.
  Result<bool> add(ListedFile file);
  Result<void> add_once(ListedFile const& file);
  // What the name stands for by now; false: for nothing.
  Result<bool> look_again(ListedFile& file);
  Result<void> begin_member(ListedFile const& file);
  Result<void> finish();
  void complain(std::string const& name, Error const& error);

  HttpClient& client_;
  ArchiveWriter archive_;
  ExportManifest manifest_;
  MemberList list_;
  bool in_member_ = false;
};

Result<void> Export::run(std::string const& prefix) {
  FileListing files(client_, prefix);
  for (;;) {
    auto const file = files.next();
    if (!file) return tl::unexpected<Error>(file.error());
    if (!*file) return finish();
    auto const added = add(**file);
    if (!added) return tl::unexpected<Error>(added.error());
  }
}

Result<bool> Export::add(ListedFile file) {
  for (int tries = 1;; ++tries) {
    auto const added = add_once(file);
    if (added) return true;
    if (std::exchange(in_member_, false)) {
      manifest_.void_members.insert(manifest_.members - 1);
      if (manifest_.void_members.size() > void_members_max) {
        return fail(Fault::io, "too many files change while they are exported");
      }
    }
    Fault const fault = added.error().fault;
    bool const changed = fault == Fault::precondition_failed || fault == Fault::digest_mismatch;
    bool const gone = fault == Fault::not_found || fault == Fault::lost;
    if (!changed && !gone) return tl::unexpected<Error>(added.error());
    auto const is_there = look_again(file);
    if (!is_there) return tl::unexpected<Error>(is_there.error());
    if (!*is_there) return false;
    if (fault == Fault::lost || tries == export_tries_max) {
      complain(file.name, added.error());
      return false;
    }
  }
}

// Nothing is written before its first block is there.
Result<void> Export::add_once(ListedFile const& file) {
  FileBlocks blocks(client_, {file.name, file.sha256, file.size});
  Sha256 hash;
  for (std::uint64_t at = 0; at < file.size;) {
    auto const block = blocks.read(at);
    if (!block) return tl::unexpected<Error>(block.error());
    if (at == 0) {
      if (auto begun = begin_member(file); !begun) return begun;
    }
    hash.update(*block);
    at += block->size();
    if (auto wrote = archive_.write(*block); !wrote) return wrote;
  }
  if (file.size == 0) {
    if (auto begun = begin_member(file); !begun) return begun;
  }
  if (to_hex(hash.finish()) != file.sha256) {
    return fail(Fault::digest_mismatch, "the bytes that came do not have its SHA-256");
  }
  in_member_ = false;
  manifest_.bytes += file.size;
  return {};
}

Result<void> Export::begin_member(ListedFile const& file) {
  auto begun = archive_.begin({.path = std::string{exported_files} + file.name,
                               .size = file.size,
                               .sha256 = file.sha256,
                               .type = file.type,
                               .modified = seconds_of(file.modified)});
  if (!begun) return begun;
  in_member_ = true;
  list_.add(file.sha256, file.size, file.name);
  ++manifest_.members;
  return {};
}

Result<bool> Export::look_again(ListedFile& file) {
  auto const route = ask_route(client_, file.name);
  if (route) {
    file.sha256 = to_hex(route->object.digest);
    file.size = route->object.size.value();
    return true;
  }
  if (route.error().fault == Fault::not_found) return false;
  if (route.error().fault == Fault::lost) {
    complain(file.name, route.error());
    return false;
  }
  return tl::unexpected<Error>(route.error());
}

void Export::complain(std::string const& name, Error const& error) {
  ++manifest_.missing;
  std::cerr << "chisme: not exported: " << printable(name) << ": " << error.message << "\n";
}

Result<void> Export::finish() {
  manifest_.list = list_.finish();
  std::string const text = encode(manifest_);
  auto written = archive_.begin({.path = std::string{manifest_path}, .size = text.size()})
                     .and_then([&] { return archive_.write(std::as_bytes(std::span(text))); })
                     .and_then([&] { return archive_.finish(); });
  if (!written || manifest_.missing == 0) return written;
  return fail(Fault::lost, "the archive lacks " + counted(manifest_.missing, "file"));
}

std::string Export::summary() const {
  return counted(manifest_.members - manifest_.void_members.size(), "file") + ", " +
         format_bytes(manifest_.bytes);
}

Result<void> export_files(HttpClient& client, std::string const& prefix) {
  auto archive = ArchiveWriter::open(STDOUT_FILENO);
  if (!archive) return tl::unexpected<Error>(archive.error());
  // Whoever of the cluster is alive when one of them fails.
  HttpClient everybody(all_nodes(client), std::chrono::seconds{10});
  everybody.set_token(client.token());
  Export all(everybody, std::move(*archive));
  auto const done = all.run(prefix);
  if (done) std::cerr << "chisme: exported " << all.summary() << "\n";
  return done;
}

}  // namespace

void add_export_command(CLI::App& app, Chosen& chosen) {
  struct Options : ClientOptions {
    std::string prefix;
  };
  auto options = std::make_shared<Options>();
  CLI::App& command = *app.add_subcommand(
      "export", "write all files, with their SHA-256, to standard output as a tar archive");
  command.add_option("PREFIX", options->prefix, "only names that begin so");
  add_client_options(command, *options, without_json);
  command.callback([options, &chosen] {
    chosen = [options] {
      if (::isatty(STDOUT_FILENO) != 0) {
        return wrong_usage(Error{
            Fault::invalid, "an archive is no text for a terminal: chisme export > FILE.tar", 0});
      }
      return with_client(*options,
                         [&](HttpClient& client) { return export_files(client, options->prefix); });
    };
  });
}

}  // namespace chisme::node::cli
