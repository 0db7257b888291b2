#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "cluster/base/result.hpp"

// Addresses of WebDAV, and where what it keeps besides files is kept: in small files under an
// internal name, which are written, copied and repaired as all others.
//
//   \x01dav/c/NAME    a collection that was made by MKCOL: empty
//   \x01dav/p/NAME    the dead properties of a resource, JSON
//   \x01dav/locks     all locks, JSON
//   \x01dav/turn      whose turn it is to change them: who stored its newest version
//
// A collection is whatever a name has before a `/`, or what was made; the root has the name "".
namespace chisme::web::dav {

inline constexpr std::string_view root_path = "/dav";
inline constexpr std::string_view resources_path = "/dav/";
// Shorter than names are elsewhere, so that the names of what is kept besides fit.
inline constexpr std::size_t path_bytes_max = 1000;

// Whether a request's target is an address of WebDAV.
[[nodiscard]] bool is_dav_target(std::string_view target);

struct Path {
  std::string name;       // without slashes at its ends; empty: the root
  bool is_slash = false;  // it was written with a slash at its end, as those of collections are
};
// What is behind `/dav/` in a URL, still encoded. Fault::invalid: it is no name.
[[nodiscard]] Result<Path> path_from_url(std::string_view encoded);

// "/dav/a%20b", and for a collection "/dav/a%20b/".
[[nodiscard]] std::string href_of(std::string_view name, bool is_collection);

// "a" of "a/b"; "" of "a".
[[nodiscard]] std::string_view parent_of(std::string_view name);
// What the names of all below a collection begin with: "a/"; of the root "".
[[nodiscard]] std::string inside(std::string_view collection);
// Whether `name` is `collection`, or below it.
[[nodiscard]] bool is_within(std::string_view name, std::string_view collection);

[[nodiscard]] std::string marker_name(std::string_view collection);
[[nodiscard]] std::string properties_name(std::string_view name);
// Of which resource a marker or properties are; a file's name is its own.
[[nodiscard]] std::string_view resource_of(std::string_view name);
[[nodiscard]] std::string locks_name();
[[nodiscard]] std::string turn_name();

}  // namespace chisme::web::dav
