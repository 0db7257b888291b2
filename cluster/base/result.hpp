#pragma once

#include <string>
#include <tl/expected.hpp>
#include <utility>

namespace chisme {

// What kind of thing went wrong. The kind decides what a caller does (status code, retry); the
// message tells a person what happened.
enum class Fault {
  invalid,              // the caller's input breaks a rule
  not_found,            // there is no such file, object or member
  precondition_failed,  // If-Match, If-None-Match
  digest_mismatch,      // the bytes are not those that were announced
  incomplete,           // the bytes ended before their announced length
  too_large,            // over a configured maximum
  no_space,             // the disk is full
  no_quorum,            // fewer than W nodes in reach; nothing became visible
  unknown_outcome,      // it may or may not become visible: answer nothing, the client retries
  unavailable,          // not now: starting, draining, out of touch, every source failed
  lost,                 // no copy exists any more
  corrupt,              // what was read is not what was written
  busy,                 // a bounded queue is full
  cancelled,            // the other side went away
  io,                   // any other error of the system; `system_error` says which
};

struct Error {
  Fault fault = Fault::io;
  std::string message;   // a sentence without a final stop: "disk is full while storing x"
  int system_error = 0;  // errno, or 0
};

template <class T>
using Result = tl::expected<T, Error>;

[[nodiscard]] inline tl::unexpected<Error> fail(Fault fault, std::string message,
                                                int system_error = 0) {
  return tl::unexpected<Error>(Error{fault, std::move(message), system_error});
}

// The fault's name in lower case with underscores, for JSON and logs.
[[nodiscard]] char const* to_string(Fault fault);

// The error of a failed system call: ENOSPC and EDQUOT become no_space, ENOENT not_found, the rest
// io. `doing` says what was being attempted ("opening /data/x").
[[nodiscard]] Error system_failure(int error_number, std::string const& doing);

}  // namespace chisme
