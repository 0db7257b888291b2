#include "node/cli/setting_values.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <string_view>

#include "cluster/base/duration.hpp"
#include "node/log_line.hpp"
#include "web/names.hpp"

namespace chisme::node::cli {
namespace {

template <class Number>
std::optional<Number> parse_number(std::string_view text) {
  Number number{};
  auto const [end, fault] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (fault != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return number;
}

constexpr std::array log_levels = std::to_array<std::pair<std::string_view, LogLevel>>({
    {"debug", LogLevel::debug},
    {"info", LogLevel::info},
    {"warning", LogLevel::warning},
    {"error", LogLevel::error},
});

std::optional<LogLevel> log_level_of(std::string_view name) {
  auto const found = std::ranges::find(log_levels, name, &decltype(log_levels)::value_type::first);
  return found == log_levels.end() ? std::nullopt : std::optional{found->second};
}

std::optional<LogComponent> log_component_of(std::string_view name) {
  for (std::size_t i = 0; i < log_components; ++i) {
    auto const component = static_cast<LogComponent>(i);
    if (log_name(component) == name) return component;
  }
  return std::nullopt;
}

}  // namespace

Complaint take_address(Endpoint& into, std::string const& value) {
  bool const local_name = value.starts_with("localhost:");
  auto const endpoint = parse_endpoint(local_name ? "127.0.0.1" + value.substr(9) : value);
  if (!endpoint) return "is not an address and port such as 127.0.0.1:7701";
  into = *endpoint;
  return std::nullopt;
}

Complaint take_machine(Endpoint& into, std::string const& value) {
  bool const is_v6 = value.find(':') != std::string::npos && !value.starts_with('[');
  auto const endpoint = parse_endpoint((is_v6 ? "[" + value + "]" : value) + ":0");
  if (!endpoint) return "is not an address such as 192.0.2.1 or 2001:db8::1, without a port";
  into = *endpoint;
  return std::nullopt;
}

Complaint take_name(std::string& into, std::string const& value) {
  constexpr std::string_view known = "abcdefghijklmnopqrstuvwxyz0123456789.-";
  bool const is_name =
      !value.empty() && value.size() <= 253 && value.find_first_not_of(known) == std::string::npos;
  if (!is_name) return "is not a host name in small letters, without a port";
  into = value;
  return std::nullopt;
}

Complaint take_peer_name(PeerName& into, std::string const& value) {
  constexpr char wrong[] =
      "is not an address and port such as 127.0.0.1:7701, nor a name and port such as "
      "chisme.lan:8701";
  std::size_t const colon = value.rfind(':');
  if (colon == std::string::npos) return wrong;
  std::string const name = value.substr(0, colon);
  auto const port = parse_number<std::uint16_t>(std::string_view{value}.substr(colon + 1));
  // The last label of a name is no number, that of an address is one (RFC 1123, 2.1).
  std::string_view const label = std::string_view{name}.substr(name.rfind('.') + 1);
  bool const is_number = label.find_first_not_of("0123456789") == std::string_view::npos;
  std::string host;
  if (!port || *port == 0 || is_number || take_name(host, name)) return wrong;
  into = {std::move(host), *port};
  return std::nullopt;
}

Complaint take_origin(std::string& into, std::string const& value) {
  constexpr std::string_view known = "abcdefghijklmnopqrstuvwxyz0123456789.-:[]";
  std::string_view const origin = value;
  std::size_t const scheme = origin.find("://");
  std::string_view const name = origin.substr(0, std::min(scheme, origin.size()));
  bool const is_origin = scheme != std::string_view::npos && (name == "http" || name == "https") &&
                         origin.size() > scheme + 3 && value.size() <= 300 &&
                         origin.find_first_not_of(known, scheme + 3) == std::string_view::npos;
  if (!is_origin) {
    return "is not the origin of a site, in small letters and without a path, such as "
           "https://films.example";
  }
  into = value;
  return std::nullopt;
}

Complaint take_file(std::optional<std::filesystem::path>& into, std::string const& value) {
  if (value.empty()) return "is not a file";
  into = value;
  return std::nullopt;
}

Complaint take_count(unsigned& into, std::string const& value, unsigned lowest, unsigned highest) {
  auto const number = parse_number<unsigned>(value);
  if (!number || *number < lowest || *number > highest) {
    return "is not a number from " + std::to_string(lowest) + " to " + std::to_string(highest);
  }
  into = *number;
  return std::nullopt;
}

Complaint take_duration(Duration& into, std::string const& value, Duration lowest,
                        Duration highest) {
  auto const parsed = parse_seconds(value);
  auto const in_seconds = [](Duration duration) {
    return std::chrono::duration<double>(duration).count();
  };
  double const seconds = parsed.value_or(-1);
  if (!parsed || !(seconds >= in_seconds(lowest) && seconds <= in_seconds(highest))) {
    std::string least = std::to_string(in_seconds(lowest));
    least.erase(least.find('.') + 2);
    return "is not a time such as 90, 90s, 10m, 24h or 25d, from " + least + " s to " +
           std::to_string(std::chrono::duration_cast<std::chrono::hours>(highest).count() / 24) +
           " days";
  }
  into = std::chrono::duration_cast<Duration>(std::chrono::duration<double>(seconds));
  return std::nullopt;
}

Complaint take_log_levels(LogSettings& into, std::string const& value) {
  LogSettings taken = into;
  std::string_view rest = value;
  do {
    std::string_view const part = rest.substr(0, rest.find(','));
    rest.remove_prefix(std::min(rest.size(), part.size() + 1));
    std::size_t const equals = part.find('=');
    auto const level = log_level_of(equals == part.npos ? part : part.substr(equals + 1));
    auto const component = log_component_of(part.substr(0, std::min(equals, part.size())));
    if (!level || (equals != part.npos && !component)) {
      return "is not a level (debug, info, warning, error), nor several with commas such as "
             "info,http=debug, of node, cluster, peer, storage, http and access";
    }
    if (equals == part.npos) {
      taken.level = *level;
    } else {
      taken.of[*component] = *level;
    }
  } while (!rest.empty());
  into = std::move(taken);
  return std::nullopt;
}

Complaint take_bytes(ByteCount& into, std::string const& value) {
  constexpr std::string_view units = "KMGT";
  std::string_view digits = value;
  unsigned shift = 0;
  if (!value.empty()) {
    std::size_t const unit = units.find(value.back());
    if (unit != std::string_view::npos) {
      shift = static_cast<unsigned>(10 * (unit + 1));
      digits.remove_suffix(1);
    }
  }
  auto const number = parse_number<std::uint64_t>(digits);
  constexpr std::uint64_t highest = std::uint64_t{1} << 62;
  if (!number || *number == 0 || *number > (highest >> shift)) {
    return "is not a number of bytes such as 5000000 or 512M";
  }
  into = ByteCount{*number << shift};
  return std::nullopt;
}

Complaint take_prefix_quota(std::vector<PrefixQuota>& into, std::string const& value) {
  std::size_t const end = value.rfind('=');
  if (end == std::string::npos || end == 0) return "is not PREFIX=BYTES, such as films/=100G";
  PrefixQuota quota;
  if (auto const wrong = take_bytes(quota.limit, value.substr(end + 1))) return wrong;
  auto const prefix = web::normalised_prefix(value.substr(0, end));  // as names are kept
  if (!prefix || web::is_internal(*prefix)) return "is about no files: none has such a name";
  quota.prefix = *prefix;
  if (into.size() == PrefixQuota::quotas_max) {
    return "is one too many: there may be " + std::to_string(PrefixQuota::quotas_max);
  }
  if (std::ranges::find(into, quota.prefix, &PrefixQuota::prefix) != into.end()) {
    return "is about a prefix that has a quota already";
  }
  into.push_back(std::move(quota));
  return std::nullopt;
}

}  // namespace chisme::node::cli
