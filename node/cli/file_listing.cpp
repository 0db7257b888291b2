#include "node/cli/file_listing.hpp"

#include <nlohmann/json.hpp>
#include <utility>

#include "node/cli/answer_fields.hpp"

namespace chisme::node::cli {

Result<std::optional<ListedFile>> FileListing::next() {
  while (page_.empty()) {
    if (last_page_) return std::nullopt;
    if (auto fetched = fetch(); !fetched) return tl::unexpected<Error>(fetched.error());
  }
  std::optional<ListedFile> first = std::move(page_.front());
  page_.pop_front();
  return first;
}

Result<void> FileListing::fetch() {
  HttpRequest request;
  request.target =
      "/files?limit=1000&prefix=" + encode_query(prefix_) + "&after=" + encode_query(after_);
  auto const answer = client_.send(request);
  if (!answer) return tl::unexpected<Error>(answer.error());
  if (!answer->is_success()) return tl::unexpected<Error>(problem_of(*answer));
  auto const page = nlohmann::json::parse(answer->body, nullptr, false);
  if (!page.is_object() || !page.contains("files") || !page.at("files").is_array()) {
    return fail(Fault::io, to_string(answer->origin) + " sent a list that is none");
  }
  for (auto const& file : page.at("files")) {
    if (flag_field(file, "incomplete")) continue;
    page_.push_back({text_field(file, "name"), count_field(file, "size"), text_field(file, "type"),
                     text_field(file, "sha256"), text_field(file, "modified")});
  }
  std::string next = text_field(page, "next");
  last_page_ = next.empty();
  if (!last_page_ && next <= after_) {
    return fail(Fault::io, to_string(answer->origin) + " repeats its list");
  }
  after_ = std::move(next);
  return {};
}

}  // namespace chisme::node::cli
