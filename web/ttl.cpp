#include "web/ttl.hpp"

#include "cluster/base/duration.hpp"

namespace chisme::web {

Result<std::optional<TimeToLive>> parse_ttl(std::optional<std::string_view> text) {
  using Seconds = std::chrono::duration<double>;
  if (!text) return std::optional<TimeToLive>{};
  auto const seconds = text->size() <= ttl_bytes_max ? parse_seconds(*text) : std::nullopt;
  // Of what is no number neither is true.
  bool const fits =
      seconds && *seconds >= Seconds{ttl_min}.count() && *seconds <= Seconds{ttl_max}.count();
  if (!fits) {
    return fail(Fault::invalid,
                "`ttl` says how long the file is kept, from 1s to 3650d, as in 90s, 10m, 24h, 7d");
  }
  return std::optional{std::chrono::duration_cast<TimeToLive>(Seconds{*seconds})};
}

}  // namespace chisme::web
