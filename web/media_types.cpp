#include "web/media_types.hpp"

#include <algorithm>
#include <array>
#include <string>

#include "web/http/characters.hpp"

namespace chisme::web {
namespace {

struct Known {
  std::string_view extension;
  std::string_view type;
};

constexpr std::string_view unknown_type = "application/octet-stream";

// By extension, in order.
constexpr std::array known_types = std::to_array<Known>({
    {"aac", "audio/aac"},         {"apng", "image/apng"},
    {"avi", "video/x-msvideo"},   {"avif", "image/avif"},
    {"bmp", "image/bmp"},         {"css", "text/css"},
    {"csv", "text/csv"},          {"flac", "audio/flac"},
    {"gif", "image/gif"},         {"gz", "application/gzip"},
    {"htm", "text/html"},         {"html", "text/html"},
    {"ico", "image/x-icon"},      {"jpeg", "image/jpeg"},
    {"jpg", "image/jpeg"},        {"js", "text/javascript"},
    {"json", "application/json"}, {"log", "text/plain"},
    {"m4a", "audio/mp4"},         {"m4v", "video/mp4"},
    {"md", "text/markdown"},      {"mkv", "video/x-matroska"},
    {"mov", "video/quicktime"},   {"mp3", "audio/mpeg"},
    {"mp4", "video/mp4"},         {"mpeg", "video/mpeg"},
    {"mpg", "video/mpeg"},        {"oga", "audio/ogg"},
    {"ogg", "audio/ogg"},         {"ogv", "video/ogg"},
    {"opus", "audio/ogg"},        {"pdf", "application/pdf"},
    {"png", "image/png"},         {"srt", "application/x-subrip"},
    {"svg", "image/svg+xml"},     {"tar", "application/x-tar"},
    {"ts", "video/mp2t"},         {"txt", "text/plain"},
    {"vtt", "text/vtt"},          {"wav", "audio/wav"},
    {"webm", "video/webm"},       {"webp", "image/webp"},
    {"xml", "application/xml"},   {"zip", "application/zip"},
});
static_assert(std::is_sorted(known_types.begin(), known_types.end(),
                             [](Known a, Known b) { return a.extension < b.extension; }));

constexpr std::size_t media_type_bytes_max = 255;

std::string_view essence(std::string_view media_type) {
  return trimmed(media_type.substr(0, media_type.find(';')));
}

bool is_token(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), is_token_character);
}

}  // namespace

std::string_view media_type_of(std::string_view name) {
  std::string_view const last = name.substr(name.rfind('/') + 1);
  std::size_t const dot = last.rfind('.');
  if (dot == std::string_view::npos) return unknown_type;
  std::string extension{last.substr(dot + 1)};
  std::transform(extension.begin(), extension.end(), extension.begin(), to_lower);
  auto const found = std::lower_bound(
      known_types.begin(), known_types.end(), extension,
      [](Known const& known, std::string const& wanted) { return known.extension < wanted; });
  bool const known = found != known_types.end() && found->extension == extension;
  return known ? found->type : unknown_type;
}

bool is_shown_inline(std::string_view media_type) {
  std::string type{essence(media_type)};
  std::transform(type.begin(), type.end(), type.begin(), to_lower);
  if (type == "image/svg+xml") return false;
  return type.starts_with("image/") || type.starts_with("audio/") || type.starts_with("video/") ||
         type == "application/pdf" || type == "text/plain";
}

bool is_media_type(std::string_view text) {
  if (text.size() > media_type_bytes_max) return false;
  std::string_view const type = essence(text);
  std::size_t const slash = type.find('/');
  if (slash == std::string_view::npos) return false;
  if (!is_token(type.substr(0, slash)) || !is_token(type.substr(slash + 1))) return false;
  std::string_view rest = text.substr(std::min(text.find(';'), text.size()));
  while (!rest.empty()) {
    auto const parameter = take_parameter(rest);
    if (!parameter) return false;
    for (char const c : parameter->value) {
      if (c < 0x20 || c == 0x7f) return false;
    }
  }
  return true;
}

}  // namespace chisme::web
