#pragma once

#include <string>
#include <string_view>

#include "web/gateway.hpp"
#include "web/plan.hpp"

namespace chisme::web {

// The media type to keep: what the client announced, or the name's when that says nothing.
[[nodiscard]] std::string upload_type(std::string_view announced, std::string_view name);

// The answer to a PUT by WebDAV: 201 or 204, without a body.
[[nodiscard]] Reply dav_stored_reply(StoredFile const& stored);
// 201 or 200 with the file's validators.
[[nodiscard]] Reply stored_reply(StoredFile const& stored, std::string body);

}  // namespace chisme::web
