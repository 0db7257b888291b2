#include "node/security/confinement.hpp"

#include <openssl/conf.h>
#include <openssl/crypto.h>
#include <sys/auxv.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <memory>
#include <set>
#include <sstream>
#include <utility>

#include "node/restarting.hpp"
#include "node/security/landlock.hpp"
#include "node/security/process_user.hpp"
#include "node/storage/identity_file.hpp"
#include "node/storage/posix.hpp"

namespace chisme::node {
namespace {

namespace fs = std::filesystem;

constexpr std::uint16_t low_ports_end = 1024;

fs::path directory_of(fs::path const& file) {
  fs::path const parent = file.parent_path();
  return parent.empty() ? fs::path{"."} : parent;
}

fs::path openssl_configuration() {
  std::unique_ptr<char, void (*)(char*)> const path{::CONF_get1_default_config_file(),
                                                    [](char* text) { OPENSSL_free(text); }};
  return path ? fs::path{path.get()} : fs::path{};
}

// The directories of the libraries in use, which are opened again when the node starts again and
// may be others by then; and the dynamic linker, which the kernel executes.
struct Libraries {
  std::set<fs::path> directories;
  std::vector<fs::path> linker;
};
Libraries libraries_in_use() {
  Libraries found;
  unsigned long const linker_at = ::getauxval(AT_BASE);
  std::istringstream maps{read_file("/proc/self/maps").value_or("")};
  for (std::string line; std::getline(maps, line);) {
    std::size_t const at = line.find('/');  // "7f00-7f01 r-xp 00000000 08:01 123    /lib/libc.so.6"
    if (at == std::string::npos || line.find(".so") == std::string::npos) continue;
    fs::path const library = line.substr(at);
    found.directories.insert(directory_of(library));
    unsigned long begin = 0;
    std::from_chars(line.data(), line.data() + line.size(), begin, 16);
    if (begin == linker_at && linker_at != 0) found.linker.push_back(library);
  }
  return found;
}

// What the C library reads to find a host's addresses, again and again: each may be replaced, and
// is then another file, so the directory of each is open to be read. Nothing there is this node's
// alone.
void add_resolver_files(FileAccess& access) {
  access.read.push_back("/etc");
  std::error_code unresolved;
  access.read.push_back(directory_of(fs::weakly_canonical("/etc/resolv.conf", unresolved)));
}

FileAccess files_of(NodeConfig const& config) {
  Libraries libraries = libraries_in_use();
  FileAccess access;
  access.kept = {config.data};
  access.read = {"/etc/localtime",         "/usr/share/zoneinfo",   "/etc/ld.so.cache",
                 "/etc/ld.so.preload",     openssl_configuration(), "/dev/urandom",
                 "/sys/devices/system/cpu"};
  access.read.insert(access.read.end(), libraries.directories.begin(), libraries.directories.end());
  if (!config.join_names.empty()) add_resolver_files(access);
  // A certificate is often a link, to a file of another directory in which the next one will be.
  for (auto const& file :
       {config.secret_file, config.config_file, config.tls_certificate, config.tls_key}) {
    if (!file) continue;
    std::error_code unresolved;
    access.read.push_back(directory_of(*file));
    access.read.push_back(directory_of(fs::weakly_canonical(*file, unresolved)));
  }
  access.run = std::move(libraries.linker);
  access.run.push_back("/proc/self/exe");
  return access;
}

// A node that starts again is the same process, whose restrictions hold: each time they would
// become one layer more, and the kernel has sixteen.
bool is_restricted_already() {
  if (restarts_in_a_row() == 0) return false;
  auto const root = open_directory("/");
  return !root && root.error().system_error == EACCES;
}

Result<void> become_user(NodeConfig const& config) {
  if (!config.user) return {};
  auto const user = find_user(*config.user);
  if (!user) return tl::unexpected(user.error());
  if (auto given = give_directory(*user, config.data); !given) return given;
  auto const is_low = [](Endpoint const& at) { return at.port != 0 && at.port < low_ports_end; };
  bool const needs_low_ports = is_low(config.http) || is_low(config.peer);
  return become(*user, needs_low_ports ? KeptRight::low_ports : KeptRight::none);
}

}  // namespace

Result<std::vector<std::string>> confine_process(NodeConfig const& config) {
  std::vector<std::string> warnings;
  if (auto became = become_user(config); !became) return tl::unexpected(became.error());
  if (::geteuid() == 0 && !config.parent_socket) {
    warnings.push_back(
        "this node runs as root: name with --user the user that it is to become, or start it as "
        "another");
  }
  if (config.secret_file) ::prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
  ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
  if (auto made = make_data_directory(config.data); !made) return tl::unexpected(made.error());
  if (config.unconfined || is_restricted_already()) return warnings;
  if (auto restricted = restrict_files(files_of(config)); !restricted) {
    if (restricted.error().fault != Fault::unavailable) return tl::unexpected(restricted.error());
    warnings.push_back(restricted.error().message);
  }
  return warnings;
}

}  // namespace chisme::node
