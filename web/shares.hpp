#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "web/call.hpp"

// Share links: made, used and taken back.
namespace chisme::web {

// The longest body of POST /shares that is read.
inline constexpr std::size_t share_wish_bytes_max = 8 << 10;

// The answer to POST /shares with this body.
[[nodiscard]] Reply shared(Call const& call, std::string_view body);

// Where a download by a counted link is to be asked for, if not here: it is counted at one node.
[[nodiscard]] std::optional<Plan> send_home(Call const& call);
// The plan of a request that came by a counted link, or a refusal when its downloads are used up.
[[nodiscard]] Plan use_link(Call const& call, Plan plan);

// What URLs of the file at other nodes must have behind them ("&share=…") so that this client is
// let in there; empty when it needs nothing. Redirects lose the client's token (Fetch, 4.4; curl).
[[nodiscard]] std::string pass_on(Call const& call, std::string const& name);

}  // namespace chisme::web
