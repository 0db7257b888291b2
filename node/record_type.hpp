#pragma once

#include <optional>
#include <string>

#include "cluster/base/result.hpp"
#include "cluster/base/time.hpp"
#include "web/gateway.hpp"

// What a file's record has as its media type: the type, and when it expires. Pure.
namespace chisme::node {

// When a file expires that was asked for so and is stored at `now`; nullopt: it does not. The same
// for all who store a file with a given version.
[[nodiscard]] std::optional<WallTime> expiry_of(web::UploadRequest const& request, WallTime now);
// Fault: invalid, when there is no room for the time beside the type.
[[nodiscard]] Result<std::string> record_type(web::UploadRequest const& request, WallTime now);

}  // namespace chisme::node
