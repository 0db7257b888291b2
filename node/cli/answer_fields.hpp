#pragma once

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <string>

// The fields of a JSON document that something answered which may be no node, or another one than
// this program knows. A field that is missing or of another kind, or one of what is no object, is
// what an empty one would be.
namespace chisme::node::cli {

[[nodiscard]] std::string text_field(nlohmann::json const& object, char const* key);
// 0, when it is no whole number or a negative one.
[[nodiscard]] std::uint64_t count_field(nlohmann::json const& object, char const* key);
// Any number; 0 otherwise.
[[nodiscard]] double real_field(nlohmann::json const& object, char const* key);
[[nodiscard]] bool flag_field(nlohmann::json const& object, char const* key,
                              bool otherwise = false);
// An object or an array, which may be walked through; an empty array otherwise.
[[nodiscard]] nlohmann::json const& part_field(nlohmann::json const& object, char const* key);

}  // namespace chisme::node::cli
