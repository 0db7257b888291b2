#include "node/cli/nearest.hpp"

#include <algorithm>
#include <array>
#include <cstddef>

namespace chisme::node::cli {
namespace {

constexpr std::size_t letters_per_mistake = 3;

char as_compared(char c) {
  return c == '-' ? '_' : c;
}

std::size_t distance(std::string_view a, std::string_view b) {
  using Row = std::array<std::size_t, nearest_bytes_max + 1>;
  Row before_last{};
  Row last{};
  Row now{};
  for (std::size_t j = 0; j <= b.size(); ++j) now[j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    before_last = last;
    last = now;
    now[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      bool const same = as_compared(a[i - 1]) == as_compared(b[j - 1]);
      now[j] = std::min({last[j] + 1, now[j - 1] + 1, last[j - 1] + (same ? 0 : 1)});
      bool const swapped = i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1];
      if (swapped) now[j] = std::min(now[j], before_last[j - 2] + 1);
    }
  }
  return now[b.size()];
}

}  // namespace

std::string nearest_to(std::string_view word, std::vector<std::string> const& known) {
  std::string nearest;
  if (word.empty() || word.size() > nearest_bytes_max) return nearest;
  std::size_t fewest = 1 + word.size() / letters_per_mistake;
  for (std::string const& candidate : known) {
    if (candidate.size() > nearest_bytes_max) continue;
    std::size_t const mistakes = distance(word, candidate);
    if (mistakes >= fewest + (nearest.empty() ? 1 : 0)) continue;
    fewest = mistakes;
    nearest = candidate;
  }
  return nearest;
}

std::string suggestion_for(std::string_view word, std::vector<std::string> const& known) {
  std::string const nearest = nearest_to(word, known);
  return nearest.empty() ? nearest : ": did you mean `" + nearest + "`?";
}

}  // namespace chisme::node::cli
