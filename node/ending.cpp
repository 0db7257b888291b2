#include <algorithm>
#include <asio/post.hpp>
#include <chrono>
#include <string>
#include <utility>

#include "node/clock.hpp"
#include "node/log.hpp"
#include "node/running_node.hpp"

// RunningNode: how it ends.
namespace chisme::node {
namespace {

// How long a node that stops goes on accepting: those come whom others sent here before they heard.
constexpr Duration stop_notice = std::chrono::milliseconds{500};
// How long it waits for clients to answer that their WebSocket is closed.
constexpr Duration session_patience = std::chrono::seconds{5};
// A node that left the cluster in good order lets its last streams end.
constexpr Duration leave_grace = std::chrono::seconds{30};
constexpr Duration stop_look = std::chrono::milliseconds{20};

}  // namespace

bool RunningNode::run() {
  control().run();
  return !failed_;
}

void RunningNode::obey(cluster::Stop const& stop) {
  stop.failed ? log::error(stop.reason) : log::info(stop.reason);
  wants_restart_ = stop.restart;
  if (stop.failed || stop.restart) return end(stop.failed);
  if (!stopping_) take_no_more(leave_grace);  // else it is about to end anyway
}

void RunningNode::end(bool failed) {
  failed_ = failed_ || failed;
  control().stop();
}

void RunningNode::stop() {
  if (std::exchange(stopping_, true)) return end(false);
  log::info("stopping: no more requests are taken; what is under way gets " +
            std::to_string(
                std::chrono::duration_cast<std::chrono::seconds>(config_.stop_timeout).count()) +
            " s to end");
  counters_.stopping = true;
  driver_->handle(cluster::EndsSoon{});
  for (auto const& web : web_) {
    asio::post(web->loop.context(), [listener = web->listener.get()] { listener->keep_none(); });
  }
  bool const alone = driver_->view()->members.size() <= 1;
  stop_timer_.expires_after(alone ? Duration{} : std::min(stop_notice, config_.stop_timeout / 2));
  stop_timer_.async_wait([this](asio::error_code const& error) {
    if (!error) take_no_more(config_.stop_timeout);
  });
}

void RunningNode::take_no_more(Duration grace) {
  sessions_until_ = steady_now() + std::min(grace, session_patience);
  for (auto const& web : web_) {
    web->sessions = 1;  // until it is counted
    asio::post(web->loop.context(), [web = web.get()] {
      web->listener->drain();
      web->sessions = web->listener->open_sessions();
    });
  }
  await_requests(steady_now() + grace);
}

void RunningNode::count_sessions() {
  for (auto const& web : web_) {
    asio::post(web->loop.context(),
               [web = web.get()] { web->sessions = web->listener->open_sessions(); });
  }
}

bool RunningNode::is_served() const {
  bool const waits = steady_now() < sessions_until_;
  return counters_.in_flight > 0 ||
         (waits && std::ranges::any_of(web_, [](auto const& web) { return web->sessions > 0; }));
}

void RunningNode::await_requests(Instant until) {
  stop_timer_.expires_after(stop_look);
  stop_timer_.async_wait([this, until](asio::error_code const& error) {
    if (error) return;
    if (!is_served() || steady_now() >= until) return say_goodbye();
    count_sessions();
    await_requests(until);
  });
}

// Those who hear it hold this node for dead without having to find out.
void RunningNode::say_goodbye() {
  if (counters_.in_flight > 0) {
    log::warning(std::to_string(counters_.in_flight) +
                 " requests did not end in time and are cut off; clients go on elsewhere");
  }
  driver_->handle(cluster::EndsNow{});
  stop_timer_.expires_after(stop_look);
  stop_timer_.async_wait([this](asio::error_code const& error) {
    if (!error) end(false);
  });
}

}  // namespace chisme::node
