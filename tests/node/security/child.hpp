#pragma once

#include <sys/wait.h>
#include <unistd.h>

#include <functional>

namespace chisme::node::test {

// What `question` answers in a process of its own, which ends with what it gave up.
inline bool in_a_child(std::function<bool()> const& question) {
  pid_t const child = ::fork();
  if (child == 0) ::_exit(question() ? 0 : 1);
  int status = 0;
  return child > 0 && ::waitpid(child, &status, 0) == child && WIFEXITED(status) &&
         WEXITSTATUS(status) == 0;
}

}  // namespace chisme::node::test
