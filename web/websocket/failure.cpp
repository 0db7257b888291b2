#include "web/websocket/failure.hpp"

#include "web/json.hpp"

namespace chisme::web {

unsigned status_of(Fault fault) {
  switch (fault) {
    case Fault::invalid:
    case Fault::digest_mismatch:
    case Fault::incomplete:
      return 400;
    case Fault::not_found:
      return 404;
    case Fault::lost:
      return 410;
    case Fault::precondition_failed:
      return 412;
    case Fault::too_large:
      return 413;
    case Fault::no_space:
      return 507;
    case Fault::no_quorum:
    case Fault::unavailable:
    case Fault::busy:
    case Fault::cancelled:
      return 503;
    case Fault::unknown_outcome:
    case Fault::corrupt:
    case Fault::io:
      return 500;
  }
  return 500;
}

CloseCode close_code_of(Fault fault) {
  return status_of(fault) < 500 ? CloseCode::policy : CloseCode::internal_error;
}

std::string error_json(Error const& error) {
  return "{\"error\":" + json_string(error.message) +
         ",\"status\":" + std::to_string(status_of(error.fault)) + "}";
}

void close_with(Channel& channel, Error const& error) {
  channel.send_text(error_json(error));
  channel.close(close_code_of(error.fault), error.message);
}

}  // namespace chisme::web
