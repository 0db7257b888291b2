#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "web/http/parser.hpp"

namespace chisme::web {

// HeadInspector passes over a message's head, or its trailers, byte by byte, before llhttp does,
// and refuses what a strict reader of RFC 9112 must: space before a header's colon, folded lines, a
// bare CR or LF, control characters, and more bytes or headers than the limits. (llhttp accepts
// `Host : a` and heads of any size.)
//
// One thread owns it. Never throws.
class HeadInspector {
 public:
  explicit HeadInspector(ParserLimits limits) : limits_(limits) {}
  // Of the fields behind the last chunk (RFC 9112, 7.1.2), which have no first line.
  [[nodiscard]] static HeadInspector of_trailers(ParserLimits limits) {
    HeadInspector inspector{limits};
    inspector.state_ = State::line;
    return inspector;
  }

  // Takes bytes up to the end of the head; how many. Fewer than given only when `done` or failed.
  std::size_t pass(std::span<std::byte const> bytes);
  [[nodiscard]] bool done() const { return state_ == State::done; }
  // Whether any byte but blank lines was seen.
  [[nodiscard]] bool began() const { return state_ != State::blank; }
  [[nodiscard]] std::optional<ParseFailure> const& failure() const { return failure_; }

 private:
  enum class State { blank, blank_cr, first_line, cr, line, name, value, last_cr, done };

  void step(std::uint8_t byte);
  void step_line(std::uint8_t byte);
  void step_name(std::uint8_t byte);
  void step_text(std::uint8_t byte);
  void step_first_line(std::uint8_t byte);
  void expect_lf(std::uint8_t byte, State then);
  void count_byte();
  void refuse(unsigned status, char const* message);

  ParserLimits limits_;
  State state_ = State::blank;
  std::size_t first_line_bytes_ = 0;
  unsigned first_line_spaces_ = 0;
  bool after_space_ = false;
  std::size_t headers_bytes_ = 0;
  std::size_t header_count_ = 0;
  std::optional<ParseFailure> failure_;
};

}  // namespace chisme::web
