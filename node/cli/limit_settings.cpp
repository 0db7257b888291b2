#include "node/cli/limit_settings.hpp"

#include <chrono>

namespace chisme::node::cli {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;

// Nothing, or a number of bytes of which less than `lowest` would be no use.
Complaint take_bytes_of(ByteCount& into, std::string const& value, std::uint64_t lowest) {
  ByteCount taken = into;
  if (auto const wrong = take_bytes(taken, value)) return wrong;
  if (taken.value() < lowest) return "is less than " + std::to_string(lowest) + " bytes";
  into = taken;
  return std::nullopt;
}

}  // namespace

std::vector<LimitSetting> limit_settings() {
  return {
      {{"connections", "connections of clients at a time [16384]"},
       [](ClientLimits& l, std::string const& v) {
         return take_count(l.connections, v, 8, 1'000'000);
       }},
      {{"connections_per_address", "of one address, or of 2^64 of IPv6, at a time [512]"},
       [](ClientLimits& l, std::string const& v) {
         return take_count(l.connections_per_address, v, 1, 1'000'000);
       }},
      {{"requests_per_second", "requests of one client; twice as many at once; 0: any [1000]"},
       [](ClientLimits& l, std::string const& v) {
         return take_count(l.requests_per_second, v, 0, 1'000'000);
       }},
      {{"limit_loopback", "programs of this machine are limited by these two like others", false,
        true},
       [](ClientLimits& l, std::string const& v) {
         return take_choice<bool>(l.loopback, v, {{"true", true}, {"false", false}});
       }},
      {{"head_bytes", "bytes of a request's headers; or with K, M [32K]"},
       [](ClientLimits& l, std::string const& v) -> Complaint {
         if (auto const wrong = take_bytes_of(l.head_bytes, v, 1 << 10)) return wrong;
         if (l.head_bytes <= ByteCount{1u << 20}) return std::nullopt;
         return "is more than 1M: a head is kept in memory";
       }},
      {{"head_timeout", "time for a request's head to come [30s]"},
       [](ClientLimits& l, std::string const& v) {
         return take_duration(l.head_timeout, v, milliseconds{100}, hours{24});
       }},
      {{"idle_timeout", "time that a connection is kept between two requests [75s]"},
       [](ClientLimits& l, std::string const& v) {
         return take_duration(l.idle_timeout, v, milliseconds{100}, hours{24});
       }},
      {{"progress_timeout", "time without a byte of a body or an answer [60s]"},
       [](ClientLimits& l, std::string const& v) {
         return take_duration(l.progress_timeout, v, milliseconds{100}, hours{24});
       }},
      {{"slowest", "bytes a second of a body or an answer, over the window; or with K, M [256]"},
       [](ClientLimits& l, std::string const& v) -> Complaint {
         if (v != "0") return take_bytes(l.slowest, v);
         l.slowest = ByteCount{0};
         return std::nullopt;
       }},
      {{"slowest_window", "time over which that is looked at [60s]"},
       [](ClientLimits& l, std::string const& v) {
         return take_duration(l.slowest_window, v, milliseconds{100}, hours{24});
       }},
      {{"buffer_bytes", "memory for bodies under way; or with K, M, G [512M]"},
       [](ClientLimits& l, std::string const& v) {
         return take_bytes_of(l.buffer_bytes, v, 1 << 20);
       }},
      {{"staging_bytes", "bytes of files that are arriving; or with K, M, G, T [the disk]"},
       [](ClientLimits& l, std::string const& v) {
         return take_bytes_of(l.staging_bytes.emplace(), v, 1 << 10);
       }},
      {{"trusted_proxy",
        "address of a proxy whose Forwarded or X-Forwarded-For counts; may be repeated", true},
       [](ClientLimits& l, std::string const& v) {
         return take_machine(l.trusted_proxies.emplace_back(), v);
       }},
  };
}

}  // namespace chisme::node::cli
