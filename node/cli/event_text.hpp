#pragma once

#include <string>
#include <string_view>

namespace chisme::node::cli {

// What `chisme watch` prints for a message of `/ws/cluster`: a sentence, or with `json` the message
// itself in one line. Empty for what changes all the time, and for what is no message.
[[nodiscard]] std::string event_line(std::string_view message, bool json);

}  // namespace chisme::node::cli
