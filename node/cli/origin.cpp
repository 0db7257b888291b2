#include "node/cli/origin.hpp"

#include <algorithm>
#include <cctype>

namespace chisme::node::cli {
namespace {

std::string encode(std::string_view text, std::string_view also_kept) {
  static constexpr char digits[] = "0123456789ABCDEF";
  std::string out;
  for (char const c : text) {
    auto const byte = static_cast<unsigned char>(c);
    bool const kept = byte < 0x80 && (std::isalnum(byte) != 0 ||
                                      std::string_view("-._~").find(c) != std::string_view::npos ||
                                      also_kept.find(c) != std::string_view::npos);
    if (kept) {
      out += c;
    } else {
      out += {'%', digits[byte >> 4], digits[byte & 15]};
    }
  }
  return out;
}

bool is_port(std::string_view text) {
  return !text.empty() && text.size() <= 5 &&
         std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; }) &&
         std::stoi(std::string(text)) >= 1 && std::stoi(std::string(text)) <= 65535;
}

}  // namespace

std::string authority_of(Origin const& origin) {
  bool const bracketed = origin.host.find(':') != std::string::npos;
  return (bracketed ? "[" + origin.host + "]" : origin.host) + ":" + origin.port;
}

std::string to_string(Origin const& origin) {
  return (origin.secure ? "https://" : "http://") + authority_of(origin);
}

Result<Location> parse_location(std::string_view url) {
  auto const bad = [&] {
    return fail(Fault::invalid, "\"" + std::string(url) +
                                    "\" is not the URL of a node, such as http://127.0.0.1:7701");
  };
  bool const secure = url.starts_with("https://");
  if (!secure && !url.starts_with("http://")) return bad();
  std::string_view const rest = url.substr(url.find("//") + 2);
  std::string_view const authority = rest.substr(0, rest.find_first_of("/?#"));
  std::string_view target = rest.substr(authority.size());
  target = target.substr(0, target.find('#'));
  Location location{{std::string(authority), secure ? "443" : "80", secure}, std::string(target)};
  if (!target.starts_with("/")) location.target.insert(0, "/");
  std::size_t const host_end = authority.starts_with("[") ? authority.find(']') : 0;
  if (host_end == std::string_view::npos) return bad();
  if (std::size_t const colon = authority.find(':', host_end); colon != std::string_view::npos) {
    location.origin.host = authority.substr(0, colon);
    location.origin.port = authority.substr(colon + 1);
  }
  if (host_end > 0) location.origin.host = authority.substr(1, host_end - 1);
  if (location.origin.host.empty() || !is_port(location.origin.port) ||
      location.origin.host.find_first_of("@ []") != std::string::npos) {
    return bad();
  }
  return location;
}

std::string encode_path(std::string_view name) {
  return encode(name, "/");
}
std::string encode_query(std::string_view value) {
  return encode(value, "");
}

}  // namespace chisme::node::cli
