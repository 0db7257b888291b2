#pragma once

#include <cstdint>
#include <span>
#include <string>

#include "cluster/base/identity.hpp"
#include "cluster/effect.hpp"
#include "cluster/view.hpp"
#include "node/census.hpp"
#include "web/gateway.hpp"

// What a view of the cluster says, in the web's words. Pure.
namespace chisme::node {

// nullptr: nobody of that name is known. Points into `view`.
[[nodiscard]] cluster::MemberView const* member_of(cluster::ClusterView const& view, NodeId node);
// Neither dead nor gone for good.
[[nodiscard]] bool is_live(cluster::MemberView const& member);
[[nodiscard]] std::uint32_t live_copies(cluster::ClusterView const& view,
                                        std::span<NodeId const> holders);

[[nodiscard]] web::FileInfo file_info(cluster::ClusterView const& view,
                                      cluster::FileEntry const& file);
// What has expired at `now` is absent, and in no list.
[[nodiscard]] web::Lookup lookup(cluster::ClusterView const& view, std::string_view name,
                                 WallTime now);
// May have fewer files than `limit` and a next page, after many that have expired.
[[nodiscard]] web::Listing listing(cluster::ClusterView const& view, std::string_view prefix,
                                   std::string_view after, std::size_t limit, WallTime now);
[[nodiscard]] web::ClusterStatus cluster_status(cluster::ClusterView const& view,
                                                Census::Count const& count);
[[nodiscard]] web::ClusterEvent cluster_event(cluster::ClusterView const& view,
                                              cluster::Event const& event);
[[nodiscard]] web::ClusterEvent redirect_event(std::string_view file, NodeId from, NodeId to);

[[nodiscard]] char const* to_string(cluster::MemberState state);
[[nodiscard]] char const* to_string(cluster::RepairStage stage);
[[nodiscard]] std::string http_origin(cluster::MemberView const& member);

}  // namespace chisme::node
