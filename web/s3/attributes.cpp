#include "web/s3/attributes.hpp"

#include <algorithm>
#include <cstdint>
#include <span>

#include "cluster/base/expiry.hpp"
#include "web/base64.hpp"
#include "web/http/characters.hpp"
#include "web/names.hpp"
#include "web/s3/hash.hpp"

namespace chisme::web::s3 {
namespace {

constexpr std::string_view opening = ";s3=\"";
constexpr std::size_t md5_digits = 32;
constexpr std::size_t md5_characters = 22;  // in base64, without padding

// What rclone writes of each object is kept under names that are no header's.
struct Abbreviation {
  std::string_view name;
  std::string_view kept;
};
constexpr Abbreviation abbreviations[] = {{"mtime", "@"}, {"md5chksum", "("}};

// What is between spaces and quotes: visible characters but for those that would end it.
std::string escaped(std::string_view text) {
  constexpr char digits[] = "0123456789ABCDEF";
  std::string out;
  for (char const c : text) {
    auto const byte = static_cast<unsigned char>(c);
    bool const plain = byte > 0x20 && byte < 0x7f && c != '"' && c != '\\' && c != '%';
    if (plain) {
      out += c;
    } else {
      out += {'%', digits[byte >> 4], digits[byte & 15]};
    }
  }
  return out;
}

std::string kept_name(std::string_view name) {
  for (Abbreviation const& one : abbreviations) {
    if (one.name == name) return std::string{one.kept};
  }
  return escaped(name);
}

// nullopt: this can be no header's.
std::optional<std::string> header_name(std::string_view kept) {
  for (Abbreviation const& one : abbreviations) {
    if (one.kept == kept) return std::string{one.name};
  }
  auto name = percent_decoded(kept);
  bool const fits = name && !name->empty() && std::ranges::all_of(*name, is_token_character) &&
                    name->find('=') == std::string::npos;
  return fits ? name : std::nullopt;
}

bool is_number_of_parts(std::string_view text) {
  return text.size() >= 2 && text.size() <= 6 && text.front() == '-' &&
         text.find_first_not_of("0123456789", 1) == std::string_view::npos;
}

int digit_value(char c) {
  return c <= '9' ? c - '0' : c - 'a' + 10;
}

// An MD5's digits in base64, and the number of parts behind them; nullopt for another tag.
std::optional<std::string> kept_etag(std::string_view etag) {
  std::string_view const digits = etag.substr(0, md5_digits);
  std::string_view const rest = etag.substr(digits.size());
  bool const is_md5 = digits.size() == md5_digits &&
                      digits.find_first_not_of("0123456789abcdef") == std::string_view::npos;
  if (!is_md5 || !(rest.empty() || is_number_of_parts(rest))) return std::nullopt;
  std::string bytes;
  for (std::size_t i = 0; i < md5_digits; i += 2) {
    bytes += static_cast<char>(digit_value(digits[i]) << 4 | digit_value(digits[i + 1]));
  }
  std::span const octets{reinterpret_cast<std::uint8_t const*>(bytes.data()), bytes.size()};
  return base64_encoded(octets).substr(0, md5_characters) + std::string{rest};
}

std::optional<std::string> shown_etag(std::string_view kept) {
  std::string_view const rest = kept.substr(std::min(kept.size(), md5_characters));
  auto const bytes = base64_decoded(std::string{kept.substr(0, md5_characters)} + "==");
  bool const is_etag =
      bytes && bytes->size() == md5_digits / 2 && (rest.empty() || is_number_of_parts(rest));
  if (!is_etag) return std::nullopt;
  return hex(*bytes) + std::string{rest};
}

}  // namespace

std::optional<std::string> kept_type(std::string_view type, Attributes const& more) {
  if (more == Attributes{}) return std::string{type};
  auto const etag = kept_etag(more.etag);
  if (!etag) return std::nullopt;
  std::string text = std::string{type} + std::string{opening} + *etag;
  for (auto const& [name, value] : more.metadata) {
    text += " " + kept_name(name) + "=" + escaped(value);
  }
  text += '"';
  return text.size() > type_bytes_max ? std::nullopt : std::optional{std::move(text)};
}

KeptType split_type(std::string_view kept) {
  std::size_t const begin = kept.ends_with('"') ? kept.rfind(opening) : std::string_view::npos;
  if (begin == std::string_view::npos) return {kept, {}};
  std::string_view const text = kept.substr(begin + opening.size());
  if (text.empty()) return {kept, {}};  // the quote that ends it is the one that begins it
  return {kept.substr(0, begin), text.substr(0, text.size() - 1)};
}

std::string kept_type(FileInfo const& file) {
  if (file.attributes.empty()) return file.type;
  return file.type + std::string{opening} + file.attributes + '"';
}

Attributes parse_attributes(std::string_view text) {
  std::string_view const kept = text.substr(0, text.find(' '));
  auto etag = shown_etag(kept);
  if (!etag) return {};
  Attributes parsed{std::move(*etag), {}};
  text.remove_prefix(std::min(text.size(), kept.size() + 1));
  while (!text.empty()) {
    std::string_view const pair = text.substr(0, text.find(' '));
    text.remove_prefix(std::min(text.size(), pair.size() + 1));
    std::size_t const equals = pair.find('=');
    if (equals == std::string_view::npos) return {};
    auto name = header_name(pair.substr(0, equals));
    auto value = percent_decoded(pair.substr(equals + 1));
    // It becomes a header's.
    bool const fits =
        value && std::ranges::all_of(*value, [](char c) { return c >= 0x20 && c < 0x7f; });
    if (!name || !fits) return {};
    parsed.metadata.emplace_back(std::move(*name), std::move(*value));
  }
  return parsed;
}

std::string etag_of(FileInfo const& file) {
  std::string etag = parse_attributes(file.attributes).etag;
  return etag.empty() ? to_hex(file.digest).substr(0, md5_digits) + "-1" : etag;
}

}  // namespace chisme::web::s3
