#include "web/routes.hpp"

#include <algorithm>
#include <array>

#include "web/call.hpp"
#include "web/s3/handlers.hpp"

namespace chisme::web {
namespace {

constexpr bool opened_by_links = true;

constexpr std::array all_routes = std::to_array<Route>({
    {"/files", Method::get, get_files, Needs::read},
    {"/files", Method::post, post_files, Needs::write},
    {"/files/", Method::get, get_file, Needs::read, opened_by_links},
    {"/files/", Method::put, put_file, Needs::write},
    {"/files/", Method::delete_, delete_file, Needs::write},
    {"/trash", Method::get, get_trash, Needs::read},
    {"/trash/", Method::post, post_trash, Needs::write},
    {"/trash/", Method::delete_, delete_trash, Needs::write},
    {"/uploads", Method::options, options_uploads, Needs::nothing},
    {"/uploads", Method::post, post_uploads, Needs::write},
    {"/uploads/", Method::options, options_uploads, Needs::nothing},
    {"/uploads/", Method::get, head_upload, Needs::read},
    {"/uploads/", Method::post, post_upload, Needs::write},
    {"/uploads/", Method::patch, patch_upload, Needs::write},
    {"/uploads/", Method::delete_, delete_upload, Needs::write},
    {"/dav", Method::options, options_dav, Needs::nothing},
    {"/dav", Method::get, get_dav, Needs::read},
    {"/dav", Method::propfind, ask_dav, Needs::read},
    {"/dav/", Method::options, options_dav, Needs::nothing},
    {"/dav/", Method::get, get_dav, Needs::read},
    {"/dav/", Method::propfind, ask_dav, Needs::read},
    {"/dav/", Method::put, put_dav, Needs::write},
    {"/dav/", Method::delete_, ask_dav, Needs::write},
    {"/dav/", Method::proppatch, ask_dav, Needs::write},
    {"/dav/", Method::mkcol, ask_dav, Needs::write},
    {"/dav/", Method::copy, ask_dav, Needs::write},
    {"/dav/", Method::move, ask_dav, Needs::write},
    {"/dav/", Method::lock, ask_dav, Needs::write},
    {"/dav/", Method::unlock, ask_dav, Needs::write},
    {"/redirect", Method::get, get_redirect, Needs::read},
    {"/client", Method::get, get_client, Needs::read, opened_by_links},
    {"/route", Method::get, get_route, Needs::read},
    {"/cluster", Method::get, get_cluster, Needs::read},
    {"/cluster/drain", Method::post, post_drain, Needs::admin},
    {"/cluster/scrub", Method::get, get_scrub, Needs::read},
    {"/cluster/scrub", Method::post, post_scrub, Needs::admin},
    {"/cluster/local/", Method::post, post_local, Needs::admin},
    {"/access", Method::get, get_access, Needs::nothing},
    {"/shares", Method::post, post_shares, Needs::write},
    {"/shares/", Method::delete_, delete_share, Needs::write},
    {"/tokens/", Method::delete_, delete_token, Needs::admin},
    {"/s3", Method::get, s3::get, Needs::read},
    {"/s3/", Method::get, s3::get, Needs::read},
    {"/s3/", Method::put, s3::put, Needs::write},
    {"/s3", Method::post, s3::post, Needs::write},
    {"/s3/", Method::post, s3::post, Needs::write},
    {"/s3/", Method::delete_, s3::remove, Needs::write},
    {"/healthz", Method::get, get_healthz, Needs::nothing},
    {"/readyz", Method::get, get_readyz, Needs::nothing},
    {"/metrics", Method::get, get_metrics, Needs::read},
    {"/ws/read", Method::get, get_ws_read, Needs::read},
    {"/ws/files/", Method::get, get_ws_file, Needs::read},
    {"/ws/upload", Method::get, get_ws_upload, Needs::write},
    {"/ws/cluster", Method::get, get_ws_cluster, Needs::read},
});

}  // namespace

std::span<Route const> routes() {
  return all_routes;
}

bool matches(Route const& route, std::string_view path) {
  return route.path.ends_with('/') ? path.starts_with(route.path) : path == route.path;
}

Route const* find_route(std::string_view path, Method method) {
  Method const routed = method == Method::head ? Method::get : method;
  auto const found = std::ranges::find_if(all_routes, [&](Route const& route) {
    return route.method == routed && matches(route, path);
  });
  return found == all_routes.end() ? nullptr : &*found;
}

std::string_view rest_of(Route const& route, std::string_view path) {
  return route.path.ends_with('/') ? path.substr(route.path.size()) : std::string_view{};
}

}  // namespace chisme::web
