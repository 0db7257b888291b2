#pragma once

namespace chisme::node {

// Of the program, as CMake's project has it.
inline constexpr char const* program_version = CHISME_VERSION;

}  // namespace chisme::node
