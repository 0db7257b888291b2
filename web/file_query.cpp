#include "web/file_query.hpp"

#include <utf8proc.h>

#include <algorithm>
#include <charconv>

#include "web/http/characters.hpp"
#include "web/names.hpp"

namespace chisme::web {
namespace {

// How many bytes of a blank `text` begins with; 0: it begins with none.
std::size_t blank_bytes(std::string_view text) {
  utf8proc_int32_t code_point = 0;
  utf8proc_ssize_t const size =
      utf8proc_iterate(reinterpret_cast<utf8proc_uint8_t const*>(text.data()),
                       static_cast<utf8proc_ssize_t>(text.size()), &code_point);
  bool const control = code_point >= '\t' && code_point <= '\r';
  bool const blank = control || utf8proc_category(code_point) == UTF8PROC_CATEGORY_ZS;
  return size > 0 && blank ? static_cast<std::size_t>(size) : 0;
}

}  // namespace

std::int64_t sort_value(FileSort sort, ByteCount size, WallTime modified) {
  switch (sort) {
    case FileSort::name:
      return 0;
    case FileSort::size:
      return static_cast<std::int64_t>(
          std::min<std::uint64_t>(size.value(), static_cast<std::uint64_t>(INT64_MAX)));
    case FileSort::modified:
      return modified.time_since_epoch().count();
  }
  return 0;
}

bool comes_before(FileQuery const& query, FilePlace const& a, FilePlace const& b) {
  if (query.sort == FileSort::name) return query.descending ? b.name < a.name : a.name < b.name;
  if (a.value != b.value) return query.descending ? b.value < a.value : a.value < b.value;
  return a.name < b.name;
}

std::string place_text(FileSort sort, FilePlace const& place) {
  std::string const name{place.name};
  return sort == FileSort::name ? name : std::to_string(place.value) + ":" + name;
}

std::optional<FilePlace> parse_place(FileSort sort, std::string_view text) {
  FilePlace place;
  if (sort != FileSort::name) {
    std::size_t const colon = text.find(':');
    if (colon == std::string_view::npos) return std::nullopt;
    char const* const end = text.data() + colon;
    auto const read = std::from_chars(text.data(), end, place.value);
    if (read.ec != std::errc{} || read.ptr != end) return std::nullopt;
    text.remove_prefix(colon + 1);
  }
  if (text.size() > name_bytes_max || !is_utf8(text)) return std::nullopt;
  place.name = text;
  return place;
}

Result<std::vector<std::string>> search_words(std::string_view text) {
  // No name is longer.
  if (text.size() > name_bytes_max) {
    return fail(Fault::invalid, "what is searched for is longer than 1024 bytes");
  }
  if (!is_utf8(text)) return fail(Fault::invalid, "what is searched for is not UTF-8");
  auto const all = folded(text);
  if (!all) return tl::unexpected(all.error());
  std::vector<std::string> words;
  bool within = false;
  for (std::string_view rest = *all; !rest.empty();) {
    std::size_t const blank = blank_bytes(rest);
    if (blank == 0) {
      if (!within) words.emplace_back();
      words.back() += rest.front();
    }
    within = blank == 0;
    rest.remove_prefix(std::max<std::size_t>(blank, 1));
  }
  if (words.size() > search_words_max) {
    return fail(Fault::invalid, "more than 16 words are searched for");
  }
  return words;
}

bool NameMatcher::matches(std::string_view name) {
  if (words_.empty()) return true;
  if (is_ascii(name)) {
    folded_.resize(name.size());
    std::transform(name.begin(), name.end(), folded_.begin(), to_lower);
  } else {
    folded_ = folded(name).value_or(std::string{name});
  }
  return std::all_of(words_.begin(), words_.end(), [&](std::string const& word) {
    return folded_.find(word) != std::string::npos;
  });
}

}  // namespace chisme::web
