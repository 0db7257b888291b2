#pragma once

namespace chisme::simulation {

// A build for debugging, and its sanitizers, take ten times as long: they run fewer and shorter
// cases of the same kinds.
#ifdef NDEBUG
inline constexpr bool is_optimised = true;
#else
inline constexpr bool is_optimised = false;
#endif

}  // namespace chisme::simulation
