#include "cluster/base/result.hpp"

#include <cerrno>
#include <system_error>

namespace chisme {

char const* to_string(Fault fault) {
  switch (fault) {
    case Fault::invalid:
      return "invalid";
    case Fault::not_found:
      return "not_found";
    case Fault::precondition_failed:
      return "precondition_failed";
    case Fault::digest_mismatch:
      return "digest_mismatch";
    case Fault::incomplete:
      return "incomplete";
    case Fault::too_large:
      return "too_large";
    case Fault::no_space:
      return "no_space";
    case Fault::no_quorum:
      return "no_quorum";
    case Fault::unknown_outcome:
      return "unknown_outcome";
    case Fault::unavailable:
      return "unavailable";
    case Fault::lost:
      return "lost";
    case Fault::corrupt:
      return "corrupt";
    case Fault::busy:
      return "busy";
    case Fault::cancelled:
      return "cancelled";
    case Fault::io:
      return "io";
  }
  return "unknown";
}

Error system_failure(int error_number, std::string const& doing) {
  Fault const fault = error_number == ENOSPC || error_number == EDQUOT ? Fault::no_space
                      : error_number == ENOENT                         ? Fault::not_found
                                                                       : Fault::io;
  return Error{fault, doing + ": " + std::generic_category().message(error_number), error_number};
}

}  // namespace chisme
