#pragma once

#include <chrono>
#include <cstddef>
#include <optional>
#include <vector>

#include "cluster/base/identity.hpp"
#include "cluster/base/strong.hpp"
#include "cluster/base/time.hpp"

namespace chisme::node {

// What clients may take of one node, so that no client takes it from the others. docs/security.md
// has them all in a table, each with its test.
struct ClientLimits {
  // Open connections; one more is told 503. The last eighth of them serves `/healthz`, `/readyz`,
  // `/cluster` and `/metrics` only.
  unsigned connections = 16'384;
  // Of one IPv4 address or one /64 of IPv6 (RFC 6177: a site has at least that much).
  unsigned connections_per_address = 512;
  // Begun by one client in a second, WebSockets' handshakes included; in a burst, twice as many. 0:
  // no limit.
  unsigned requests_per_second = 1000;
  // Whether programs of this machine are limited like others; they have all of it otherwise.
  bool loopback = false;

  ByteCount head_bytes{32u << 10};  // of a request's headers
  Duration head_timeout =
      std::chrono::seconds{30};  // from a request's first byte to its head's end
  Duration idle_timeout = std::chrono::seconds{75};  // between two requests
  // Without a byte of progress in a body, in either direction.
  Duration progress_timeout = std::chrono::seconds{60};
  // While a node waits for a client to send a body, or to take an answer, so many bytes a second
  // must move, on average over the window. 0: no limit.
  ByteCount slowest{256};
  Duration slowest_window = std::chrono::seconds{60};

  // Memory for bodies that come fast and for relays; while it is used up, none of either begins.
  ByteCount buffer_bytes{std::uint64_t{512} << 20};
  // Bytes of files that are arriving and not stored yet; none: the disk, or the quota.
  std::optional<ByteCount> staging_bytes;

  // Whose word on where a request comes from is taken (RFC 7239), for these limits only.
  std::vector<Endpoint> trusted_proxies;  // ports do not count
  friend bool operator==(ClientLimits const&, ClientLimits const&) = default;
};

}  // namespace chisme::node
