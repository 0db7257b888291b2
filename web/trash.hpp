#pragma once

#include <string>

#include "cluster/base/expiry.hpp"
#include "web/gateway.hpp"

// Removed files that are kept for a while, as `/trash` tells of them.
namespace chisme::web {

// The id, as clients are told it, of the file that has that name.
[[nodiscard]] std::string_view id_in_trash(std::string_view place);
// When it goes for good: its own time may be over before that in the trash.
[[nodiscard]] WallTime gone_at(FileInfo const& file, TrashPlace const& place);
// {"files":[{"id","name","size","type","sha256","removed","expires","copies","wanted"}],
//  "next":null|"id"}, the last removed first. What is no file in the trash is left out.
[[nodiscard]] std::string trash_json(Listing const& listing);

}  // namespace chisme::web
