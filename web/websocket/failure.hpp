#pragma once

#include <string>

#include "cluster/base/result.hpp"
#include "web/websocket/channel.hpp"

namespace chisme::web {

// The HTTP status that an error would have; WebSocket messages carry it beside the sentence.
[[nodiscard]] unsigned status_of(Fault fault);
// The close code after such an error: whose fault it is.
[[nodiscard]] CloseCode close_code_of(Fault fault);

// {"error":"sentence","status":N}
[[nodiscard]] std::string error_json(Error const& error);

// Sends the error as text and closes.
void close_with(Channel& channel, Error const& error);

}  // namespace chisme::web
