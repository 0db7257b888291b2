#pragma once

#include <string>

#include "cluster/base/result.hpp"

namespace chisme::node::cli {

// The token that commands show to nodes: of `file`, which only this user may read, else of the
// variable CHISME_TOKEN; empty when there is neither. It is never an argument, which others of this
// machine could see. Fault: invalid, with a sentence that does not repeat it.
[[nodiscard]] Result<std::string> client_token(std::string const& file);

}  // namespace chisme::node::cli
