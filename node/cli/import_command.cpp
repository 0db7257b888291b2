#include <unistd.h>

#include <iostream>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "node/cli/answer_fields.hpp"
#include "node/cli/archive.hpp"
#include "node/cli/command.hpp"
#include "node/cli/download.hpp"
#include "node/cli/export_manifest.hpp"
#include "node/cli/spool_file.hpp"
#include "node/cli/store_file.hpp"
#include "node/cli/text.hpp"

namespace chisme::node::cli {
namespace {

using Json = nlohmann::json;

struct ImportOptions : ClientOptions {
  std::string spool;
  bool replace = false;
};

struct Counts {
  std::uint64_t stored = 0;
  std::uint64_t there = 0;    // with these bytes
  std::uint64_t kept = 0;     // with others, and not to be replaced
  std::uint64_t damaged = 0;  // members that do not count left out
};

// Import stores the members of an archive, each once its bytes were found to have its SHA-256. What
// is wrong with one member does not end it.
class Import {
 public:
  Import(HttpClient& client, ImportOptions const& options, ArchiveReader archive)
      : client_(client), options_(options), archive_(std::move(archive)) {}
  Result<void> run();
  [[nodiscard]] Counts const& counts() const { return counts_; }

 private:
  Result<void> take(ArchiveMember const& member);
  Result<void> take_file(ArchiveMember const& member, std::string const& name);
  Result<void> take_manifest(ArchiveMember const& member);
  Result<void> store(SpoolFile const& spooled, ArchiveMember const& member,
                     std::string const& name);
  // Damage that counts for nothing is known only at the end.
  void note_damage(std::string const& path, std::string const& what);
  Result<void> judge(Result<void> const& read);

  struct Damage {
    std::uint64_t member;
    std::string sentence;
  };
  HttpClient& client_;
  ImportOptions const& options_;
  ArchiveReader archive_;
  MemberList list_;
  std::uint64_t members_ = 0;
  std::vector<Damage> damage_;
  std::optional<ExportManifest> manifest_;
  Counts counts_;
};

Result<void> Import::run() {
  for (;;) {
    auto const member = archive_.next();
    if (!member) return judge(tl::unexpected<Error>(member.error()));
    if (!*member) return judge({});
    auto const taken = take(**member);
    if (!taken && taken.error().fault == Fault::corrupt) return judge(taken);
    if (!taken) return taken;
  }
}

Result<void> Import::take(ArchiveMember const& member) {
  bool const is_ours =
      member.is_file && (member.path == manifest_path || member.path.starts_with(exported_files));
  if (!is_ours || !member.is_whole) {
    note_damage(member.path, is_ours ? "its name, size or SHA-256 is not what was written"
                                     : "chisme export writes no such member");
    ++members_;
    return {};
  }
  if (member.path == manifest_path) return take_manifest(member);
  std::string const name = member.path.substr(exported_files.size());
  list_.add(member.sha256, member.size, name);
  auto taken = take_file(member, name);
  ++members_;
  return taken;
}

Result<void> Import::take_file(ArchiveMember const& member, std::string const& name) {
  auto const known = ask_route(client_, name);
  Fault const fault = known ? Fault::io : known.error().fault;
  bool const absent = fault == Fault::not_found || fault == Fault::lost;
  if (!known && !absent && fault != Fault::invalid) return tl::unexpected<Error>(known.error());
  if (known && to_hex(known->object.digest) == member.sha256) {
    ++counts_.there;
    return {};
  }
  if (known && !options_.replace) {
    ++counts_.kept;
    std::cerr << "chisme: " << printable(name)
              << " has other bytes in the cluster and stays as it is (--replace)\n";
    return {};
  }
  auto spooled = SpoolFile::fill(archive_, options_.spool);
  if (!spooled) {
    if (spooled.error().fault == Fault::corrupt) note_damage(name, "its bytes end too early");
    return tl::unexpected<Error>(spooled.error());
  }
  if (spooled->size().value() != member.size || to_hex(spooled->digest()) != member.sha256) {
    note_damage(name, "its bytes do not have the SHA-256 that they had");
    return {};
  }
  return store(*spooled, member, name);
}

Result<void> Import::store(SpoolFile const& spooled, ArchiveMember const& member,
                           std::string const& name) {
  ProgressLine progress(name, member.size, !options_.json);
  auto const stored = store_file(client_,
                                 {.file = spooled.file(),
                                  .path = name,
                                  .name = name,
                                  .type = member.type,
                                  .size = spooled.size()},
                                 progress);
  if (stored && text_field(*stored, "sha256") == member.sha256) {
    ++counts_.stored;
    return {};
  }
  if (stored) return fail(Fault::io, "other bytes were stored as " + printable(name));
  if (stored.error().fault != Fault::invalid) return tl::unexpected<Error>(stored.error());
  note_damage(name, stored.error().message);  // a name, or a type, that no file may have
  return {};
}

Result<void> Import::take_manifest(ArchiveMember const& member) {
  std::string text;
  std::vector<std::byte> block(64 << 10);
  while (text.size() <= manifest_bytes_max) {
    auto const got = archive_.read(block);
    if (!got) return tl::unexpected<Error>(got.error());
    if (*got == 0) break;
    text.append(reinterpret_cast<char const*>(block.data()), *got);
  }
  if (text.size() == member.size) manifest_ = parse_manifest(text);
  if (manifest_) return {};
  return fail(Fault::corrupt, "the archive's manifest is damaged");
}

void Import::note_damage(std::string const& path, std::string const& what) {
  // Those that are not kept count for damage whatever the manifest says.
  if (damage_.size() < void_members_max) return damage_.push_back({members_, path + ": " + what});
  ++counts_.damaged;
}

Result<void> Import::judge(Result<void> const& read) {
  for (Damage const& damage : damage_) {
    if (manifest_ && manifest_->void_members.contains(damage.member)) continue;
    ++counts_.damaged;
    std::cerr << "chisme: damaged: " << printable(damage.sentence) << "\n";
  }
  if (!read) {
    return fail(Fault::corrupt, "the archive is damaged behind its first " +
                                    counted(members_, "file") +
                                    ", and the rest was not read: " + read.error().message);
  }
  if (counts_.damaged > 0) {
    return fail(Fault::corrupt,
                "not stored: " + counted(counts_.damaged, "damaged file") + " of the archive");
  }
  if (!manifest_) {
    return fail(Fault::corrupt, "the archive ends before its manifest, so files may be missing: " +
                                    std::to_string(members_) + " were there");
  }
  if (manifest_->members != members_ || manifest_->list != list_.finish()) {
    return fail(Fault::corrupt, "the archive has other members than its manifest lists");
  }
  if (manifest_->missing > 0) {
    return fail(Fault::lost, "all of the archive is stored, but " +
                                 counted(manifest_->missing, "file") +
                                 " could not be read when it was made");
  }
  return {};
}

void print_counts(Counts const& counts, bool json) {
  if (json) {
    std::cout << Json{{"stored", counts.stored},
                      {"there", counts.there},
                      {"kept", counts.kept},
                      {"damaged", counts.damaged}}
                     .dump()
              << "\n";
  } else {
    std::cout << counts.stored << " stored, " << counts.there << " were there, " << counts.kept
              << " kept, " << counts.damaged << " damaged\n";
  }
}

Result<void> import_files(HttpClient& client, ImportOptions const& options) {
  auto archive = ArchiveReader::open(STDIN_FILENO);
  if (!archive) return tl::unexpected<Error>(archive.error());
  HttpClient everybody(all_nodes(client));
  everybody.set_token(client.token());
  Import all(everybody, options, std::move(*archive));
  auto const done = all.run();
  print_counts(all.counts(), options.json);
  return done;
}

}  // namespace

void add_import_command(CLI::App& app, Chosen& chosen) {
  auto options = std::make_shared<ImportOptions>();
  CLI::App& command = *app.add_subcommand(
      "import", "store the files of an archive that chisme export made, from standard input");
  command.add_flag("--replace", options->replace, "files too that have other bytes by now");
  command.add_option("--spool", options->spool,
                     "directory for one file at a time, while it is checked [TMPDIR or /var/tmp]");
  add_client_options(command, *options);
  command.callback([options, &chosen] {
    chosen = [options] {
      return with_client(*options,
                         [&](HttpClient& client) { return import_files(client, *options); });
    };
  });
}

}  // namespace chisme::node::cli
