#include "web/credentials.hpp"

#include <algorithm>
#include <charconv>

namespace chisme::web {
namespace {

constexpr std::size_t number_digits = 16;
constexpr std::size_t expiry_digits_max = 10;

std::optional<std::uint64_t> parse_hex(std::string_view text) {
  if (text.find_first_not_of("0123456789abcdef") != std::string_view::npos) return std::nullopt;
  std::uint64_t value = 0;
  auto const [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, 16);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return value;
}

std::string hex(std::uint64_t value, std::size_t digits) {
  char text[16];
  char* const end = std::to_chars(text, text + sizeof text, value, 16).ptr;
  std::string const shortest(text, end);
  return std::string(digits - std::min(digits, shortest.size()), '0') + shortest;
}

}  // namespace

std::string_view to_string(Role role) {
  switch (role) {
    case Role::none:
      return "none";
    case Role::read:
      return "read";
    case Role::write:
      return "write";
    case Role::admin:
      return "admin";
  }
  return "none";
}

std::optional<Role> parse_role(std::string_view text) {
  for (Role const role : {Role::read, Role::write, Role::admin}) {
    if (text == to_string(role)) return role;
  }
  return std::nullopt;
}

std::string_view to_string(AccessMode mode) {
  switch (mode) {
    case AccessMode::open:
      return "open";
    case AccessMode::read:
      return "read";
    case AccessMode::token:
      return "token";
  }
  return "token";
}

std::string to_string(CredentialId const& id) {
  auto const seconds = std::chrono::floor<std::chrono::seconds>(id.expires.time_since_epoch());
  return hex(id.number, number_digits) + "-" +
         hex(static_cast<std::uint64_t>(std::max<std::int64_t>(0, seconds.count())), 1);
}

std::optional<CredentialId> parse_credential_id(std::string_view text) {
  if (text.size() < number_digits + 2 || text[number_digits] != '-') return std::nullopt;
  std::string_view const end = text.substr(number_digits + 1);
  if (end.size() > expiry_digits_max || (end.size() > 1 && end.front() == '0')) return std::nullopt;
  auto const number = parse_hex(text.substr(0, number_digits));
  auto const seconds = parse_hex(end);
  if (!number || !seconds) return std::nullopt;
  return CredentialId{*number, WallTime{std::chrono::seconds{*seconds}}};
}

}  // namespace chisme::web
