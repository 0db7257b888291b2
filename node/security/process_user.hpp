#pragma once

#include <sys/types.h>

#include <filesystem>
#include <string>

#include "cluster/base/result.hpp"

// As which user of the system a node goes on that root started.
namespace chisme::node {

struct ProcessUser {
  std::string name;  // as it was given
  uid_t user = 0;
  gid_t group = 0;
};

// "NAME", whose own group counts, "NAME:GROUP", or numbers. Fault: invalid, with a sentence: there
// is no such user or group, or it is root.
[[nodiscard]] Result<ProcessUser> find_user(std::string const& text);

// The directory belongs to the user: it is made if there is none. Fault: invalid, with a sentence,
// when it is another's; what making it met.
[[nodiscard]] Result<void> give_directory(ProcessUser const& user,
                                          std::filesystem::path const& directory);

// While it lives, what root makes and opens is made and opened by the user; nothing changes for who
// is not root. REQUIRES: no other thread.
class ActingAs {
 public:
  explicit ActingAs(ProcessUser const& user);
  ~ActingAs();
  ActingAs(ActingAs const&) = delete;
  ActingAs& operator=(ActingAs const&) = delete;

 private:
  bool is_root_;
};

// What is left of root's rights: the one to take ports below 1024, or none.
enum class KeptRight { none, low_ports };
// All threads of this process are this user's and of this group alone from now on; only the calling
// one, and those that it starts, have the right that is kept. Does nothing for who is that user
// already, as a node is that starts again. Faults: invalid (neither root nor that user started it),
// io (it did not work, or could be taken back: end the process).
[[nodiscard]] Result<void> become(ProcessUser const& user, KeptRight kept);

}  // namespace chisme::node
