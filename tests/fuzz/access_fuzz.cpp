// Tokens, links, ids of both and what a request shows, as they come from anybody; and the file in
// which a node remembers what was revoked.
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "cluster/base/check.hpp"
#include "cluster/wire/codec.hpp"
#include "node/security/access_token.hpp"
#include "web/gate.hpp"

using namespace chisme;

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
  static std::vector<node::Secret> const secrets{node::Secret{}};
  static node::KeyRing const ring{secrets};
  std::string const text{reinterpret_cast<char const*>(data), size};
  // What is taken is exactly what would be written.
  if (auto const token = node::open_token(text, ring)) CHECK(node::to_text(*token, ring) == text);
  (void)node::read_token("chisme-token-" + text);
  if (auto const opened = node::open_access_key(text, ring)) {
    auto const pair = node::signing_key_of(node::to_text(opened->token, ring));
    CHECK(pair && pair->access_key == text && pair->secret == opened->secret);
  }
  (void)node::signing_key_of("chisme-token-" + text);
  if (auto const link = node::open_link(text, "film.mp4", ring)) {
    CHECK(node::to_text(*link, "film.mp4", ring) == text);
  }
  // Any name may be signed; another one is not opened by it.
  node::AccessLink const link{
      .is_ticket = size % 2 == 1, .id = {size, {}}, .token_expires = {}, .downloads = 0};
  std::string const made = node::to_text(link, text, ring);
  CHECK(node::open_link(made, text, ring) == link);
  CHECK(!node::open_link(made, text + "x", ring));
  if (auto const id = web::parse_credential_id(text)) CHECK(web::to_string(*id) == text);
  for (bool const upgrade : {false, true}) {
    web::Request request;
    request.upgrade_websocket = upgrade;
    request.headers = {{"Authorization", text}, {"Sec-WebSocket-Protocol", text}};
    (void)web::shown_token(request);
    CHECK(web::selected_subprotocol(request).size() <= 6);
    request.headers.erase(request.headers.begin());
    (void)web::shown_token(request);
  }
  (void)cluster::decode_access(std::as_bytes(std::span{data, size}));
  return 0;
}
