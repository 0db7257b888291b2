#pragma once

#include <string>

#include "cluster/base/expiry.hpp"
#include "web/gateway.hpp"

// Removed files that are kept for a while, as `/trash` tells of them.
namespace chisme::web {

// {"files":[{"id","name","size","type","sha256","removed","expires","copies","wanted"}],
//  "next":null|"id"}, the last removed first. What is no file in the trash is left out.
[[nodiscard]] std::string trash_json(Listing const& listing);

}  // namespace chisme::web
