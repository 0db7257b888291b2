#include "node/security/landlock.hpp"

#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>

#include "node/storage/posix.hpp"

namespace chisme::node {
namespace {

namespace fs = std::filesystem;

// The kernel's interface, of which the headers of Debian 12 know the older part only.
using Rights = std::uint64_t;
constexpr Rights right_execute = 1u << 0;
constexpr Rights right_write_file = 1u << 1;
constexpr Rights right_read_file = 1u << 2;
constexpr Rights right_read_directory = 1u << 3;
constexpr Rights right_remove_directory = 1u << 4;
constexpr Rights right_remove_file = 1u << 5;
constexpr Rights right_make_directory = 1u << 7;
constexpr Rights right_make_file = 1u << 8;
constexpr Rights right_move = 1u << 13;  // version 2: rename and link between directories
constexpr Rights right_truncate = 1u << 14;
constexpr Rights rights_of_files =
    right_execute | right_write_file | right_read_file | right_truncate;
constexpr Rights rights_to_read = right_read_file | right_read_directory;
constexpr Rights rights_to_keep = rights_to_read | right_write_file | right_remove_directory |
                                  right_remove_file | right_make_directory | right_make_file |
                                  right_move | right_truncate;
constexpr std::uint64_t scope_abstract_sockets = 1u << 0;
constexpr std::uint64_t scope_signals = 1u << 1;
constexpr unsigned flag_version = 1;
constexpr int rule_path_beneath = 1;

struct RulesetAttributes {
  Rights files = 0;
  std::uint64_t network = 0;  // version 4; nothing is restricted: peers may have any port
  std::uint64_t scoped = 0;   // version 6
};
struct __attribute__((packed)) PathBeneath {
  Rights allowed = 0;
  std::int32_t directory = -1;
};

// All rights that a kernel of this version knows: what is not listed here is forbidden.
Rights known_rights(long version) {
  if (version >= 5) return (1u << 16) - 1;
  if (version >= 3) return (1u << 15) - 1;
  return (1u << 14) - 1;
}

// A kernel takes as many bytes as it knows, or more if they are 0.
RulesetAttributes attributes_for(long version) {
  RulesetAttributes attributes;
  attributes.files = known_rights(version);
  if (version >= 6) attributes.scoped = scope_abstract_sockets | scope_signals;
  return attributes;
}

tl::unexpected<Error> not_restricted(std::string const& why) {
  return fail(Fault::unavailable, "the files that this node may open cannot be restricted: " + why);
}

// Whatever is to be read and is not there is not missed.
Result<void> allow(Descriptor const& ruleset, fs::path const& path, Rights rights, bool must_be) {
  Descriptor const place{::open(path.c_str(), O_PATH | O_CLOEXEC)};
  if (place.number() < 0) return must_be ? Result<void>{failed("opening", path)} : Result<void>{};
  struct stat about{};
  if (::fstat(place.number(), &about) != 0) return failed("looking at", path);
  if (!S_ISDIR(about.st_mode)) rights &= rights_of_files;
  PathBeneath const rule{rights, place.number()};
  if (::syscall(SYS_landlock_add_rule, ruleset.number(), rule_path_beneath, &rule, 0) == 0) {
    return {};
  }
  return failed("restricting the files to", path);
}

Result<void> allow_all(Descriptor const& ruleset, FileAccess const& access, Rights known) {
  struct Part {
    std::vector<fs::path> const& paths;
    Rights rights;
    bool must_be;
  };
  for (Part const& part :
       {Part{access.kept, rights_to_keep & known, true}, Part{access.read, rights_to_read, false},
        Part{access.run, right_read_file | right_execute, false}}) {
    for (fs::path const& path : part.paths) {
      if (auto allowed = allow(ruleset, path, part.rights, part.must_be); !allowed) return allowed;
    }
  }
  return {};
}

}  // namespace

Result<void> restrict_files(FileAccess const& access) {
  long const version = ::syscall(SYS_landlock_create_ruleset, nullptr, 0, flag_version);
  if (version < 0) return not_restricted("this kernel has no Landlock, or does not use it");
  if (version < 2) return not_restricted("this kernel is older than 5.19");
  RulesetAttributes const attributes = attributes_for(version);
  Descriptor const ruleset{
      static_cast<int>(::syscall(SYS_landlock_create_ruleset, &attributes, sizeof attributes, 0))};
  if (ruleset.number() < 0) return not_restricted(system_failure(errno, "Landlock").message);
  if (auto allowed = allow_all(ruleset, access, attributes.files); !allowed) return allowed;
  if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 ||
      ::syscall(SYS_landlock_restrict_self, ruleset.number(), 0) != 0) {
    return not_restricted(system_failure(errno, "Landlock").message);
  }
  return {};
}

}  // namespace chisme::node
