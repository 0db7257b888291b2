#pragma once

#include <cstddef>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "web/dav/bodies.hpp"
#include "web/dav/xml.hpp"

// Properties that clients set and this program only keeps (RFC 4918, 4.1). Pure.
namespace chisme::web::dav {

// By name, each as the element that has it.
using DeadProperties = std::map<XmlName, std::string>;

// Of one resource, all together.
inline constexpr std::size_t dead_bytes_max = 64 << 10;
[[nodiscard]] std::string to_json(DeadProperties const& properties);
// nullopt for anything that `to_json` does not write.
[[nodiscard]] std::optional<DeadProperties> parse_dead_properties(std::string_view json);

// Whether the property is one that the program tells, and nobody sets.
[[nodiscard]] bool is_protected(XmlName const& name);

[[nodiscard]] DeadProperties changed(DeadProperties properties,
                                     std::span<PropertyChange const> changes);

}  // namespace chisme::web::dav
