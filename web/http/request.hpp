#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "cluster/base/strong.hpp"

namespace chisme::web {

enum class Method {
  get,
  head,
  put,
  post,
  delete_,
  patch,
  options,
  // of WebDAV (RFC 4918)
  propfind,
  proppatch,
  mkcol,
  copy,
  move,
  lock,
  unlock,
  other
};

struct Header {
  std::string name;  // as received; compared without case
  std::string value;
  friend bool operator==(Header const&, Header const&) = default;
};

// A request's head, checked: the message is well framed (RFC 9112) and within the limits.
struct Request {
  Method method = Method::get;
  std::string method_text;  // "GET"
  std::string target;       // as received: "/files/a%20b?via=local"
  std::vector<Header> headers;
  std::optional<ByteCount> content_length;
  bool chunked = false;
  bool keep_alive = true;
  bool http_1_0 = false;
  bool expect_continue = false;    // Expect: 100-continue
  bool secure = false;             // it came by TLS
  bool upgrade_websocket = false;  // a well-formed WebSocket handshake (RFC 6455, 4.2.1)

  // The first header of that name (any case), nullopt when there is none.
  [[nodiscard]] std::optional<std::string_view> header(std::string_view name) const;
  // Whether a body follows.
  [[nodiscard]] bool has_body() const {
    return chunked || (content_length && content_length->value() > 0);
  }
};

}  // namespace chisme::web
