#include "web/access.hpp"

#include <algorithm>
#include <string>

#include "cluster/base/identity.hpp"
#include "web/http/characters.hpp"
#include "web/problem.hpp"
#include "web/scheme.hpp"

namespace chisme::web {
namespace {

constexpr std::string_view origin_scheme = "http://";

std::string lower(std::string_view text) {
  std::string lowered{text};
  std::transform(lowered.begin(), lowered.end(), lowered.begin(), to_lower);
  return lowered;
}

// `host` or `[v6]` of `host:port`; empty when it is malformed.
std::string_view without_port(std::string_view authority) {
  std::size_t const bracket = authority.starts_with('[') ? authority.find(']') : 0;
  if (bracket == std::string_view::npos) return {};
  std::size_t const colon = authority.find(':', bracket);
  if (colon == std::string_view::npos) return authority;
  std::string_view const port = authority.substr(colon + 1);
  bool const digits =
      std::all_of(port.begin(), port.end(), [](char c) { return c >= '0' && c <= '9'; });
  return digits && port.size() <= 5 ? authority.substr(0, colon) : std::string_view{};
}

// What all nodes of this machine are called by.
bool is_own_name(ServiceSettings const& settings, std::string_view host) {
  return host == "localhost" ||
         std::any_of(settings.hosts.begin(), settings.hosts.end(),
                     [&](std::string const& own) { return equal_without_case(own, host); });
}

bool is_own_host(ServiceSettings const& settings, std::string_view authority) {
  std::string const host = lower(without_port(authority));
  if (host.empty()) return false;
  if (is_own_name(settings, host) || host == "127.0.0.1") return true;
  // Parsed as an address: 127.evil.example begins with 127. too.
  auto const endpoint = parse_endpoint(host + ":1");
  return endpoint && is_loopback(*endpoint);
}

bool is_trusted(Gateway& gateway, ServiceSettings const& settings, Request const& request,
                std::string_view origin) {
  // Whoever is between could have put anything into a page that came unencrypted; and pages that
  // did not talk to nodes that way themselves.
  if (std::ranges::find(settings.cors_origins, origin) != settings.cors_origins.end()) return true;
  std::string const shown = lower(origin);
  std::string const told = as_told(shown);
  if (!told.starts_with(origin_scheme)) return false;
  if (request.secure != shown.starts_with("https:")) return false;
  // The page of this very address; `Host` was checked before.
  auto const host = request.header("host");
  bool const is_here = host && shown == (request.secure ? "https://" : "http://") + lower(*host);
  if (is_here || gateway.knows_origin(told)) return true;
  std::string_view const authority = std::string_view{told}.substr(origin_scheme.size());
  std::string_view const name = without_port(authority);
  return is_own_name(settings, name) &&
         gateway.knows_origin("http://127.0.0.1" + std::string{authority.substr(name.size())});
}

bool is_safe(Method method) {
  return method == Method::get || method == Method::head || method == Method::options;
}

std::optional<std::string_view> trusted_origin(Gateway& gateway, ServiceSettings const& settings,
                                               Request const& request) {
  auto const origin = request.header("origin");
  return origin && is_trusted(gateway, settings, request, *origin) ? origin : std::nullopt;
}

// The policy of the page lets it load scripts and styles from its own node, where stored files are
// too (Fetch Metadata).
bool makes_part_of_page(Request const& request, Target const& target) {
  constexpr std::string_view parts[] = {"script",       "serviceworker", "sharedworker", "style",
                                        "audioworklet", "paintworklet",  "worker",       "xslt"};
  bool const is_stored = target.path.starts_with("/files/") || target.path.starts_with("/dav/") ||
                         target.path.starts_with("/s3/") || target.path == "/client";
  return is_stored && request.header("sec-fetch-site") == "same-origin" &&
         std::ranges::find(parts, request.header("sec-fetch-dest")) != std::end(parts);
}

}  // namespace

std::optional<Reply> host_refusal(ServiceSettings const& settings, Request const& request,
                                  Target const& target) {
  // An absolute target outranks Host (RFC 9112, 3.2.2). HTTP/1.0 may have neither.
  std::string_view const authority =
      target.authority.empty() ? request.header("host").value_or("") : target.authority;
  bool const named = !request.http_1_0 || !authority.empty();
  if (named && !is_own_host(settings, authority)) {
    return problem(421, "This node is not the host that was asked for. Use its own address.");
  }
  return std::nullopt;
}

std::optional<Reply> access_refusal(Gateway& gateway, ServiceSettings const& settings,
                                    Request const& request, Target const& target) {
  if (auto refusal = host_refusal(settings, request, target)) return refusal;
  if (makes_part_of_page(request, target)) {
    return problem(403, "A stored file is never a script or a style of a page of its node.");
  }
  if (is_safe(request.method) && !request.upgrade_websocket) return std::nullopt;
  if (request.header("origin") && !trusted_origin(gateway, settings, request)) {
    return problem(403, "Pages of other sites may not write here or open WebSockets.");
  }
  return std::nullopt;
}

void add_cross_origin_headers(Gateway& gateway, ServiceSettings const& settings,
                              Request const& request, Fields& headers) {
  headers.add("Vary", "Origin");
  if (auto const origin = trusted_origin(gateway, settings, request)) {
    headers.add("Access-Control-Allow-Origin", *origin);
    headers.add("Access-Control-Expose-Headers",
                "Accept-Ranges, Chisme-Version, Content-Disposition, Content-Length, "
                "Content-Range, Digest, ETag, Last-Modified, Link, Location, Repr-Digest, "
                "Retry-After, Sunset, Tus-Checksum-Algorithm, Tus-Extension, Tus-Max-Size, "
                "Tus-Resumable, Tus-Version, Upload-Concat, Upload-Defer-Length, "
                "Upload-Expires, Upload-Incomplete, Upload-Length, Upload-Metadata, "
                "Upload-Offset, WWW-Authenticate, X-Request-Id");
  }
}

Fields preflight_headers(Gateway& gateway, ServiceSettings const& settings,
                         Request const& request) {
  if (!trusted_origin(gateway, settings, request)) return {};
  return {{"Access-Control-Allow-Methods", "GET, HEAD, PUT, POST, PATCH, DELETE, OPTIONS"},
          {"Access-Control-Allow-Headers",
           "Accept, Authorization, Content-Digest, Content-Type, If-Match, If-Modified-Since, "
           "If-None-Match, "
           "If-Range, Range, Repr-Digest, Tus-Resumable, Upload-Checksum, Upload-Concat, "
           "Upload-Defer-Length, Upload-Length, Upload-Metadata, Upload-Offset, "
           "X-HTTP-Method-Override, X-Request-Id, X-Requested-With"},
          {"Access-Control-Max-Age", "600"}};
}

}  // namespace chisme::web
