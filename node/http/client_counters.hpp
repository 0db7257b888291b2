#pragma once

#include <algorithm>
#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>

#include "cluster/base/time.hpp"
#include "web/http/request.hpp"
#include "web/route_class.hpp"

namespace chisme::node {

// A number that one thread raises and any thread reads: raising it takes no locked instruction.
class LoopCounter {
 public:
  void add(std::uint64_t more = 1) {
    value_.store(value_.load(std::memory_order_relaxed) + more, std::memory_order_relaxed);
  }
  [[nodiscard]] std::uint64_t value() const { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<std::uint64_t> value_ = 0;
};

// Why a client was not served, or no longer.
enum class Refused : std::uint8_t {
  connections,             // there are too many
  connections_of_address,  // of this client
  rate,                    // it makes too many requests
  last_connections,        // what is left of them is for small requests
  memory,                  // no buffer for a body
  unencrypted,             // it is to come by TLS
  slow,                    // too few bytes moved
  timeout                  // no byte moved, or no whole head came
};
inline constexpr std::size_t refused_kinds = 8;

// ClientCounters is what one web loop counts of its clients, in places found without a search. The
// loop's thread counts; any thread reads, and adds those of all loops up.
struct ClientCounters {
  static constexpr std::size_t methods = static_cast<std::size_t>(web::Method::other) + 1;
  static constexpr std::size_t status_classes = 6;  // 1xx to 5xx; 0: none was sent
  // Upper bounds of the histogram, in seconds; a last bucket has the rest.
  static constexpr std::array first_byte_bounds{0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05,
                                                0.1,    0.25,  0.5,    1.0,   2.5,  5.0,   10.0};
  static constexpr std::size_t buckets = first_byte_bounds.size() + 1;

  // From the end of the request's head to the beginning of its answer.
  struct FirstByte {
    std::array<LoopCounter, buckets> requests;  // not cumulative
    LoopCounter nanoseconds;
  };

  void answered(web::RouteClass route, web::Method method, unsigned status, Duration waited) {
    auto const at = static_cast<std::size_t>(route);
    auto const status_class = std::min<std::size_t>(status / 100, status_classes - 1);
    answers[at][static_cast<std::size_t>(method)][status_class].add();
    if (status_class == 0) return;
    double const seconds = std::chrono::duration<double>{waited}.count();
    std::size_t bucket = 0;
    while (bucket < first_byte_bounds.size() && seconds > first_byte_bounds[bucket]) ++bucket;
    FirstByte& first_byte = first_bytes[at][is_read(method) ? 0 : 1];
    first_byte.requests[bucket].add();
    first_byte.nanoseconds.add(
        static_cast<std::uint64_t>(std::max<Duration::rep>(0, waited.count())));
  }
  [[nodiscard]] static bool is_read(web::Method method) {
    return method == web::Method::get || method == web::Method::head ||
           method == web::Method::options || method == web::Method::propfind;
  }
  void refuse(Refused why) { refused[static_cast<std::size_t>(why)].add(); }

  using OfMethods = std::array<std::array<LoopCounter, status_classes>, methods>;
  std::array<OfMethods, web::route_classes> answers;
  // Of each, requests that read; and others, whose bodies are waited for.
  std::array<std::array<FirstByte, 2>, web::route_classes> first_bytes;
  std::array<LoopCounter, refused_kinds> refused;
  LoopCounter connections;  // accepted
  LoopCounter handshakes;   // of TLS
  LoopCounter handshakes_failed;
};

}  // namespace chisme::node
