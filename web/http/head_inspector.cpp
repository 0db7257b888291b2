#include "web/http/head_inspector.hpp"

#include "web/http/characters.hpp"

namespace chisme::web {
namespace {

// The method, the version and two spaces; the longest method that llhttp knows has 11 letters.
constexpr std::size_t first_line_extra_max = 64;

}  // namespace

std::size_t HeadInspector::pass(std::span<std::byte const> bytes) {
  std::size_t taken = 0;
  while (taken < bytes.size() && !done() && !failure_) {
    step(static_cast<std::uint8_t>(bytes[taken++]));
    count_byte();
  }
  return taken;
}

void HeadInspector::step(std::uint8_t byte) {
  switch (state_) {
    case State::blank:
      if (byte == '\r') {
        state_ = State::blank_cr;
      } else {
        state_ = State::first_line;
        step_first_line(byte);
      }
      return;
    case State::blank_cr:
      return expect_lf(byte, State::blank);
    case State::first_line:
      return step_first_line(byte);
    case State::cr:
      return expect_lf(byte, State::line);
    case State::line:
      return step_line(byte);
    case State::name:
      return step_name(byte);
    case State::value:
      return step_text(byte);
    case State::last_cr:
      return expect_lf(byte, State::done);
    case State::done:
      return;
  }
}

void HeadInspector::step_line(std::uint8_t byte) {
  if (byte == '\r') {
    state_ = State::last_cr;
  } else if (byte == ' ' || byte == '\t') {
    refuse(400, "A header must not go on in a second line.");
  } else if (!is_token_character(static_cast<char>(byte))) {
    refuse(400, "A header must begin with a name.");
  } else if (++header_count_ > limits_.header_count_max) {
    refuse(431, "There are too many headers.");
  } else {
    state_ = State::name;
  }
}

void HeadInspector::step_name(std::uint8_t byte) {
  if (byte == ':') {
    state_ = State::value;
  } else if (byte == ' ' || byte == '\t') {
    refuse(400, "There must be no space before a header's colon.");
  } else if (!is_token_character(static_cast<char>(byte))) {
    refuse(400, "A header's name has a character that is not allowed.");
  }
}

void HeadInspector::step_text(std::uint8_t byte) {
  if (byte == '\r') {
    state_ = State::cr;
  } else if (byte == '\n') {
    refuse(400, "A line must end with CR and LF, not with LF alone.");
  } else if (byte == 0x7f || (byte < 0x20 && byte != '\t')) {
    refuse(400, "The head has a control character.");
  }
}

// Whoever takes several spaces for one may cut a line at other places than the next reader (RFC
// 9112, 3 and 11.1).
void HeadInspector::step_first_line(std::uint8_t byte) {
  bool const space = byte == ' ';
  if (space && after_space_ && first_line_spaces_ <= 2) {
    return refuse(400, "The first line must have single spaces between its parts.");
  }
  after_space_ = space;
  if (space) ++first_line_spaces_;
  step_text(byte);
}

void HeadInspector::expect_lf(std::uint8_t byte, State then) {
  if (byte != '\n') return refuse(400, "A CR must be followed by LF.");
  state_ = then;
}

void HeadInspector::count_byte() {
  bool const in_headers = state_ >= State::line || header_count_ > 0;
  if (!in_headers && ++first_line_bytes_ > limits_.target_bytes_max + first_line_extra_max) {
    refuse(414, "The address is too long.");
  } else if (in_headers && ++headers_bytes_ > limits_.headers_bytes_max) {
    refuse(431, "The headers are too long.");
  }
}

void HeadInspector::refuse(unsigned status, char const* message) {
  if (!failure_) failure_ = ParseFailure{status, message};
}

}  // namespace chisme::web
