#include "node/event_hub.hpp"

#include <asio/post.hpp>
#include <atomic>
#include <cstdint>
#include <map>
#include <mutex>
#include <utility>

namespace chisme::node {
namespace {

struct Subscriber {
  Subscriber(asio::io_context& its_loop, std::function<void(web::ClusterEvent const&)> call)
      : loop{its_loop}, on_event{std::move(call)} {}
  asio::io_context& loop;
  std::function<void(web::ClusterEvent const&)> on_event;
  std::atomic<unsigned> waiting = 0;
  bool ended = false;  // on the loop only
};

}  // namespace

struct EventHub::State {
  std::mutex mutex;
  std::map<std::uint64_t, std::shared_ptr<Subscriber>> subscribers;
  std::uint64_t next = 0;

  struct Handle final : web::Subscription {
    Handle(std::shared_ptr<State> its_hub, std::shared_ptr<Subscriber> its_subscriber,
           std::uint64_t its_id)
        : hub{std::move(its_hub)}, subscriber{std::move(its_subscriber)}, id{its_id} {}
    ~Handle() override {
      subscriber->ended = true;
      std::lock_guard const lock{hub->mutex};
      hub->subscribers.erase(id);
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

void EventHub::publish(web::ClusterEvent event) {
  auto const shared = std::make_shared<web::ClusterEvent const>(std::move(event));
  std::lock_guard const lock{state_->mutex};
  for (auto const& [id, subscriber] : state_->subscribers) {
    if (subscriber->waiting.load() >= waiting_max) continue;
    ++subscriber->waiting;
    asio::post(subscriber->loop, [to = subscriber, shared] {
      --to->waiting;
      if (!to->ended) to->on_event(*shared);
    });
  }
}

std::unique_ptr<web::Subscription> EventHub::subscribe(
    asio::io_context& loop, std::function<void(web::ClusterEvent const&)> on_event) {
  auto const subscriber = std::make_shared<Subscriber>(loop, std::move(on_event));
  std::lock_guard const lock{state_->mutex};
  std::uint64_t const id = ++state_->next;
  state_->subscribers[id] = subscriber;
  return std::make_unique<State::Handle>(state_, subscriber, id);
}

}  // namespace chisme::node
