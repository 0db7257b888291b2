#pragma once

#include <string>

namespace chisme::node::cli {

// A configuration file with every key of `node_keys`, each in a comment (`#key = value`) behind
// what it is for; with the comments' `#` gone each of these lines is valid. It ends in a newline.
[[nodiscard]] std::string config_example();

}  // namespace chisme::node::cli
