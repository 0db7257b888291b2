#include <algorithm>
#include <string>

#include "web/call.hpp"
#include "web/http/characters.hpp"

namespace chisme::web {
namespace {

// The page runs only its own scripts; it talks to every node of the cluster.
constexpr char page_policy[] =
    "default-src 'none'; script-src 'self'; style-src 'self'; "
    "img-src 'self' blob: data: http: https:; media-src 'self' blob: http: https:; "
    "connect-src http: https: ws: wss:; worker-src 'self'; manifest-src 'self'; base-uri 'none'; "
    "form-action 'self'; frame-ancestors 'none'";

bool accepts_gzip(Request const& request) {
  auto const accepted = request.header("accept-encoding");
  if (!accepted) return false;
  for (std::string_view const element : list_elements(*accepted)) {
    std::size_t const end = std::min(element.find(';'), element.size());
    if (!equal_without_case(trimmed(element.substr(0, end)), "gzip")) continue;
    std::string_view weight = element.substr(end);
    auto const parameter = take_parameter(weight);
    bool const refused = parameter && parameter->name == "q" &&
                         parameter->value.find_first_not_of("0.") == std::string::npos;
    return !refused;
  }
  return false;
}

// The compressed bytes are another representation, so they need another strong ETag.
std::string gzip_etag(std::string_view etag) {
  std::string text{etag};
  if (text.ends_with('"')) text.insert(text.size() - 1, "-gzip");
  return text;
}

bool client_has(Request const& request, std::string_view etag) {
  auto const tags = request.header("if-none-match");
  if (!tags) return false;
  auto const elements = list_elements(*tags);
  return std::any_of(elements.begin(), elements.end(), [&](std::string_view tag) {
    if (tag.starts_with("W/")) tag.remove_prefix(2);
    return tag == etag || tag == "*";
  });
}

}  // namespace

Asset const* find_asset(Call const& call) {
  auto const found = std::find_if(
      call.settings.assets.begin(), call.settings.assets.end(),
      [&](Asset const& asset) { return asset.path == std::string_view{call.target.path}; });
  return found == call.settings.assets.end() ? nullptr : &*found;
}

Plan get_asset(Call const& call, Asset const& asset) {
  bool const compressed = !asset.gzip.empty() && accepts_gzip(call.request);
  std::string const etag = compressed ? gzip_etag(asset.etag) : std::string{asset.etag};
  Reply reply{.status = 200,
              .headers = {{"ETag", etag},
                          {"Cache-Control", "no-cache"},
                          {"Vary", "Accept-Encoding"},
                          {"Content-Security-Policy", page_policy},
                          {"Referrer-Policy", "same-origin"},
                          {"X-Content-Type-Options", "nosniff"}},
              .body = {}};
  // A worker in a file of the root may control the whole site only if it is told so.
  if (asset.path.find("worker") != std::string_view::npos) {
    reply.headers.add("Service-Worker-Allowed", "/");
  }
  if (client_has(call.request, etag)) {
    reply.status = 304;
    return reply;
  }
  reply.headers.add("Content-Type", asset.type);
  if (compressed) reply.headers.add("Content-Encoding", "gzip");
  reply.body = compressed ? asset.gzip : asset.body;
  return reply;
}

}  // namespace chisme::web
