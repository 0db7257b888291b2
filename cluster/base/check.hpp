#pragma once

namespace chisme {

// Prints `condition` with its place on standard error and aborts. Never returns.
[[noreturn]] void check_failed(char const* condition, char const* file, int line);

}  // namespace chisme

// CHECK states what must hold if the program is right; it is on in release builds. Errors that can
// be expected (bad input, a full disk) are a Result instead (result.hpp).
#define CHECK(condition) \
  ((condition) ? void(0) : ::chisme::check_failed(#condition, __FILE__, __LINE__))
