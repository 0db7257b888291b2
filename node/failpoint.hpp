#pragma once

// FAILPOINT("room.moment") marks a moment at which a process may be killed, for the tests of what a
// node that dies there leaves behind (tests/chaos). The program has them only when it is built with
// -DCHISME_FAILPOINTS=ON; `chisme failpoints` lists them. The environment variable
// CHISME_FAILPOINT=NAME[:NTH] arms one: at its NTH pass, the first unless told, the process says so
// on standard error and kills itself with SIGKILL.
//
// Each name is registered before main by being mentioned in the code, so the list is complete by
// construction. Thread-safe.
#ifdef CHISME_FAILPOINTS

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "cluster/base/result.hpp"

namespace chisme::node {

class Failpoint {
 public:
  // `name` lives as long as the program.
  explicit Failpoint(char const* name);
  void pass() {
    if (dies_at_ != 0 && ++passes_ == dies_at_) die();
  }

 private:
  friend std::vector<std::string> failpoint_names();
  [[noreturn]] void die() const;

  char const* name_;
  std::uint64_t dies_at_ = 0;  // 0: not armed
  std::atomic<std::uint64_t> passes_{0};
  Failpoint const* next_;
};

// All that the program has, sorted.
[[nodiscard]] std::vector<std::string> failpoint_names();
// Faults: invalid when the environment arms one that there is not.
[[nodiscard]] Result<void> check_armed_failpoint();

template <std::size_t Size>
struct FailpointName {
  char text[Size];
  consteval FailpointName(char const (&literal)[Size]) { std::copy_n(literal, Size, text); }
};
template <FailpointName name>
inline Failpoint failpoint{name.text};

}  // namespace chisme::node

#define FAILPOINT(name) (::chisme::node::failpoint<name>.pass())

#else
#define FAILPOINT(name) static_cast<void>(0)
#endif
