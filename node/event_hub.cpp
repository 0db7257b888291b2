#include "node/event_hub.hpp"

#include <asio/post.hpp>
#include <atomic>
#include <cstdint>
#include <map>
#include <mutex>
#include <string>
#include <utility>

#include "node/clock.hpp"

namespace chisme::node {
namespace {

struct Subscriber {
  Subscriber(asio::io_context& its_loop, std::function<void(web::ClusterEvent const&)> call)
      : loop{its_loop}, on_event{std::move(call)} {}
  asio::io_context& loop;
  std::function<void(web::ClusterEvent const&)> on_event;

  // Counts an event in; false: there is no room for it.
  bool admit() {
    std::lock_guard const lock{mutex};
    if (waiting < EventHub::waiting_max) {
      ++waiting;
      return true;
    }
    missed = true;
    return false;
  }
  // Counts it out; true: it was the last that waited, and others were missed.
  bool taken() {
    std::lock_guard const lock{mutex};
    return --waiting == 0 && std::exchange(missed, false);
  }

  std::mutex mutex;
  unsigned waiting = 0;
  bool missed = false;
  bool ended = false;  // on the loop only
};

}  // namespace

struct EventHub::State {
  std::mutex mutex;
  std::map<std::uint64_t, std::shared_ptr<Subscriber>> subscribers;
  std::uint64_t next = 0;
  std::atomic<std::size_t> count{0};  // of `subscribers`

  struct Handle final : web::Subscription {
    Handle(std::shared_ptr<State> its_hub, std::shared_ptr<Subscriber> its_subscriber,
           std::uint64_t its_id)
        : hub{std::move(its_hub)}, subscriber{std::move(its_subscriber)}, id{its_id} {}
    ~Handle() override {
      subscriber->ended = true;
      std::lock_guard const lock{hub->mutex};
      hub->subscribers.erase(id);
      hub->count = hub->subscribers.size();
    }
    Handle(Handle const&) = delete;
    Handle& operator=(Handle const&) = delete;
    std::shared_ptr<State> hub;
    std::shared_ptr<Subscriber> subscriber;
    std::uint64_t id;
  };
};

EventHub::EventHub() : state_{std::make_shared<State>()} {}
EventHub::~EventHub() = default;

bool EventHub::is_silent() const {
  return state_->count == 0;
}

void EventHub::publish(web::ClusterEvent event) {
  event.at = wall_now();
  auto const shared = std::make_shared<web::ClusterEvent const>(std::move(event));
  std::lock_guard const lock{state_->mutex};
  for (auto const& [id, subscriber] : state_->subscribers) {
    if (!subscriber->admit()) continue;
    asio::post(subscriber->loop, [to = subscriber, shared] {
      bool const tell_missed = to->taken();
      if (!to->ended) to->on_event(*shared);
      if (!to->ended && tell_missed)
        to->on_event({std::string{web::missed_events}, "{}", wall_now()});
    });
  }
}

std::unique_ptr<web::Subscription> EventHub::subscribe(
    asio::io_context& loop, std::function<void(web::ClusterEvent const&)> on_event) {
  auto const subscriber = std::make_shared<Subscriber>(loop, std::move(on_event));
  std::lock_guard const lock{state_->mutex};
  std::uint64_t const id = ++state_->next;
  state_->subscribers[id] = subscriber;
  state_->count = state_->subscribers.size();
  return std::make_unique<State::Handle>(state_, subscriber, id);
}

}  // namespace chisme::node
