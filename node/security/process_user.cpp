#include "node/security/process_user.hpp"

#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <pwd.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <charconv>
#include <optional>
#include <string_view>
#include <vector>

#include "cluster/base/check.hpp"
#include "node/storage/posix.hpp"

namespace chisme::node {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t entry_bytes_max = 64u << 10;  // of a user or a group with many members

tl::unexpected<Error> wrong_user(std::string const& text, std::string const& why) {
  return fail(Fault::invalid, "--user " + text + ": " + why);
}

std::optional<unsigned> number_of(std::string_view text) {
  unsigned number = 0;
  auto const [end, fault] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (fault != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return number;
}

Result<gid_t> find_group(std::string const& text, std::string const& name) {
  if (auto const number = number_of(name)) return *number;
  std::vector<char> strings(entry_bytes_max);
  ::group entry{};
  ::group* found = nullptr;
  ::getgrnam_r(name.c_str(), &entry, strings.data(), strings.size(), &found);
  if (found == nullptr) return wrong_user(text, "there is no group " + name);
  return found->gr_gid;
}

tl::unexpected<Error> not_become(std::string const& what) {
  return tl::unexpected<Error>(system_failure(errno, "giving up the rights of root: " + what));
}

// Of all capabilities (capabilities(7)) these; they stay when the program is executed again.
Result<void> keep_capabilities(std::uint64_t kept) {
  __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
  std::array<__user_cap_data_struct, _LINUX_CAPABILITY_U32S_3> sets{};
  for (std::size_t i = 0; i < sets.size(); ++i) {
    auto const part = static_cast<std::uint32_t>(kept >> (32 * i));
    sets[i] = {part, part, part};
  }
  if (::syscall(SYS_capset, &header, sets.data()) != 0) return not_become("capset");
  if (::prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) != 0) return not_become("ambient");
  for (unsigned capability = 0; capability < 64; ++capability) {
    if ((kept >> capability & 1) == 0) continue;
    if (::prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, capability, 0, 0) != 0) {
      return not_become("ambient");
    }
  }
  return {};
}

bool is_only(ProcessUser const& user) {
  uid_t real = 0, effective = 0, saved = 0;
  gid_t real_group = 0, effective_group = 0, saved_group = 0;
  if (::getresuid(&real, &effective, &saved) != 0) return false;
  if (::getresgid(&real_group, &effective_group, &saved_group) != 0) return false;
  gid_t others = 0;
  int const count = ::getgroups(1, &others);
  return real == user.user && effective == user.user && saved == user.user &&
         real_group == user.group && effective_group == user.group && saved_group == user.group &&
         (count == 0 || (count == 1 && others == user.group));
}

// Each is tried, for what the system says of itself may be less than what it does.
bool can_come_back() {
  return ::setresuid(0, 0, 0) == 0 || ::seteuid(0) == 0 || ::setresgid(0, 0, 0) == 0 ||
         ::setgroups(0, nullptr) == 0;
}

}  // namespace

Result<ProcessUser> find_user(std::string const& text) {
  std::size_t const colon = text.find(':');
  std::string const name = text.substr(0, colon);
  std::vector<char> strings(entry_bytes_max);
  ::passwd entry{};
  ::passwd* found = nullptr;
  auto const number = number_of(name);
  if (number) {
    ::getpwuid_r(*number, &entry, strings.data(), strings.size(), &found);
  } else {
    ::getpwnam_r(name.c_str(), &entry, strings.data(), strings.size(), &found);
  }
  if (found == nullptr && !(number && colon != std::string::npos)) {
    return wrong_user(text, number
                                ? "a user without a name needs a group, as in " + name + ":" + name
                                : "there is no such user; make one with: useradd --system " + name);
  }
  ProcessUser user{text, number ? *number : found->pw_uid, found ? found->pw_gid : 0};
  if (colon != std::string::npos) {
    auto const group = find_group(text, text.substr(colon + 1));
    if (!group) return tl::unexpected(group.error());
    user.group = *group;
  }
  if (user.user != 0 && user.group != 0) return user;
  return wrong_user(text, "root's rights are to be given up: name another user and group");
}

Result<void> give_directory(ProcessUser const& user, fs::path const& directory) {
  struct stat about{};
  bool const is_new = ::stat(directory.c_str(), &about) != 0 && errno == ENOENT;
  if (auto made = make_directories(directory); !made) return made;
  auto const opened = open_file(directory, O_PATH | O_DIRECTORY | (is_new ? O_NOFOLLOW : 0));
  if (!opened) return tl::unexpected(opened.error());
  if (::fstat(opened->number(), &about) != 0) return failed("looking at", directory);
  if (about.st_uid == user.user) return {};
  if (is_new && about.st_uid == ::geteuid() &&
      ::fchownat(opened->number(), "", user.user, user.group, AT_EMPTY_PATH) == 0) {
    return {};
  }
  return fail(Fault::invalid, "the data directory " + directory.string() +
                                  " belongs to another user than --user " + user.name +
                                  " names; run: chown -R " + user.name + " " + directory.string());
}

ActingAs::ActingAs(ProcessUser const& user) : is_root_{::geteuid() == 0} {
  if (is_root_) CHECK(::setegid(user.group) == 0 && ::seteuid(user.user) == 0);
}

ActingAs::~ActingAs() {
  if (is_root_) CHECK(::seteuid(0) == 0 && ::setegid(0) == 0);
}

Result<void> become(ProcessUser const& user, KeptRight kept) {
  if (::geteuid() != 0) {
    if (is_only(user)) return {};
    return wrong_user(user.name, "only root can become another user: start it as root, or without");
  }
  std::uint64_t const rights =
      kept == KeptRight::low_ports ? std::uint64_t{1} << CAP_NET_BIND_SERVICE : 0;
  if (::setgroups(1, &user.group) != 0) return not_become("setgroups");
  if (::setresgid(user.group, user.group, user.group) != 0) return not_become("setresgid");
  // Else all capabilities would go with the user, and none could be kept.
  if (::prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0) != 0) return not_become("keepcaps");
  if (::setresuid(user.user, user.user, user.user) != 0) return not_become("setresuid");
  if (auto dropped = keep_capabilities(rights); !dropped) return dropped;
  if (::prctl(PR_SET_KEEPCAPS, 0, 0, 0, 0) != 0) return not_become("keepcaps");
  if (is_only(user) && !can_come_back()) return {};
  return fail(Fault::io, "the rights of root could be taken back after they were given up");
}

}  // namespace chisme::node
