#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "cluster/base/result.hpp"
#include "web/dav/xml.hpp"

// What the bodies of WebDAV's requests ask for. Pure. Fault::invalid with a sentence.
namespace chisme::web::dav {

// Of one PROPFIND: each is told of each resource.
inline constexpr std::size_t query_names_max = 256;
// Of xml:lang, which goes with each property.
inline constexpr std::size_t language_bytes_max = 64;

// PROPFIND (RFC 4918, 9.1)
struct PropertyQuery {
  enum class Kind { all, names, some };
  Kind kind = Kind::all;
  std::vector<XmlName> names = {};  // of `some`; of `all`, what is wanted besides
  [[nodiscard]] bool wants(XmlName const& name) const;
};
// No body: all.
[[nodiscard]] Result<PropertyQuery> parse_propfind(std::string_view body);

// PROPPATCH (9.2): in the order in which they are to be done.
struct PropertyChange {
  bool is_set = false;  // else removed
  XmlNode property;
};
[[nodiscard]] Result<std::vector<PropertyChange>> parse_proppatch(std::string_view body);

// LOCK with a body (9.10)
struct LockWish {
  bool is_exclusive = true;
  std::string owner = {};  // an element's XML, at most `owner_bytes_max`; may be empty
};
inline constexpr std::size_t owner_bytes_max = 1024;
[[nodiscard]] Result<LockWish> parse_lockinfo(std::string_view body);

}  // namespace chisme::web::dav
