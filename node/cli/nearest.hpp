#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace chisme::node::cli {

// What somebody meant who wrote `word`: that of `known` which is reached from it by the fewest
// letters changed, added, left out or swapped (optimal string alignment); `-` is as good as `_`.
// Empty: none is near enough to be meant, or the word is longer than `nearest_bytes_max`.
inline constexpr std::size_t nearest_bytes_max = 64;
[[nodiscard]] std::string nearest_to(std::string_view word, std::vector<std::string> const& known);

// ": did you mean `scrub_rate`?", or nothing.
[[nodiscard]] std::string suggestion_for(std::string_view word,
                                         std::vector<std::string> const& known);

}  // namespace chisme::node::cli
