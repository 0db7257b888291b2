#include "cluster/base/check.hpp"

#include <cstdio>
#include <cstdlib>

namespace chisme {

void check_failed(char const* condition, char const* file, int line) {
  std::fprintf(stderr, "%s:%d: CHECK failed: %s\n", file, line, condition);
  std::abort();
}

}  // namespace chisme
