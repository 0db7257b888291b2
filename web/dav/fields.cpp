#include "web/dav/fields.hpp"

#include <algorithm>
#include <charconv>
#include <utility>

#include "web/http/characters.hpp"
#include "web/target.hpp"

namespace chisme::web::dav {
namespace {

// IfReader takes an If field apart, from the front.
class IfReader {
 public:
  explicit IfReader(std::string_view text) : rest_(text) {}

  Result<std::vector<IfList>> read() {
    std::vector<IfList> lists;
    std::optional<std::string> resource;
    bool is_tagged = false;
    for (skip(); !rest_.empty(); skip()) {
      if (rest_.front() == '<') {
        resource = bracketed('<', '>');
        if (!resource || (!lists.empty() && !is_tagged)) return broken();
        is_tagged = true;
        skip();
      }
      IfList list{resource, {}};
      if (!read_list(list)) return broken();
      lists.push_back(std::move(list));
    }
    if (lists.empty()) return broken();
    return lists;
  }

 private:
  static Result<std::vector<IfList>> broken() {
    return fail(Fault::invalid, "the If field is malformed, or too long");
  }
  void skip() { rest_ = trimmed(rest_); }
  bool take(char c) {
    if (!rest_.starts_with(c)) return false;
    rest_.remove_prefix(1);
    return true;
  }
  // What is between two brackets, which are taken too.
  std::optional<std::string> bracketed(char open, char close) {
    std::size_t const end = rest_.find(close);
    if (!rest_.starts_with(open) || end == std::string_view::npos || end < 2) return std::nullopt;
    std::string inside{rest_.substr(1, end - 1)};
    rest_.remove_prefix(end + 1);
    return inside;
  }
  // An entity tag may have a bracket in it.
  std::optional<std::string> bracketed_tag() {
    if (!take('[')) return std::nullopt;
    skip();
    std::size_t const open = rest_.find('"');
    if (open == std::string_view::npos || (open != 0 && rest_.substr(0, open) != "W/")) {
      return std::nullopt;
    }
    std::size_t const close = rest_.find('"', open + 1);
    if (close == std::string_view::npos) return std::nullopt;
    std::string tag{rest_.substr(0, close + 1)};
    rest_.remove_prefix(close + 1);
    skip();
    return take(']') ? std::optional{std::move(tag)} : std::nullopt;
  }
  bool read_list(IfList& list) {
    if (!take('(')) return false;
    for (skip(); !take(')'); skip()) {
      if (++conditions_ > if_conditions_max) return false;
      IfCondition condition;
      if (equal_without_case(rest_.substr(0, 3), "not")) {
        condition.is_negated = true;
        rest_.remove_prefix(3);
        skip();
      }
      condition.is_token = rest_.starts_with('<');
      auto text = condition.is_token ? bracketed('<', '>') : bracketed_tag();
      if (!text) return false;
      condition.text = std::move(*text);
      list.conditions.push_back(std::move(condition));
    }
    return !list.conditions.empty();
  }

  std::string_view rest_;
  std::size_t conditions_ = 0;
};

std::optional<std::chrono::seconds> seconds_in(std::string_view wish) {
  constexpr std::string_view unit = "second-";
  if (!equal_without_case(wish.substr(0, unit.size()), unit)) return std::nullopt;
  wish.remove_prefix(unit.size());
  std::uint32_t seconds = 0;
  auto const [end, error] = std::from_chars(wish.data(), wish.data() + wish.size(), seconds);
  if (error == std::errc::result_out_of_range) return lock_life_max;
  if (error != std::errc{} || end != wish.data() + wish.size()) return std::nullopt;
  return std::chrono::seconds{seconds};
}

}  // namespace

Result<Depth> depth_of(Request const& request) {
  std::string_view const text = trimmed(request.header("depth").value_or("infinity"));
  if (text == "0") return Depth::zero;
  if (text == "1") return Depth::one;
  if (equal_without_case(text, "infinity")) return Depth::infinity;
  return fail(Fault::invalid, "Depth is 0, 1 or infinity");
}

Result<bool> may_overwrite(Request const& request) {
  std::string_view const text = trimmed(request.header("overwrite").value_or("T"));
  if (equal_without_case(text, "t")) return true;
  if (equal_without_case(text, "f")) return false;
  return fail(Fault::invalid, "Overwrite is T or F");
}

Result<Path> destination_of(Request const& request) {
  auto const text = request.header("destination");
  if (!text) return fail(Fault::invalid, "say where to, in the field Destination");
  auto const target = parse_target(trimmed(*text));
  if (!target || text->find('#') != std::string_view::npos) {
    return fail(Fault::invalid, "the Destination is malformed");
  }
  auto const host = request.header("host");
  bool const is_here =
      target->authority.empty() || (host && equal_without_case(*host, target->authority));
  if (!is_here || !target->path.starts_with(resources_path)) {
    return fail(Fault::unavailable, "the Destination is at another server, or not below /dav/");
  }
  return path_from_url(std::string_view{target->path}.substr(resources_path.size()));
}

std::chrono::seconds timeout_of(Request const& request) {
  for (std::string_view const wish : list_elements(request.header("timeout").value_or(""))) {
    if (equal_without_case(wish, "infinite")) return lock_life_max;
    if (auto const seconds = seconds_in(wish)) {
      return std::clamp(*seconds, lock_life_min, lock_life_max);
    }
  }
  return lock_life;
}

std::optional<std::string> lock_token_of(Request const& request) {
  std::string_view const text = trimmed(request.header("lock-token").value_or(""));
  if (text.size() < 3 || !text.starts_with('<') || !text.ends_with('>')) return std::nullopt;
  return std::string{text.substr(1, text.size() - 2)};
}

Result<std::vector<IfList>> parse_if(std::string_view text) {
  return IfReader{text}.read();
}

std::vector<std::string> tokens_in(std::vector<IfList> const& lists) {
  std::vector<std::string> tokens;
  for (IfList const& list : lists) {
    for (IfCondition const& condition : list.conditions) {
      if (condition.is_token) tokens.push_back(condition.text);
    }
  }
  return tokens;
}

bool is_true(
    std::vector<IfList> const& lists,
    std::function<bool(std::optional<std::string> const&, IfCondition const&)> const& holds) {
  return std::ranges::any_of(lists, [&](IfList const& list) {
    return std::ranges::all_of(list.conditions, [&](IfCondition const& condition) {
      return holds(list.resource, condition) != condition.is_negated;
    });
  });
}

}  // namespace chisme::web::dav
