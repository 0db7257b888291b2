#pragma once

#include <asio/io_context.hpp>
#include <functional>
#include <memory>

#include "web/gateway.hpp"

namespace chisme::node {

// EventHub brings what happens in the cluster to the web loops' subscribers, each on its own loop.
// Bounded: a subscriber for whom `waiting_max` events wait misses those that come then; once it has
// had the others it is told so, by web::missed_events, and reads the state anew. Thread-safe.
class EventHub {
 public:
  static constexpr unsigned waiting_max = 1024;
  EventHub();
  ~EventHub();
  EventHub(EventHub const&) = delete;
  EventHub& operator=(EventHub const&) = delete;

  void publish(web::ClusterEvent event);
  // Nobody would hear an event, and who has none yet need not make it.
  [[nodiscard]] bool is_silent() const;
  // `on_event` is called on `loop` until the subscription is destroyed, also on that loop.
  [[nodiscard]] std::unique_ptr<web::Subscription> subscribe(
      asio::io_context& loop, std::function<void(web::ClusterEvent const&)> on_event);

 private:
  struct State;
  std::shared_ptr<State> state_;
};

}  // namespace chisme::node
