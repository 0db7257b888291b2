#pragma once

#include <llhttp.h>

#include <cstddef>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "web/http/head_inspector.hpp"
#include "web/http/parser.hpp"

namespace chisme::web {

// MessageReader is what requests and responses have in common: llhttp behind a HeadInspector,
// reading one message. It stays where it is, since llhttp points at it.
//
// One thread owns it. Never throws. Holds at most the limits' bytes.
class MessageReader {
 public:
  enum class Kind { request, response };
  // What the owner finds out when the head is complete: a failure, or whether no body follows
  // whatever the headers say.
  struct Verdict {
    std::optional<ParseFailure> failure;
    bool without_body = false;
  };

  MessageReader(Kind kind, ParserLimits limits, std::function<Verdict()> on_head);
  MessageReader(MessageReader const&) = delete;
  MessageReader& operator=(MessageReader const&) = delete;

  RequestParser::Progress feed(std::span<std::byte const> bytes);
  // The end of the stream; completes a message whose body ends with it.
  bool finish();
  // Begins the next message.
  void restart();

  [[nodiscard]] ParseState state() const { return state_; }
  [[nodiscard]] bool began() const { return inspector_.began(); }
  [[nodiscard]] std::vector<Header> const& headers() const { return headers_; }
  [[nodiscard]] std::string const& target() const { return target_; }
  [[nodiscard]] llhttp_t const& raw() const { return parser_; }
  [[nodiscard]] ParseFailure const& failure() const { return failure_; }
  // The message's framing, checked: Content-Length, Transfer-Encoding (RFC 9112, 6).
  [[nodiscard]] std::optional<ParseFailure> framing_failure() const;
  [[nodiscard]] std::optional<ByteCount> content_length() const;
  [[nodiscard]] bool chunked() const { return (parser_.flags & F_CHUNKED) != 0; }

 private:
  static MessageReader& of(llhttp_t* parser);
  static llhttp_settings_t const& callbacks();
  static int on_text(llhttp_t* parser, char const* at, std::size_t size);
  static int on_field(llhttp_t* parser, char const* at, std::size_t size);
  static int on_value(llhttp_t* parser, char const* at, std::size_t size);
  static int on_headers(llhttp_t* parser);
  static int on_body(llhttp_t* parser, char const* at, std::size_t size);
  static int on_chunk(llhttp_t* parser);
  static int on_extra(llhttp_t* parser, char const* at, std::size_t size);
  static int on_complete(llhttp_t* parser);

  RequestParser::Progress refuse(ParseFailure failure);
  [[nodiscard]] ParseFailure described(llhttp_errno_t error) const;

  Kind kind_;
  ParserLimits limits_;
  std::function<Verdict()> on_head_;
  llhttp_t parser_{};
  HeadInspector inspector_;
  std::optional<HeadInspector> trailers_;  // once the last chunk's header was read
  ParseState state_ = ParseState::head;
  std::string target_;
  std::vector<Header> headers_;
  bool in_value_ = true;
  std::size_t extra_bytes_ = 0;  // of chunk extensions and trailers
  std::span<std::byte const> body_;
  ParseFailure failure_;
};

}  // namespace chisme::web
