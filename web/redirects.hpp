#pragma once

#include <span>
#include <string>
#include <vector>

#include "web/call.hpp"

namespace chisme::web {

// Adds `Link: <URL>; rel=duplicate; pri=N` for each holder, best first (RFC 6249). None for who
// came by a counted link: it is good at one node only.
void add_duplicate_links(Call const& call, FileInfo const& file, std::span<Replica const> replicas,
                         Fields& headers);

// How often a request was redirected already, by `?hop=`. A node without the file sends it to a
// holder with hop=0; that holder may send it on once more, with hop=1; then it is never redirected
// again (protocol.md, bounce).
enum class Hops { none, redirected, bounced };
[[nodiscard]] Hops hops_of(Target const& target);

// 307 to the file at `replica`.
[[nodiscard]] Reply redirect_to(Call const& call, FileInfo const& file, Replica const& replica,
                                Hops hops, bool download);

// 307 to the same at the node `http`, for who came by a share link.
[[nodiscard]] Reply redirect_home(Call const& call, std::string const& http, Hops hops);

}  // namespace chisme::web
