#pragma once

#include <string>
#include <vector>

#include "node/cli/node_options.hpp"
#include "node/cli/setting_values.hpp"
#include "node/client_limits.hpp"

namespace chisme::node::cli {

// The settings by which clients are limited (client_limits.hpp).
struct LimitSetting {
  NodeKey key;
  Complaint (*take)(ClientLimits& limits, std::string const& value);
};
[[nodiscard]] std::vector<LimitSetting> limit_settings();

}  // namespace chisme::node::cli
