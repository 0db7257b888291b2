#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "cluster/base/result.hpp"
#include "cluster/base/strong.hpp"
#include "cluster/base/time.hpp"

// Which files a list shows, and in which order. Pure.
namespace chisme::web {

enum class FileSort { name, modified, size };

struct FileQuery {
  std::string prefix;              // of the names, normalised
  std::vector<std::string> words;  // folded (`search_words`); each must occur in the name
  FileSort sort = FileSort::name;
  bool descending = false;
  friend bool operator==(FileQuery const&, FileQuery const&) = default;
};

// A file's place in an order: what it is sorted by (0 when that is the name), and its name, which
// decides between equals, always from A to Z.
struct FilePlace {
  std::int64_t value = 0;
  std::string_view name;
};
[[nodiscard]] std::int64_t sort_value(FileSort sort, ByteCount size, WallTime modified);
// A strict weak ordering; no two names are equivalent.
[[nodiscard]] bool comes_before(FileQuery const& query, FilePlace const& a, FilePlace const& b);

// A place as text for a client to give back: the name, or "VALUE:NAME".
[[nodiscard]] std::string place_text(FileSort sort, FilePlace const& place);
// nullopt when no place of that order is written so. Points into `text`.
[[nodiscard]] std::optional<FilePlace> parse_place(FileSort sort, std::string_view text);

// Part of a list: what comes after a file's place, without the first `offset` of it.
struct FilePage {
  std::optional<std::string> after;  // `place_text`
  std::uint64_t offset = 0;
  std::size_t limit = 0;
};

// The words of a search, folded. Fault: invalid, when they are too many or no text.
inline constexpr std::size_t search_words_max = 16;
[[nodiscard]] Result<std::vector<std::string>> search_words(std::string_view text);

// Whether all of `words`, folded, occur in names. Keeps a buffer from one name to the next.
class NameMatcher {
 public:
  explicit NameMatcher(std::vector<std::string> words) : words_(std::move(words)) {}
  [[nodiscard]] bool matches(std::string_view name);

 private:
  std::vector<std::string> words_;
  std::string folded_;
};

}  // namespace chisme::web
