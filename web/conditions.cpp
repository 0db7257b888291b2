#include "web/conditions.hpp"

#include <algorithm>
#include <chrono>
#include <vector>

#include "web/http/characters.hpp"
#include "web/http_date.hpp"

namespace chisme::web {
namespace {

// The tags of an If-Match or If-None-Match field, over all its lines.
struct Tags {
  bool given = false;
  bool any = false;  // "*"
  std::vector<Digest> strong;
  std::vector<Digest> weak;
};

std::optional<Digest> digest_of_tag(std::string_view tag) {
  if (tag.size() < 2 || tag.front() != '"' || tag.back() != '"') return std::nullopt;
  return parse_digest(tag.substr(1, tag.size() - 2));
}

Tags tags_of(Request const& request, std::string_view field) {
  Tags tags;
  for (Header const& header : request.headers) {
    if (!equal_without_case(header.name, field)) continue;
    tags.given = true;
    for (std::string_view tag : list_elements(header.value)) {
      tags.any = tags.any || tag == "*";
      bool const weak = tag.starts_with("W/");
      if (weak) tag.remove_prefix(2);
      if (auto const digest = digest_of_tag(tag))
        (weak ? tags.weak : tags.strong).push_back(*digest);
    }
  }
  return tags;
}

bool has(std::vector<Digest> const& digests, Digest const& digest) {
  return std::find(digests.begin(), digests.end(), digest) != digests.end();
}

std::optional<WallTime> date_of(Request const& request, std::string_view field) {
  auto const value = request.header(field);
  return value ? parse_http_date(*value) : std::nullopt;
}

// Dates have whole seconds.
WallTime in_seconds(WallTime time) {
  return WallTime{std::chrono::floor<std::chrono::seconds>(time.time_since_epoch())};
}

}  // namespace

std::string etag_of(Digest const& digest) {
  return '"' + to_hex(digest) + '"';
}

// In the order of RFC 9110, 13.2.2.
Precondition evaluate(Request const& request, FileInfo const& file) {
  WallTime const modified = in_seconds(file.modified);
  if (Tags const match = tags_of(request, "if-match"); match.given) {
    if (!match.any && !has(match.strong, file.digest)) return Precondition::failed;
  } else if (auto const date = date_of(request, "if-unmodified-since"); date && modified > *date) {
    return Precondition::failed;
  }
  if (Tags const none = tags_of(request, "if-none-match"); none.given) {
    bool const same = none.any || has(none.strong, file.digest) || has(none.weak, file.digest);
    return same ? Precondition::not_modified : Precondition::go_on;
  }
  auto const date = date_of(request, "if-modified-since");
  return date && modified <= *date ? Precondition::not_modified : Precondition::go_on;
}

bool range_applies(Request const& request, FileInfo const& file) {
  auto const condition = request.header("if-range");
  if (!condition) return true;
  if (condition->starts_with('"')) return *condition == etag_of(file.digest);
  // A date is a strong validator only if the file did not change within its second, which a name's
  // own history cannot promise; the ETag can.
  return false;
}

std::optional<Condition> write_condition(Request const& request) {
  Tags const match = tags_of(request, "if-match");
  Tags const none = tags_of(request, "if-none-match");
  if (match.given && !match.any && match.strong.empty()) return std::nullopt;
  Condition condition;
  condition.must_be_absent = none.any;
  condition.must_exist = match.any;
  if (!match.any) condition.must_match = match.strong;
  condition.must_not_match = none.strong;
  condition.must_not_match.insert(condition.must_not_match.end(), none.weak.begin(),
                                  none.weak.end());
  return condition;
}

bool rules_out(Condition const& condition, FileInfo const* file) {
  if (file == nullptr) return false;
  return condition.must_be_absent || has(condition.must_not_match, file->digest) ||
         (!condition.must_match.empty() && !has(condition.must_match, file->digest));
}

}  // namespace chisme::web
