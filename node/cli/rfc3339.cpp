#include "node/cli/rfc3339.hpp"

#include <ctime>

namespace chisme::node::cli {

std::int64_t seconds_of(std::string const& rfc3339) {
  std::tm parts{};
  char const* const rest = ::strptime(rfc3339.c_str(), "%Y-%m-%dT%H:%M:%S", &parts);
  bool const is_utc = rest != nullptr && (*rest == 'Z' || *rest == '.');
  return is_utc ? static_cast<std::int64_t>(::timegm(&parts)) : 0;
}

}  // namespace chisme::node::cli
