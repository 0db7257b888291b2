#include "web/http/parser.hpp"

#include <algorithm>

#include "cluster/base/check.hpp"
#include "web/http/characters.hpp"
#include "web/http/message_reader.hpp"

namespace chisme::web {
namespace {

Method method_of(std::string_view text) {
  if (text == "GET") return Method::get;
  if (text == "HEAD") return Method::head;
  if (text == "PUT") return Method::put;
  if (text == "POST") return Method::post;
  if (text == "DELETE") return Method::delete_;
  if (text == "PATCH") return Method::patch;
  if (text == "OPTIONS") return Method::options;
  if (text == "PROPFIND") return Method::propfind;
  if (text == "PROPPATCH") return Method::proppatch;
  if (text == "MKCOL") return Method::mkcol;
  if (text == "COPY") return Method::copy;
  if (text == "MOVE") return Method::move;
  if (text == "LOCK") return Method::lock;
  if (text == "UNLOCK") return Method::unlock;
  return Method::other;
}

// 16 bytes in base64 (RFC 6455, 4.1).
bool is_websocket_key(std::string_view key) {
  if (key.size() != 24 || !key.ends_with("==")) return false;
  return std::all_of(key.begin(), key.end() - 2, [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '+' ||
           c == '/';
  });
}

bool is_websocket_handshake(Request const& request) {
  auto const has = [&](std::string_view name, std::string_view token) {
    return std::any_of(request.headers.begin(), request.headers.end(), [&](Header const& header) {
      return equal_without_case(header.name, name) && list_has(header.value, token);
    });
  };
  auto const once = [&](std::string_view name) {
    return std::count_if(request.headers.begin(), request.headers.end(), [&](Header const& header) {
             return equal_without_case(header.name, name);
           }) == 1;
  };
  return request.method == Method::get && !request.http_1_0 && !request.has_body() &&
         has("upgrade", "websocket") && has("connection", "upgrade") && once("sec-websocket-key") &&
         once("sec-websocket-version") && is_websocket_key(*request.header("sec-websocket-key")) &&
         *request.header("sec-websocket-version") == "13";
}

// Who asks, and whom, is said once: of two one might be checked and the other believed.
std::optional<ParseFailure> host_failure(Request const& request) {
  auto const times = [&](std::string_view name) {
    return std::count_if(
        request.headers.begin(), request.headers.end(),
        [name](Header const& header) { return equal_without_case(header.name, name); });
  };
  auto const hosts = times("host");
  if (hosts > 1) return ParseFailure{400, "There must be one Host header only."};
  if (hosts == 0 && !request.http_1_0) return ParseFailure{400, "The Host header is missing."};
  if (times("origin") > 1) return ParseFailure{400, "There must be one Origin header only."};
  if (times("authorization") > 1) {
    return ParseFailure{400, "There must be one Authorization header only."};
  }
  return std::nullopt;
}

bool is_valid_target(Request const& request) {
  std::string_view const target = request.target;
  return target.starts_with('/') || target.starts_with("http://") ||
         target.starts_with("https://") || (target == "*" && request.method == Method::options);
}

}  // namespace

std::optional<std::string_view> Request::header(std::string_view name) const {
  for (Header const& header : headers) {
    if (equal_without_case(header.name, name)) return header.value;
  }
  return std::nullopt;
}

struct RequestParser::State {
  explicit State(ParserLimits given)
      : limits(given), reader(MessageReader::Kind::request, given, [this] {
          return MessageReader::Verdict{judge_head(), false};
        }) {}

  std::optional<ParseFailure> judge_head() {
    llhttp_t const& raw = reader.raw();
    request = Request{};
    request.secure = secure;
    request.method_text = llhttp_method_name(static_cast<llhttp_method_t>(raw.method));
    request.method = method_of(request.method_text);
    request.target = reader.target();
    request.headers = reader.headers();
    request.http_1_0 = raw.http_minor == 0;
    request.chunked = reader.chunked();
    request.content_length = reader.content_length();
    request.keep_alive = llhttp_should_keep_alive(&raw) != 0;
    if (auto refused = refusal(raw)) return refused;
    request.upgrade_websocket = is_websocket_handshake(request);
    return std::nullopt;
  }
  std::optional<ParseFailure> refusal(llhttp_t const& raw) {
    if (raw.http_major != 1 || raw.http_minor > 1) {
      return ParseFailure{505, "Only HTTP/1.1 and HTTP/1.0 are spoken here."};
    }
    if (raw.method == HTTP_CONNECT) return ParseFailure{501, "This is no proxy."};
    if (request.target.size() > limits.target_bytes_max) {
      return ParseFailure{414, "The address is too long."};
    }
    if (!is_valid_target(request)) return ParseFailure{400, "The address must begin with `/`."};
    if (auto refused = host_failure(request)) return refused;
    if (auto refused = reader.framing_failure()) return refused;
    return expectation();
  }
  std::optional<ParseFailure> expectation() {
    auto const expect = request.header("expect");
    if (!expect || request.http_1_0) return std::nullopt;
    request.expect_continue = equal_without_case(*expect, "100-continue");
    if (request.expect_continue) return std::nullopt;
    return ParseFailure{417, "The only expectation understood is 100-continue."};
  }

  ParserLimits limits;
  bool secure = false;
  Request request;
  MessageReader reader;
};

RequestParser::RequestParser(ParserLimits limits) : state_(std::make_unique<State>(limits)) {}
RequestParser::~RequestParser() = default;
RequestParser::RequestParser(RequestParser&&) noexcept = default;
RequestParser& RequestParser::operator=(RequestParser&&) noexcept = default;

RequestParser::Progress RequestParser::feed(std::span<std::byte const> bytes) {
  return state_->reader.feed(bytes);
}

bool RequestParser::finish_cleanly() const {
  ParseState const state = state_->reader.state();
  return state == ParseState::complete || (state == ParseState::head && !state_->reader.began());
}

Request const& RequestParser::request() const {
  return state_->request;
}

ParseFailure const& RequestParser::failure() const {
  return state_->reader.failure();
}

void RequestParser::mark_secure() {
  state_->secure = true;
}

void RequestParser::next() {
  CHECK(state_->reader.state() == ParseState::complete);
  state_->reader.restart();
}

}  // namespace chisme::web
