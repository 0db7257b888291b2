#include "web/tus/live.hpp"

#include <utility>

#include "web/tus/upload.hpp"

namespace chisme::web::tus {
namespace {

// "live/NAME/ID" in two.
std::optional<LiveUpload> parse_marker(FileInfo const& marker) {
  std::string_view text = marker.name;
  text.remove_prefix(live_prefix("").size());
  std::size_t const slash = text.rfind('/');
  if (slash == std::string_view::npos || !is_upload_id(text.substr(slash + 1))) return std::nullopt;
  return LiveUpload{std::string{text.substr(0, slash)}, std::string{text.substr(slash + 1)},
                    marker.modified};
}

bool is_under_way(Gateway& gateway, LiveUpload const& upload) {
  return gateway.lookup(about_name(upload.id)).status == LookupStatus::found &&
         gateway.lookup(done_name(upload.id)).status != LookupStatus::found;
}

}  // namespace

std::vector<LiveUpload> live_uploads(Gateway& gateway, std::string_view prefix) {
  std::vector<LiveUpload> uploads;
  for (FileInfo const& marker : gateway.list(live_prefix(prefix), "", listed_max).files) {
    auto upload = parse_marker(marker);
    if (upload && is_under_way(gateway, *upload)) uploads.push_back(std::move(*upload));
  }
  return uploads;
}

std::optional<LiveUpload> live_upload(Gateway& gateway, std::string_view name) {
  std::optional<LiveUpload> newest;
  for (LiveUpload& upload : live_uploads(gateway, std::string{name} + "/")) {
    bool const is_newer = !newest || newest->begun < upload.begun;
    if (upload.name == name && is_newer) newest = std::move(upload);
  }
  return newest;
}

ByteCount readable_bytes(Gateway& gateway, std::string_view id) {
  std::vector<FileInfo> files;
  std::optional<std::string> after{""};
  while (after) {
    Listing page = gateway.list(files_prefix(id), *after, listed_max);
    std::move(page.files.begin(), page.files.end(), std::back_inserter(files));
    after = std::move(page.next);
  }
  return covered(progress_of(id, std::move(files)).parts);
}

}  // namespace chisme::web::tus
