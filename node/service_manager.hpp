#pragma once

#include <asio/io_context.hpp>
#include <asio/steady_timer.hpp>
#include <functional>
#include <string>
#include <string_view>

#include "cluster/base/time.hpp"

namespace chisme::node {

// ServiceManager tells who started this process how far it is: systemd, for units of
// `Type=notify`, and whoever else takes a datagram at the address in NOTIFY_SOCKET (sd_notify(3)).
// So `systemctl restart` returns when the node is ready again, and nodes can be restarted one after
// another. Where that variable is not set nothing happens; what cannot be told is logged.
//
// On the thread of the loop.
class ServiceManager {
 public:
  // A node whose peers are all away is said to be ready after that, for nothing would become of
  // whoever waited for it.
  static constexpr Duration patience = std::chrono::seconds{30};

  explicit ServiceManager(asio::io_context& loop);
  ServiceManager(ServiceManager const&) = delete;
  ServiceManager& operator=(ServiceManager const&) = delete;

  // Tells that the node takes requests as soon as `is_ready` says so.
  void ready_once(std::function<bool()> is_ready);
  void stopping();

 private:
  void look(Instant until);
  void tell(std::string_view news);

  asio::steady_timer timer_;
  std::string address_;  // empty: nobody asked
  std::function<bool()> is_ready_;
};

}  // namespace chisme::node
