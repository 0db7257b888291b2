#include <algorithm>
#include <charconv>
#include <span>
#include <string>

#include "web/call.hpp"
#include "web/file_page.hpp"
#include "web/html.hpp"
#include "web/json.hpp"
#include "web/media_types.hpp"
#include "web/names.hpp"
#include "web/negotiation.hpp"
#include "web/problem.hpp"
#include "web/tus/live.hpp"

// `GET /files`: the plain list, by name; and with `search`, `sort`, `order` or `offset` the list
// that is counted and can be in any order. A browser that goes there gets that one as a page.
namespace chisme::web {
namespace {

constexpr std::size_t listing_limit_max = 1000;

// As many as can be written: what is more than any number is the greatest.
std::optional<std::uint64_t> parse_count(std::string_view text) {
  std::uint64_t count = 0;
  auto const [end, error] = std::from_chars(text.data(), text.data() + text.size(), count);
  if (end != text.data() + text.size() || text.empty()) return std::nullopt;
  if (error == std::errc::result_out_of_range) return UINT64_MAX;
  return error == std::errc{} ? std::optional{count} : std::nullopt;
}

struct ListRequest {
  FileQuery query;
  FilePage page;
};
using Asked = tl::expected<ListRequest, Reply>;

bool is_counted(Call const& call) {
  constexpr std::string_view parameters[] = {"search", "sort", "order", "offset"};
  return prefers_html(call.request) || std::ranges::any_of(parameters, [&](std::string_view name) {
           return call.target.parameter(name).has_value();
         });
}

// What both lists have in common: `limit` and `prefix`.
Asked with_limit_and_prefix(Call const& call) {
  ListRequest asked;
  auto const limit_text = call.target.parameter("limit");
  auto const limit = limit_text ? parse_count(*limit_text) : listing_limit_max;
  if (!limit || *limit == 0) {
    return tl::unexpected(problem(400, "`limit` must be a number from 1 to 1000."));
  }
  std::size_t const most = prefers_html(call.request) ? list_page_files : listing_limit_max;
  asked.page.limit = std::min<std::uint64_t>(*limit, most);
  auto prefix = normalised_prefix(call.target.parameter("prefix").value_or(""));
  if (!prefix) return tl::unexpected(problem_of(prefix.error()));
  asked.query.prefix = std::move(*prefix);
  return asked;
}

Asked with_order(Call const& call, ListRequest asked) {
  auto const sort = call.target.parameter("sort").value_or("name");
  auto const order = call.target.parameter("order").value_or("asc");
  if (sort != "name" && sort != "modified" && sort != "size") {
    return tl::unexpected(problem(400, "`sort` must be name, modified or size."));
  }
  if (order != "asc" && order != "desc") {
    return tl::unexpected(problem(400, "`order` must be asc or desc."));
  }
  if (sort == "modified") asked.query.sort = FileSort::modified;
  if (sort == "size") asked.query.sort = FileSort::size;
  asked.query.descending = order == "desc";
  return asked;
}

Asked with_place(Call const& call, ListRequest asked) {
  auto const offset = parse_count(call.target.parameter("offset").value_or("0"));
  if (!offset) return tl::unexpected(problem(400, "`offset` must be a number from 0."));
  asked.page.offset = *offset;
  auto const after = call.target.parameter("after");
  if (!after || after->empty()) return asked;
  if (!parse_place(asked.query.sort, *after)) {
    return tl::unexpected(
        problem(400, "`after` must be the `next` of a list that is sorted by the same."));
  }
  asked.page.after = std::string{*after};
  return asked;
}

Asked with_words(Call const& call, ListRequest asked) {
  auto words = search_words(call.target.parameter("search").value_or(""));
  if (!words) return tl::unexpected(problem_of(words.error()));
  asked.query.words = std::move(*words);
  return asked;
}

Asked counted_list(Call const& call, ListRequest asked) {
  return with_order(call, std::move(asked))
      .and_then([&](ListRequest ordered) { return with_place(call, std::move(ordered)); })
      .and_then([&](ListRequest placed) { return with_words(call, std::move(placed)); });
}

// The file that is to have the name of an upload under way.
IncompleteFile incomplete_file(Call const& call, tus::LiveUpload const& upload) {
  return {upload.name, std::string{media_type_of(upload.name)},
          tus::readable_bytes(call.gateway, upload.id), upload.begun};
}

// The uploads under way whose names belong to this page of the list, and are not taken by a file.
std::vector<IncompleteFile> incomplete_files(Call const& call, std::string_view prefix,
                                             std::string_view after, Listing const& page) {
  std::vector<IncompleteFile> files;
  for (tus::LiveUpload const& upload : tus::live_uploads(call.gateway, prefix)) {
    if (upload.name <= after || (page.next && upload.name > *page.next)) continue;
    if (call.gateway.lookup(upload.name).status == LookupStatus::found) continue;
    if (!files.empty() && files.back().name == upload.name) continue;
    files.push_back(incomplete_file(call, upload));
  }
  return files;
}

// Those that match, by name. They have no place in an order yet, for their size and date are not
// known: they are told once, apart, with the beginning of the list.
std::vector<IncompleteFile> matching_incomplete_files(Call const& call, ListRequest const& asked) {
  if (asked.page.after || asked.page.offset > 0) return {};
  auto files = incomplete_files(call, asked.query.prefix, "", {});
  NameMatcher matcher{asked.query.words};
  std::erase_if(files, [&](IncompleteFile const& file) { return !matcher.matches(file.name); });
  return files;
}

Plan plain_list(Call const& call, ListRequest const& asked) {
  auto const after = normalised_prefix(call.target.parameter("after").value_or(""));
  if (!after) return problem_of(after.error());
  std::string const& prefix = asked.query.prefix;
  std::string_view const from = std::max(std::string_view{*after}, behind_internal);
  Listing const page = call.gateway.list(prefix, from, asked.page.limit);
  return json_reply(200, to_json(page, incomplete_files(call, prefix, from, page)));
}

std::optional<std::string> next_of(FileQuery const& query, FoundFiles const& found) {
  if (!found.more || found.files.empty()) return std::nullopt;
  FileInfo const& last = found.files.back();
  return place_text(query.sort, {sort_value(query.sort, last.size, last.modified), last.name});
}

Reply html_list(Call const& call, ListRequest const& asked, FoundFiles const& found,
                std::span<IncompleteFile const> incomplete) {
  return html_reply(200,
                    to_html({.found = found,
                             .incomplete = incomplete,
                             .query = asked.query,
                             .search = std::string{call.target.parameter("search").value_or("")},
                             .next = next_of(asked.query, found),
                             .first = !asked.page.after && asked.page.offset == 0,
                             .style = style_address(call.settings.assets),
                             .keeps_trash = call.gateway.cluster().trash.count() > 0,
                             .spanish = prefers_spanish(call.request)}));
}

}  // namespace

Plan get_files(Call const& call) {
  Asked asked = with_limit_and_prefix(call);
  if (!asked) return std::move(asked.error());
  if (!is_counted(call)) return plain_list(call, *asked);
  asked = counted_list(call, std::move(*asked));
  if (!asked) return std::move(asked.error());
  return SearchFiles{std::move(asked->query), std::move(asked->page)};
}

Reply listed_files(Call const& call, FoundFiles const& found) {
  Asked const asked = with_limit_and_prefix(call).and_then(
      [&](ListRequest request) { return counted_list(call, std::move(request)); });
  if (!asked) return asked.error();
  auto const incomplete = matching_incomplete_files(call, *asked);
  if (prefers_html(call.request)) return html_list(call, *asked, found, incomplete);
  return json_reply(200, to_json(found, next_of(asked->query, found), incomplete));
}

}  // namespace chisme::web
