#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "web/http/parser.hpp"

namespace chisme::web {

// A response's head, checked as a request's is.
struct Response {
  unsigned status = 0;
  std::vector<Header> headers;
  std::optional<ByteCount> content_length;
  bool chunked = false;
  bool keep_alive = true;

  [[nodiscard]] std::optional<std::string_view> header(std::string_view name) const;
};

// ResponseParser reads HTTP/1.1 responses (RFC 9112), strictly, from bytes as they come. Interim
// (1xx) responses are skipped, but for 101, whose head completes it.
//
// One thread owns it. Never throws. Holds at most the limits' bytes.
class ResponseParser {
 public:
  explicit ResponseParser(ParserLimits limits = {});
  ~ResponseParser();
  ResponseParser(ResponseParser&&) noexcept;
  ResponseParser& operator=(ResponseParser&&) noexcept;

  using Progress = RequestParser::Progress;
  // As RequestParser::feed.
  Progress feed(std::span<std::byte const> bytes);
  // The next response answers a HEAD: it has no body whatever its headers say. Call before its
  // first byte.
  void expect_no_body();
  // The end of the stream: completes a body without a length. False when the message is cut short.
  [[nodiscard]] bool finish();

  [[nodiscard]] Response const& response() const;  // REQUIRES: state is past `head`
  [[nodiscard]] ParseFailure const& failure() const;
  // Begins the next message. REQUIRES: state is `complete`.
  void next();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace chisme::web
