#pragma once

#include <chrono>
#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "cluster/base/result.hpp"
#include "cluster/base/time.hpp"

// Write locks (RFC 4918, 6 and 7), and the rules about them. Pure.
namespace chisme::web::dav {

struct Lock {
  std::string token = {};  // "chisme:…", a URI
  std::string name = {};   // of the resource that was locked; empty: the root
  std::string owner = {};  // an element's XML; may be empty
  bool is_exclusive = true;
  bool is_deep = false;        // of a collection: all below it too
  bool is_collection = false;  // what was locked is one
  std::chrono::seconds life{};
  WallTime expires{};  // by the clock of the node that gave it
  friend bool operator==(Lock const&, Lock const&) = default;
};
using Locks = std::vector<Lock>;

// All that there may be in the cluster: they are one small file, which each LOCK and UNLOCK writes
// anew.
inline constexpr std::size_t locks_max = 256;
inline constexpr std::size_t locks_bytes_max = 256 << 10;
[[nodiscard]] std::string to_json(Locks const& locks);
// nullopt for anything that `to_json` does not write.
[[nodiscard]] std::optional<Locks> parse_locks(std::string_view json);

// Whether the lock is one of that resource: its own, or one of all below a collection.
[[nodiscard]] bool covers(Lock const& lock, std::string_view name);
// Those that cover the resource.
[[nodiscard]] Locks covering(Locks const& locks, std::string_view name);

// What a request changes.
struct Touched {
  std::string name;
  bool is_tree = false;        // and all below it
  bool is_membership = false;  // it comes into its collection, or goes from it
};
// The lock for which a request would have to submit a token, and did not: of shared locks any one's
// token is enough. nullopt: it may go on.
[[nodiscard]] std::optional<Lock> lock_in_the_way(Locks const& locks,
                                                  std::span<Touched const> touched,
                                                  std::span<std::string const> submitted);
// The lock beside which `wanted` cannot be; nullopt: there is none.
[[nodiscard]] std::optional<Lock> lock_against(Locks const& locks, Lock const& wanted);

// Without those whose time is over.
[[nodiscard]] Locks in_force(Locks locks, WallTime now);

// The values of DAV: lockdiscovery and supportedlock.
[[nodiscard]] std::string discovery_xml(Locks const& locks, WallTime now);
[[nodiscard]] std::string supported_xml();

}  // namespace chisme::web::dav
