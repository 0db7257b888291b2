#include "web/names.hpp"

#include <utf8proc.h>

#include <algorithm>
#include <cstdlib>
#include <memory>

#include "web/http/characters.hpp"

namespace chisme::web {
namespace {

struct Free {
  void operator()(utf8proc_uint8_t* memory) const { std::free(memory); }
};

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

bool is_unreserved(char c) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-' ||
         c == '.' || c == '_' || c == '~';
}

void append_escape(std::string& out, char c) {
  static constexpr char digits[] = "0123456789ABCDEF";
  auto const byte = static_cast<unsigned char>(c);
  out += {'%', digits[byte >> 4], digits[byte & 15]};
}

// Calls `see` with each code point; false when the text is not UTF-8.
template <class See>
bool each_code_point(std::string_view text, See see) {
  auto const* at = reinterpret_cast<utf8proc_uint8_t const*>(text.data());
  auto left = static_cast<utf8proc_ssize_t>(text.size());
  while (left > 0) {
    utf8proc_int32_t code_point = 0;
    utf8proc_ssize_t const size = utf8proc_iterate(at, left, &code_point);
    if (size <= 0) return false;
    see(code_point);
    at += size;
    left -= size;
  }
  return true;
}

// C0, DEL and C1, and the line and paragraph separators.
bool is_control(std::int32_t code_point) {
  return code_point < 0x20 || (code_point >= 0x7f && code_point < 0xa0) || code_point == 0x2028 ||
         code_point == 0x2029;
}

// ASCII but for its control characters: UTF-8 and NFC as it is.
bool is_plain(std::string_view text) {
  return std::ranges::all_of(text, [](char c) { return c >= 0x20 && c < 0x7f; });
}

// In NFC, changed as `change` says.
Result<std::string> normalised(std::string_view text, unsigned change = 0) {
  if (change == 0 && is_plain(text)) return std::string{text};
  utf8proc_uint8_t* made = nullptr;
  utf8proc_ssize_t const size =
      utf8proc_map(reinterpret_cast<utf8proc_uint8_t const*>(text.data()),
                   static_cast<utf8proc_ssize_t>(text.size()), &made,
                   static_cast<utf8proc_option_t>(UTF8PROC_STABLE | UTF8PROC_COMPOSE | change));
  std::unique_ptr<utf8proc_uint8_t, Free> const owned{made};
  if (size < 0) return fail(Fault::invalid, "the name cannot be normalised to NFC");
  return std::string{reinterpret_cast<char const*>(made), static_cast<std::size_t>(size)};
}

bool has_bad_segment(std::string_view name) {
  std::size_t begin = 0;
  while (begin <= name.size()) {
    std::size_t const end = std::min(name.find('/', begin), name.size());
    std::string_view const segment = name.substr(begin, end - begin);
    if (segment.empty() || segment == "." || segment == "..") return true;
    begin = end + 1;
  }
  return false;
}

}  // namespace

bool is_utf8(std::string_view text) {
  return each_code_point(text, [](std::int32_t) {});
}

bool is_ascii(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return (c & 0x80) == 0; });
}

Result<std::string> checked_name(std::string_view text) {
  if (text.empty()) return fail(Fault::invalid, "the name of the file is missing");
  // Normalising may shorten a name, but hardly by more than a factor of four.
  if (text.size() > 4 * name_bytes_max) {
    return fail(Fault::invalid, "the name is longer than 1024 bytes");
  }
  bool controls = false;
  bool const valid = is_plain(text) || each_code_point(text, [&](std::int32_t code_point) {
                       controls = controls || is_control(code_point);
                     });
  if (!valid) return fail(Fault::invalid, "the name is not UTF-8");
  if (controls) return fail(Fault::invalid, "the name has a control character");
  auto name = normalised(text);
  if (!name) return name;
  if (name->size() > name_bytes_max) {
    return fail(Fault::invalid, "the name is longer than 1024 bytes");
  }
  if (has_bad_segment(*name)) {
    return fail(Fault::invalid, "no part of the name between slashes may be empty, `.` or `..`");
  }
  return name;
}

Result<std::string> normalised_prefix(std::string_view text) {
  if (text.size() > name_bytes_max) {
    return fail(Fault::invalid, "no name is longer than 1024 bytes");
  }
  if (!is_utf8(text)) return fail(Fault::invalid, "the beginning of the names is not UTF-8");
  return normalised(text);
}

Result<std::string> folded(std::string_view text) {
  if (!is_ascii(text)) return normalised(text, UTF8PROC_CASEFOLD);
  std::string lowered{text};
  std::transform(lowered.begin(), lowered.end(), lowered.begin(), to_lower);
  return lowered;
}

Result<std::string> name_from_url(std::string_view encoded) {
  auto const decoded = percent_decoded(encoded);
  if (!decoded) return fail(Fault::invalid, "the name has a broken percent escape");
  return checked_name(*decoded);
}

std::optional<std::string> percent_decoded(std::string_view text) {
  std::string decoded;
  decoded.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      decoded.push_back(text[i]);
      continue;
    }
    if (i + 2 >= text.size()) return std::nullopt;
    int const high = hex_digit(text[i + 1]);
    int const low = hex_digit(text[i + 2]);
    if (high < 0 || low < 0) return std::nullopt;
    decoded.push_back(static_cast<char>(high << 4 | low));
    i += 2;
  }
  return decoded;
}

std::string percent_encoded(std::string_view text) {
  std::string encoded;
  encoded.reserve(text.size());
  for (char const c : text) {
    if (is_unreserved(c) || c == '/') {
      encoded.push_back(c);
    } else {
      append_escape(encoded, c);
    }
  }
  return encoded;
}

std::string content_disposition(std::string_view kind, std::string_view name) {
  std::string_view const last = name.substr(name.rfind('/') + 1);
  std::string plain;
  std::string extended;
  bool exact = true;
  for (char const c : last) {
    // `%` in a plain file name is read as an escape by some browsers.
    bool const safe = c >= 0x20 && c < 0x7f && c != '"' && c != '\\' && c != '%';
    plain.push_back(safe ? c : '_');
    exact = exact && safe;
    if (is_unreserved(c)) {
      extended.push_back(c);
    } else {
      append_escape(extended, c);
    }
  }
  std::string header = std::string{kind} + "; filename=\"" + plain + "\"";
  if (!exact) header += "; filename*=UTF-8''" + extended;
  return header;
}

}  // namespace chisme::web
