#pragma once

#include <optional>

#include "cluster/base/expiry.hpp"
#include "cluster/base/identity.hpp"
#include "cluster/base/time.hpp"
#include "cluster/wire/messages.hpp"

// Files that expire (base/expiry.hpp): for whom they do, and how they are removed. Pure.
//
// From its time on a file is absent for everybody who has a clock, whether it was removed yet or
// not. Its removal is a record like any other, but for its version: the one just behind the file's
// own. So it can never remove a later write, wherever and whenever they meet, and it is the same
// removal however many nodes decide on it.
namespace chisme::cluster {

// The earlier of the times in its media type and in its name; nullopt: it stays.
[[nodiscard]] std::optional<WallTime> expiry_of(PutRecord const& file);
[[nodiscard]] bool has_expired(PutRecord const& file, WallTime now);

// The least version greater than `version`.
[[nodiscard]] Version version_behind(Version const& version);
// REQUIRES: `file` has a time at which it expires. It is the removal's time, too, so that whoever
// does not know the file can tell a removal from the future.
[[nodiscard]] DeleteRecord expiry_removal(PutRecord const& file);
// Whether `removal` is that of `file`.
[[nodiscard]] bool is_expiry_removal(DeleteRecord const& removal, PutRecord const& file);

}  // namespace chisme::cluster
