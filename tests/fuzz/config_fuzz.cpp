#include <cstddef>
#include <cstdint>
#include <string>

#include "cluster/base/check.hpp"
#include "node/cli/config_file.hpp"
#include "node/cli/node_options.hpp"
#include "node/cli/part_file.hpp"
#include "node/security/secret.hpp"
#include "node/storage/identity_file.hpp"
#include "node/storage/posix.hpp"
#include "tests/fuzz/directory.hpp"
#include "tests/fuzz/input.hpp"

// Files that a node or a command reads when it starts, and flags and variables: what is wrong is
// told in a sentence, and a file that is damaged is left as it is.
using namespace chisme;
using namespace chisme::node;

namespace {

void check_told(Error const& error) {
  CHECK(!error.message.empty());
}

void check_config(fuzz::Directory const& directory, std::string_view text) {
  auto const complaints = cli::complaints_about_config(text, "config.toml");
  for (std::string const& complaint : complaints) CHECK(!complaint.empty());
  auto const layer = cli::read_config_file(directory.write("config.toml", text));
  CHECK(layer || !complaints.empty());
  if (!layer) return check_told(layer.error());
  auto const config = cli::make_config({*layer});
  if (!config) return check_told(config.error());
  CHECK(config->weight > 0 && config->copies_durable <= config->copies_wanted);
}

// Lines of "key=value", as flags or variables give them.
void check_values(std::string_view text) {
  cli::Layer layer;
  while (!text.empty()) {
    std::string const line{text.substr(0, text.find('\n'))};
    text.remove_prefix(std::min(text.size(), line.size() + 1));
    std::size_t const equals = std::min(line.find('='), line.size());
    auto& given = layer[line.substr(0, equals)];
    given.where = "--" + line.substr(0, equals);
    given.values.push_back(line.substr(std::min(equals + 1, line.size())));
  }
  auto const config = cli::make_config({layer});
  if (!config) check_told(config.error());
  auto const variables = cli::read_environment([&](std::string const& name) {
    auto const found = layer.find(name);
    return found == layer.end() ? nullptr : found->second.values.front().c_str();
  });
  if (auto const made = cli::make_config({variables}); !made) check_told(made.error());
}

// So long, and neither a part of the path nor of the sentence around it, it is in a message only if
// it was put there.
bool is_telling(fuzz::Directory const& directory, std::string_view text) {
  return text.size() >= 16 && text.find_first_of(" /") == std::string_view::npos &&
         directory.path().string().find(text) == std::string::npos;
}

void check_secrets(fuzz::Directory const& directory, std::string_view text) {
  auto const secrets = read_secret_file(directory.write("secret", text));
  if (!secrets) {
    check_told(secrets.error());
    bool const is_in_it = secrets.error().message.find(text) != std::string::npos;
    CHECK(!is_in_it || !is_telling(directory, text));
    return;
  }
  CHECK(!secrets->empty() && secrets->size() <= secrets_max);
}

void check_identity(fuzz::Directory const& directory, std::string_view text) {
  auto const path = directory.write("node.toml", text);
  // The lock that the last start took lasts as long as this process: each has its own file.
  ::unlink((directory.path() / "lock").c_str());
  auto const identity = start_identity(directory.path());
  if (identity) {
    CHECK(identity->id != NodeId{} && identity->epoch > Epoch{0});
    return;
  }
  check_told(identity.error());
  CHECK(identity.error().fault == Fault::corrupt);
  CHECK(read_file(path) == std::string{text});
}

void check_part(fuzz::Directory const& directory, std::string_view text) {
  directory.write("film.part", "bytes");
  directory.write("film.part.blocks", text);
  cli::PartFile::Object const object{Digest{}, ByteCount{5}};
  auto const part = cli::PartFile::open(directory.path() / "film", object);
  CHECK(part && part->block_count() == 1 && part->bytes_present() <= 5);
}

// Descriptors of locks are kept for ever, which is too long for a process of many starts.
void close_locks() {
  for (int descriptor = 64; descriptor < 1024; ++descriptor) {
    char target[64];
    std::string const link = "/proc/self/fd/" + std::to_string(descriptor);
    ssize_t const size = ::readlink(link.c_str(), target, sizeof target);
    bool const is_lock = size > 0 && std::string_view{target, static_cast<std::size_t>(size)}.find(
                                         "/lock") != std::string_view::npos;
    if (is_lock) ::close(descriptor);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
  static fuzz::Directory const directory;
  static unsigned starts = 0;
  fuzz::Input input{data, size};
  std::uint8_t const kind = input.byte() % 5;
  if (kind == 0) check_config(directory, input.rest());
  if (kind == 1) check_values(input.rest());
  if (kind == 2) check_secrets(directory, input.rest());
  if (kind == 3) {
    check_identity(directory, input.rest());
    if (++starts % 256 == 0) close_locks();
  }
  if (kind == 4) check_part(directory, input.rest());
  return 0;
}
