#include "web/trash.hpp"

#include <algorithm>
#include <charconv>
#include <utility>

#include "web/call.hpp"
#include "web/html.hpp"
#include "web/json.hpp"
#include "web/names.hpp"
#include "web/negotiation.hpp"
#include "web/problem.hpp"
#include "web/trash_page.hpp"

// `/trash` and `/trash/ID`. An ID has all that is to be known of a place in the trash, the name of
// the file at its end, so that every node finds it as it finds files.
namespace chisme::web {
namespace {

constexpr std::size_t trash_limit_max = 1000;

std::string row(FileInfo const& file, TrashPlace const& place) {
  return R"({"id":)" + json_string(id_in_trash(file.name)) + R"(,"name":)" +
         json_string(place.name) + R"(,"size":)" + std::to_string(file.size.value()) +
         R"(,"type":)" + json_string(file.type) + R"(,"sha256":")" + to_hex(file.digest) +
         R"(","removed":")" + rfc3339(place.removed) + R"(","expires":")" +
         rfc3339(gone_at(file, place)) + R"(","copies":)" + std::to_string(file.copies) +
         R"(,"wanted":)" + std::to_string(file.wanted) + "}";
}

// The name of the place that a request is about; nullopt: nobody can have been told of it.
std::optional<std::string> place_of(Call const& call) {
  auto const id = percent_decoded(call.rest);
  auto const place = id ? parse_trash_id(*id) : std::nullopt;
  if (!place || checked_name(place->name) != std::string{place->name}) return std::nullopt;
  return std::string{trash_prefix} + *id;
}

Plan not_in_trash() {
  return problem(404,
                 "There is nothing of that id in the trash; it may have been restored, or its time "
                 "is over. GET /trash lists what there is.");
}

struct Asked {
  FileInfo file;
  std::string name;  // that it had
};
tl::expected<Asked, Plan> find_in_trash(Call const& call) {
  auto const place = place_of(call);
  if (!place) return tl::unexpected<Plan>(not_in_trash());
  bool const is_absent = call.found && *call.found && (*call.found)->status == LookupStatus::absent;
  if (is_absent) return tl::unexpected<Plan>(not_in_trash());
  auto file = find_file(call, *place);
  if (!file) return tl::unexpected<Plan>(std::move(file.error()));
  return Asked{std::move(*file), std::string{parse_trash_id(id_in_trash(*place))->name}};
}

}  // namespace

std::string_view id_in_trash(std::string_view place) {
  return place.substr(std::min(place.size(), trash_prefix.size()));
}

WallTime gone_at(FileInfo const& file, TrashPlace const& place) {
  return std::min(place.expires, file.expires.value_or(place.expires));
}

std::string trash_json(Listing const& listing) {
  std::string rows;
  for (FileInfo const& file : listing.files) {
    auto const place = parse_trash_id(id_in_trash(file.name));
    if (place) rows += (rows.empty() ? "" : ",") + row(file, *place);
  }
  std::string const next = listing.next ? json_string(id_in_trash(*listing.next)) : "null";
  return R"({"files":[)" + rows + R"(],"next":)" + next + "}";
}

Plan get_trash(Call const& call) {
  std::size_t limit = trash_limit_max;
  if (auto const text = call.target.parameter("limit")) {
    auto const [end, fault] = std::from_chars(text->data(), text->data() + text->size(), limit);
    if (fault != std::errc{} || end != text->data() + text->size() || limit == 0) {
      return problem(400, "`limit` must be a number from 1 to 1000.");
    }
  }
  auto const after = call.target.parameter("after").value_or("");
  if (!after.empty() && !parse_trash_id(after)) {
    return problem(400, "`after` must be the `next` of the page before.");
  }
  std::string const prefix{trash_prefix};
  bool const as_page = prefers_html(call.request);
  std::size_t const most = as_page ? trash_page_files : trash_limit_max;
  Listing const listing =
      call.gateway.list(prefix, prefix + std::string{after}, std::min(limit, most));
  if (!as_page) return json_reply(200, trash_json(listing));
  return html_reply(200, to_html({.listing = listing,
                                  .kept = call.gateway.cluster().trash,
                                  .first = after.empty(),
                                  .style = style_address(call.settings.assets),
                                  .spanish = prefers_spanish(call.request)}));
}

// A form cannot DELETE.
Plan post_trash(Call const& call) {
  auto const remove = call.target.parameter("remove");
  if (remove && *remove != "0" && *remove != "1") {
    return problem(400, "`remove` must be 1, which removes the file for good, or 0.");
  }
  if (remove == "1") return delete_trash(call);
  auto const overwrite = call.target.parameter("overwrite");
  if (overwrite && *overwrite != "0" && *overwrite != "1") {
    return problem(400, "`overwrite` must be 1, or 0, which is the default.");
  }
  auto asked = find_in_trash(call);
  if (!asked) return std::move(asked.error());
  UploadRequest request;
  request.name = std::move(asked->name);
  request.condition.must_be_absent = overwrite != "1";
  return RestoreFile{std::move(asked->file), std::move(request)};
}

Plan delete_trash(Call const& call) {
  auto const asked = find_in_trash(call);
  if (!asked) {
    // What has no copy any more can go all the same.
    bool const is_lost = call.found && *call.found && (*call.found)->status == LookupStatus::lost;
    auto const place = is_lost ? place_of(call) : std::nullopt;
    if (!place) return asked.error();
    return RemoveFile{*place, {}, true};
  }
  return RemoveFile{asked->file.name, {}, true};
}

std::optional<Reply> back_to_trash(Request const& request) {
  auto const target = request.method == Method::post ? parse_target(request.target) : std::nullopt;
  bool const is_form = target && target->path.starts_with("/trash/") &&
                       target->parameter("from") == "list" && prefers_html(request);
  if (!is_form) return std::nullopt;
  return Reply{.status = 303, .headers = {{"Location", "/trash"}}, .body = {}};
}

}  // namespace chisme::web
