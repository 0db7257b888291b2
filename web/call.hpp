#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "web/file_heads.hpp"
#include "web/gate.hpp"
#include "web/gateway.hpp"
#include "web/http/request.hpp"
#include "web/plan.hpp"
#include "web/service.hpp"
#include "web/target.hpp"

// What the routes' handlers are given, and the handlers, each in its own file.
namespace chisme::web {

namespace s3 {
struct Signed;
}

// One request on its way to a plan; it lives for that long.
struct Call {
  Gateway& gateway;
  ServiceSettings const& settings;
  Request const& request;
  Target const& target;
  FileHeads& heads;
  Admission const& admission;             // what let it in
  std::string_view rest = {};             // of the path, behind the route's
  Result<Lookup> const* found = nullptr;  // the answer to an AskOthers
  s3::Signed const* signature = nullptr;  // of a request of S3's
};

// The file that a call is about, or the plan to follow because there is none.
using FileOrPlan = tl::expected<FileInfo, Plan>;
// The current version of `name` here, or of the others if it is absent here or older than the
// `?version=` that the client shows.
[[nodiscard]] FileOrPlan find_file(Call const& call, std::string const& name);
// The same for `?file=NAME`.
[[nodiscard]] FileOrPlan find_file_parameter(Call const& call);

// The holders of a file, as this client is told of them, best first.
[[nodiscard]] std::vector<Replica> holders_of(Call const& call, FileInfo const& file);

[[nodiscard]] Reply json_reply(unsigned status, std::string body);

// downloads.cpp
[[nodiscard]] Plan get_file(Call const& call);
[[nodiscard]] Plan get_client(Call const& call);
// The file by this node, which relays what it does not hold: for clients that follow no redirects.
[[nodiscard]] Plan get_file_here(Call const& call, FileInfo file);
[[nodiscard]] Reply incomplete_head(std::string const& name, std::string const& type);
// redirects.cpp
[[nodiscard]] Plan get_redirect(Call const& call);
[[nodiscard]] Plan get_route(Call const& call);
// uploads.cpp
[[nodiscard]] Plan put_file(Call const& call);
[[nodiscard]] Plan post_files(Call const& call);
[[nodiscard]] Plan delete_file(Call const& call);
// trash.cpp
[[nodiscard]] Plan get_trash(Call const& call);
[[nodiscard]] Plan post_trash(Call const& call);
[[nodiscard]] Plan delete_trash(Call const& call);
// After a form of the page of the trash did what it is for: 303 back there; nullopt if `request` is
// of no such form.
[[nodiscard]] std::optional<Reply> back_to_trash(Request const& request);
// tus/routes.cpp
[[nodiscard]] Plan options_uploads(Call const& call);
[[nodiscard]] Plan post_uploads(Call const& call);
[[nodiscard]] Plan head_upload(Call const& call);
[[nodiscard]] Plan post_upload(Call const& call);
[[nodiscard]] Plan patch_upload(Call const& call);
[[nodiscard]] Plan delete_upload(Call const& call);
// dav/routes.cpp
[[nodiscard]] Plan options_dav(Call const& call);
[[nodiscard]] Plan get_dav(Call const& call);
[[nodiscard]] Plan put_dav(Call const& call);
[[nodiscard]] Plan ask_dav(Call const& call);
// file_list.cpp
[[nodiscard]] Plan get_files(Call const& call);
// The answer to a call that was planned as SearchFiles.
[[nodiscard]] Reply listed_files(Call const& call, FoundFiles const& found);
// node_status.cpp
[[nodiscard]] Plan get_cluster(Call const& call);
[[nodiscard]] Plan get_healthz(Call const& call);
[[nodiscard]] Plan get_readyz(Call const& call);
[[nodiscard]] Plan get_metrics(Call const& call);
// The answer to a call that was planned as CountFiles.
[[nodiscard]] Reply counted_status(Call const& call);
[[nodiscard]] Plan post_drain(Call const& call);
[[nodiscard]] Plan get_scrub(Call const& call);
[[nodiscard]] Plan post_scrub(Call const& call);
[[nodiscard]] Plan post_local(Call const& call);
// shares.cpp
[[nodiscard]] Plan get_access(Call const& call);
[[nodiscard]] Plan post_shares(Call const& call);
[[nodiscard]] Plan delete_share(Call const& call);
[[nodiscard]] Plan delete_token(Call const& call);
// page_files.cpp
[[nodiscard]] Asset const* find_asset(Call const& call);
[[nodiscard]] Plan get_asset(Call const& call, Asset const& asset);
// sockets.cpp
[[nodiscard]] Plan get_ws_read(Call const& call);
[[nodiscard]] Plan get_ws_file(Call const& call);
[[nodiscard]] Plan get_ws_upload(Call const& call);
[[nodiscard]] Plan get_ws_cluster(Call const& call);

}  // namespace chisme::web
