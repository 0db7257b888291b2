#pragma once

#include <span>
#include <vector>

#include "cluster/base/time.hpp"
#include "web/dav/bodies.hpp"
#include "web/dav/children.hpp"
#include "web/dav/dead_properties.hpp"
#include "web/dav/locks.hpp"
#include "web/dav/multistatus.hpp"
#include "web/gateway.hpp"

// Properties that the program tells (RFC 4918, 15). Pure.
namespace chisme::web::dav {

// Of a file its length, type, entity tag and date; of a made collection the date; of all what kind
// it is and its locks.
[[nodiscard]] std::vector<Told> live_properties(Child const& resource, Locks const& locks,
                                                WallTime now);

// Whether quotas are asked for (RFC 4331, 2), which are told to those only who name them.
[[nodiscard]] bool wants_quota(PropertyQuery const& query);
// Of a folder that is under a quota: what its files may still have, and what all under that quota
// have; of several that quota which leaves least. Nothing of others.
[[nodiscard]] std::vector<Told> quota_properties(Child const& resource,
                                                 std::span<PrefixUse const> quotas);

// Whether the answer takes more than these.
[[nodiscard]] bool wants_dead(PropertyQuery const& query);

// What PROPFIND tells of one resource: those that are there, and those that are not.
[[nodiscard]] std::vector<Multistatus::Group> answers(PropertyQuery const& query,
                                                      std::vector<Told> const& live,
                                                      DeadProperties const& dead);

}  // namespace chisme::web::dav
