#include "node/storage/identity_file.hpp"

#include <fcntl.h>
#include <openssl/rand.h>
#include <sys/file.h>

#include <toml++/toml.h>
#include <array>
#include <bit>
#include <cerrno>
#include <limits>
#include <optional>
#include <string>

#include "cluster/base/check.hpp"
#include "node/failpoint.hpp"
#include "node/storage/posix.hpp"

namespace chisme::node {
namespace {

namespace fs = std::filesystem;

// The lock is never given back: it ends with the process, however that ends.
Result<void> lock_for_ever(fs::path const& data) {
  fs::path const path = data / "lock";
  auto file = open_file(path, O_RDWR | O_CREAT);
  if (!file) return tl::unexpected<Error>(file.error());
  if (::flock(file->number(), LOCK_EX | LOCK_NB) == 0) {
    static_cast<void>(file->release());
    return {};
  }
  int const number = errno;
  if (number != EWOULDBLOCK) {
    return tl::unexpected<Error>(system_failure(number, "locking " + path.string()));
  }
  return fail(Fault::busy, "another process uses " + data.string() +
                               ": stop it, or give this node its own directory with --data");
}

tl::unexpected<Error> corrupt(fs::path const& path, std::string const& why) {
  return fail(Fault::corrupt,
              path.string() + " is damaged (" + why +
                  "): restore it from a backup, or move it aside and start again as a new node, "
                  "which then offers the objects it has");
}

Result<Identity> parse(std::string const& text, fs::path const& path) try {
  toml::table const table = toml::parse(text);
  auto const id = parse_node_id(table["id"].value_or(std::string{}));
  if (!id || *id == NodeId{}) return corrupt(path, "`id` must be 32 hexadecimal digits");
  auto const epoch = table["epoch"].value<std::int64_t>();
  if (!epoch || *epoch < 1 || *epoch >= std::numeric_limits<std::uint32_t>::max()) {
    return corrupt(path, "`epoch` must be a number from 1 to 4294967294");
  }
  return Identity{*id, Epoch{static_cast<std::uint32_t>(*epoch)}};
} catch (toml::parse_error const& error) {
  return corrupt(path, std::string(error.description()));
}

NodeId random_id() {
  std::array<unsigned char, sizeof(NodeId)> bytes{};
  CHECK(RAND_bytes(bytes.data(), static_cast<int>(bytes.size())) == 1);
  return std::bit_cast<NodeId>(bytes);
}

std::string text_of(Identity const& identity) {
  return "# This node's name, and how often it has started. Do not copy it to another node.\n"
         "id = \"" +
         to_string(identity.id) + "\"\n" + "epoch = " + std::to_string(identity.epoch.value()) +
         "\n";
}

// A sentence that says what to do, around whatever the system said.
tl::unexpected<Error> unusable(fs::path const& data, Error const& error) {
  return fail(Fault::io,
              "cannot use " + data.string() + " as data directory (" + error.message +
                  "): make it a directory that this user may write, or choose another with --data",
              error.system_error);
}

}  // namespace

Result<void> make_data_directory(fs::path const& data) {
  if (auto made = make_directories(data); !made) return unusable(data, made.error());
  return {};
}

Result<Identity> start_identity(fs::path const& data) {
  if (auto made = make_data_directory(data); !made) return tl::unexpected<Error>(made.error());
  if (auto locked = lock_for_ever(data); !locked) {
    if (locked.error().fault == Fault::busy) return tl::unexpected<Error>(locked.error());
    return unusable(data, locked.error());
  }
  fs::path const path = data / "node.toml";
  Identity identity{random_id(), Epoch{0}};
  auto const text = read_file(path);
  if (text) {
    auto const found = parse(*text, path);
    if (!found) return found;
    identity = *found;
  } else if (text.error().fault != Fault::not_found) {
    return unusable(data, text.error());
  }
  FAILPOINT("epoch.read");
  identity.epoch = Epoch{identity.epoch.value() + 1};
  auto written = replace_file(path, text_of(identity));
  if (!written) return unusable(data, written.error());
  FAILPOINT("epoch.raised");
  return identity;
}

}  // namespace chisme::node
