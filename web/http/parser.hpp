#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <span>
#include <string>

#include "web/http/request.hpp"

namespace chisme::web {

struct ParserLimits {
  std::size_t target_bytes_max = 8 << 10;
  std::size_t headers_bytes_max = 32 << 10;
  std::size_t header_count_max = 100;
};

// What the bytes given so far amount to.
enum class ParseState {
  head,      // the head is not complete yet: more bytes, please
  body,      // the head is complete, the body is not
  complete,  // the whole message was read (or the handshake's head)
  failed,    // see `failure()`; the connection must be closed after the answer
};
struct ParseFailure {
  unsigned status = 400;  // 400, 413, 414, 417, 431, 501, 505
  std::string message;    // a sentence
};

// RequestParser reads HTTP/1.1 requests (RFC 9112), strictly, from bytes as they come: one message,
// then `next()` for the following one on the same connection. Over llhttp with its strict flags.
//
// One thread owns it. Never throws. Holds at most the limits' bytes.
class RequestParser {
 public:
  explicit RequestParser(ParserLimits limits = {});
  ~RequestParser();
  RequestParser(RequestParser&&) noexcept;
  RequestParser& operator=(RequestParser&&) noexcept;

  struct Progress {
    ParseState state = ParseState::head;
    std::size_t consumed = 0;           // of the bytes given; the rest must be given again
    std::span<std::byte const> body{};  // body bytes, a part of the bytes given
  };
  // Takes bytes up to the end of the head, or (once in the body) up to the end of one run of body
  // bytes, so that the caller deals with each in turn. Stops at the end of the message.
  Progress feed(std::span<std::byte const> bytes);
  // The end of the stream: a message that was not complete fails.
  [[nodiscard]] bool finish_cleanly() const;

  [[nodiscard]] Request const& request() const;  // REQUIRES: state is past `head`
  [[nodiscard]] ParseFailure const& failure() const;
  // All requests from now on come by TLS.
  void mark_secure();
  // Begins the next message. REQUIRES: state is `complete`.
  void next();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace chisme::web
