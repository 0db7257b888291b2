#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "cluster/base/result.hpp"

namespace chisme::web {

struct MultipartLimits {
  std::size_t part_headers_bytes_max = 8 << 10;
  std::size_t part_count_max = 1000;
};

// A part's header fields, decoded (RFC 7578, 4.2; RFC 8187 for `filename*`).
struct PartHead {
  std::string name;                     // the form field's
  std::optional<std::string> filename;  // nullopt: an ordinary field, not a file
  std::string type;                     // Content-Type as sent; empty when there is none
};

// MultipartReader reads a multipart/form-data body (RFC 7578, RFC 2046 5.1) from bytes as they
// come, one event at a time, in constant memory.
//
// Events: (part_begin, data*, part_end)*, end. After `end` every byte given is consumed and ignored
// (the epilogue). `failed` is final.
// Errors: Fault::invalid (not a multipart body, a part without a name) and Fault::too_large (a
// limit was passed).
// One thread owns it. Never throws.
class MultipartReader {
 public:
  enum class Event {
    need_more,   // all given bytes were taken; more, please
    part_begin,  // `part()` describes it
    data,        // the part's next bytes
    part_end,
    end,     // the closing boundary was read
    failed,  // see `error()`
  };
  struct Progress {
    Event event = Event::need_more;
    std::size_t consumed = 0;  // of the bytes given; the rest must be given again
    // For Event::data: a part of the bytes given, or of the reader's own small buffer when a
    // would-be boundary turned out to be data. Valid until the next `feed`.
    std::span<std::byte const> data{};
  };

  // REQUIRES: `boundary` comes from `multipart_boundary`.
  explicit MultipartReader(std::string_view boundary, MultipartLimits limits = {});

  // Takes bytes up to the next event. May give an event that takes no bytes, so the caller feeds
  // until `need_more` (also when no bytes are left), `end` or `failed`.
  Progress feed(std::span<std::byte const> bytes);
  // Whether the body may end here: the closing boundary was read. If not, the body is incomplete.
  [[nodiscard]] bool finish_cleanly() const { return state_ == State::epilogue; }

  [[nodiscard]] PartHead const& part() const { return part_; }
  [[nodiscard]] Error const& error() const { return error_; }

 private:
  enum class State { preamble, body, suffix, headers, ending, epilogue, failed };

  Progress step(std::span<std::byte const> bytes);
  Progress search(std::span<std::byte const> bytes);
  Progress continue_match(std::span<std::byte const> bytes);
  Progress read_suffix(std::span<std::byte const> bytes);
  Progress not_a_boundary(std::size_t consumed);
  Progress boundary_found(bool last, std::size_t consumed);
  Progress read_headers(std::span<std::byte const> bytes);
  Progress refuse(Fault fault, std::string message);
  bool take_headers();
  void take_disposition(std::string_view value);

  std::string delimiter_;  // CR LF "--" boundary
  MultipartLimits limits_;
  State state_ = State::preamble;
  std::size_t matched_ = 2;  // bytes of `delimiter_` seen; the body may begin without its CR LF
  std::string suffix_;       // what follows a delimiter on its line
  std::string held_;         // a would-be boundary that is given out as data
  std::string headers_;
  std::size_t part_count_ = 0;
  bool in_part_ = false;
  PartHead part_;
  Error error_;
};

// The boundary of a Content-Type `multipart/form-data; boundary=…`; nullopt when it is another type
// or has no valid boundary (1 to 70 characters of RFC 2046's set).
[[nodiscard]] std::optional<std::string> multipart_boundary(std::string_view content_type);

}  // namespace chisme::web
