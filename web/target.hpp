#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace chisme::web {

// A request's target, taken apart once: nobody else decodes it.
struct Target {
  std::string authority;  // of an absolute target; otherwise empty
  std::string path;       // as received, still encoded: "/files/a%20b"
  std::vector<std::pair<std::string, std::string>> query;  // decoded

  // The first value of that name; nullopt when there is none.
  [[nodiscard]] std::optional<std::string_view> parameter(std::string_view name) const;
};

// nullopt when the query has a broken percent escape. In the query `+` is a space, as forms,
// browsers and most clients write it (a plus is %2B).
[[nodiscard]] std::optional<Target> parse_target(std::string_view text);

}  // namespace chisme::web
