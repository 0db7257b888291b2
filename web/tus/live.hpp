#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "web/gateway.hpp"

// Uploads that may be read before they are complete, as this node knows of them. Such a file has no
// version and no digest yet, and nothing that is complete ever gives way to it.
namespace chisme::web::tus {

struct LiveUpload {
  std::string name;  // that the file is to have
  std::string id;
  WallTime begun{};
};

// The newest one of `name` that is under way.
[[nodiscard]] std::optional<LiveUpload> live_upload(Gateway& gateway, std::string_view name);
// Those under way whose names begin with `prefix`, by name, at most `listed_max`.
inline constexpr std::size_t listed_max = 1000;
[[nodiscard]] std::vector<LiveUpload> live_uploads(Gateway& gateway, std::string_view prefix);
// How many of its bytes are safe, and can be read.
[[nodiscard]] ByteCount readable_bytes(Gateway& gateway, std::string_view id);

}  // namespace chisme::web::tus
