#include "web/http/multipart.hpp"

#include <algorithm>
#include <cstring>
#include <utility>

#include "web/http/characters.hpp"
#include "web/names.hpp"

namespace chisme::web {
namespace {

// RFC 2046 lets transports pad a boundary's line; nobody does, so little is enough.
constexpr std::size_t padding_bytes_max = 64;

std::string_view text_of(std::span<std::byte const> bytes) {
  return {reinterpret_cast<char const*>(bytes.data()), bytes.size()};
}

// Where `delimiter` begins in `text`, whole or cut off by the end; the size when nowhere.
std::size_t find_delimiter(std::string_view text, std::string_view delimiter) {
  for (std::size_t at = text.find('\r'); at != std::string_view::npos;
       at = text.find('\r', at + 1)) {
    std::string_view const candidate = text.substr(at, delimiter.size());
    if (delimiter.starts_with(candidate)) return at;
  }
  return text.size();
}

// Browsers write `"`, CR and LF in names as %22, %0D and %0A, and escape nothing else (HTML,
// multipart/form-data encoding algorithm).
std::string without_browser_escapes(std::string_view text) {
  std::string plain;
  for (std::size_t i = 0; i < text.size(); ++i) {
    std::string_view const escape = text.substr(i, 3);
    char const meant = escape == "%22"                     ? '"'
                       : equal_without_case(escape, "%0d") ? '\r'
                       : equal_without_case(escape, "%0a") ? '\n'
                                                           : '\0';
    plain.push_back(meant == '\0' ? text[i] : meant);
    if (meant != '\0') i += 2;
  }
  return plain;
}

// The ext-value of RFC 8187: charset'language'percent-encoded; UTF-8 only.
std::optional<std::string> extended_value(std::string_view text) {
  std::size_t const first = text.find('\'');
  std::size_t const second = first == std::string_view::npos ? first : text.find('\'', first + 1);
  if (second == std::string_view::npos) return std::nullopt;
  if (!equal_without_case(text.substr(0, first), "utf-8")) return std::nullopt;
  return percent_decoded(text.substr(second + 1));
}

bool is_boundary_character(char c) {
  if ((c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z')) return true;
  return c != '\0' && std::string_view{"'()+_,-./:=? "}.find(c) != std::string_view::npos;
}

}  // namespace

MultipartReader::MultipartReader(std::string_view boundary, MultipartLimits limits)
    : delimiter_("\r\n--" + std::string{boundary}), limits_(limits) {}

MultipartReader::Progress MultipartReader::feed(std::span<std::byte const> bytes) {
  std::size_t consumed = 0;
  while (true) {
    Progress progress = step(bytes.subspan(consumed));
    consumed += progress.consumed;
    progress.consumed = consumed;
    if (progress.event != Event::need_more || consumed == bytes.size()) return progress;
  }
}

MultipartReader::Progress MultipartReader::step(std::span<std::byte const> bytes) {
  if (state_ == State::ending) {
    state_ = State::epilogue;
    return {Event::end, 0};
  }
  if (state_ == State::failed) return {Event::failed, 0};
  if (bytes.empty()) return {};
  switch (state_) {
    case State::suffix:
      return read_suffix(bytes);
    case State::headers:
      return read_headers(bytes);
    case State::epilogue:
      return {Event::need_more, bytes.size()};
    default:
      return matched_ > 0 ? continue_match(bytes) : search(bytes);
  }
}

// In the preamble or in a part: everything before the next delimiter.
MultipartReader::Progress MultipartReader::search(std::span<std::byte const> bytes) {
  std::size_t const at = find_delimiter(text_of(bytes), delimiter_);
  if (at > 0 && in_part_) return {Event::data, at, bytes.first(at)};
  Progress progress =
      at < bytes.size() ? continue_match(bytes.subspan(at)) : Progress{Event::need_more, 0};
  progress.consumed += at;
  return progress;
}

MultipartReader::Progress MultipartReader::continue_match(std::span<std::byte const> bytes) {
  std::size_t taken = 0;
  while (taken < bytes.size() && matched_ < delimiter_.size()) {
    if (static_cast<char>(bytes[taken]) != delimiter_[matched_]) return not_a_boundary(taken);
    ++taken;
    ++matched_;
  }
  if (matched_ == delimiter_.size()) {
    state_ = State::suffix;
    suffix_.clear();
  }
  return {Event::need_more, taken};
}

// After a delimiter only "--", or padding and CR LF, make it a boundary (RFC 2046, 5.1.1).
MultipartReader::Progress MultipartReader::read_suffix(std::span<std::byte const> bytes) {
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    char const c = static_cast<char>(bytes[i]);
    bool const padded = suffix_.find_first_not_of(" \t") == std::string::npos;
    if (c == '-' && suffix_ == "-") return boundary_found(true, i + 1);
    if (c == '\n' && suffix_.ends_with('\r')) return boundary_found(false, i + 1);
    bool const goes_on =
        (c == '-' && suffix_.empty()) || (padded && (c == ' ' || c == '\t' || c == '\r'));
    if (!goes_on || suffix_.size() >= padding_bytes_max) return not_a_boundary(i);
    suffix_.push_back(c);
  }
  return {Event::need_more, bytes.size()};
}

// The byte after `consumed` shows that what was held back is data (or preamble).
MultipartReader::Progress MultipartReader::not_a_boundary(std::size_t consumed) {
  held_ = delimiter_.substr(0, matched_) + suffix_;
  matched_ = 0;
  suffix_.clear();
  state_ = in_part_ ? State::body : State::preamble;
  if (!in_part_ || held_.empty()) return {Event::need_more, consumed};
  return {Event::data, consumed, std::as_bytes(std::span{held_})};
}

MultipartReader::Progress MultipartReader::boundary_found(bool last, std::size_t consumed) {
  matched_ = 0;
  suffix_.clear();
  state_ = last ? State::ending : State::headers;
  headers_ = "\r\n";  // so that an empty block of headers ends like any other
  if (std::exchange(in_part_, false)) return {Event::part_end, consumed};
  if (!last) return {Event::need_more, consumed};
  state_ = State::epilogue;
  return {Event::end, consumed};
}

MultipartReader::Progress MultipartReader::read_headers(std::span<std::byte const> bytes) {
  std::size_t taken = 0;
  while (taken < bytes.size()) {
    headers_.push_back(static_cast<char>(bytes[taken++]));
    if (headers_.size() > limits_.part_headers_bytes_max) {
      return refuse(Fault::too_large, "a part of the form has too long headers");
    }
    if (!headers_.ends_with("\r\n\r\n")) continue;
    if (++part_count_ > limits_.part_count_max) {
      return refuse(Fault::too_large, "the form has too many parts");
    }
    if (!take_headers()) {
      return refuse(Fault::invalid, "a part of the form has malformed headers or no name");
    }
    in_part_ = true;
    state_ = State::body;
    return {Event::part_begin, taken};
  }
  return {Event::need_more, taken};
}

MultipartReader::Progress MultipartReader::refuse(Fault fault, std::string message) {
  state_ = State::failed;
  error_ = Error{fault, std::move(message)};
  return {Event::failed, 0};
}

// Reads `headers_` into `part_`; false when they are malformed or name no form field.
bool MultipartReader::take_headers() {
  part_ = PartHead{};
  bool named = false;
  std::string_view rest = std::string_view{headers_}.substr(2);
  while (rest != "\r\n") {
    std::size_t const end = rest.find("\r\n");
    std::string_view const line = rest.substr(0, end);
    rest.remove_prefix(end + 2);
    std::size_t const colon = line.find(':');
    if (colon == std::string_view::npos || colon == 0) return false;
    std::string_view const name = line.substr(0, colon);
    if (!std::all_of(name.begin(), name.end(), is_token_character)) return false;
    std::string_view const value = trimmed(line.substr(colon + 1));
    if (equal_without_case(name, "content-type")) part_.type = value;
    if (!equal_without_case(name, "content-disposition")) continue;
    take_disposition(value);
    named = !part_.name.empty();
  }
  return named;
}

void MultipartReader::take_disposition(std::string_view value) {
  std::size_t const kind_end = std::min(value.find(';'), value.size());
  if (!equal_without_case(trimmed(value.substr(0, kind_end)), "form-data")) return;
  std::string_view rest = value.substr(kind_end);
  bool extended = false;
  while (auto const parameter = take_parameter(rest)) {
    if (parameter->name == "name") part_.name = without_browser_escapes(parameter->value);
    if (parameter->name == "filename" && !extended) {
      part_.filename = without_browser_escapes(parameter->value);
    }
    if (parameter->name != "filename*") continue;
    if (auto name = extended_value(parameter->value)) {
      part_.filename = std::move(name);
      extended = true;
    }
  }
}

std::optional<std::string> multipart_boundary(std::string_view content_type) {
  std::size_t const type_end = std::min(content_type.find(';'), content_type.size());
  if (!equal_without_case(trimmed(content_type.substr(0, type_end)), "multipart/form-data")) {
    return std::nullopt;
  }
  std::string_view rest = content_type.substr(type_end);
  while (auto const parameter = take_parameter(rest)) {
    if (parameter->name != "boundary") continue;
    std::string const& boundary = parameter->value;
    bool const valid = !boundary.empty() && boundary.size() <= 70 && boundary.back() != ' ' &&
                       std::all_of(boundary.begin(), boundary.end(), is_boundary_character);
    return valid ? std::optional{boundary} : std::nullopt;
  }
  return std::nullopt;
}

}  // namespace chisme::web
