#include <algorithm>
#include <array>
#include <string>
#include <string_view>
#include <utility>

#include "node/clock.hpp"
#include "node/http/connection.hpp"
#include "web/gate.hpp"
#include "web/http/forwarded.hpp"
#include "web/problem.hpp"

// What a client may not take from the others.
namespace chisme::node {

namespace {
// Those by which one sees how a node does that is short of something.
bool is_small(web::Request const& request) {
  static constexpr std::array<std::string_view, 4> paths{"/healthz", "/readyz", "/cluster",
                                                         "/metrics"};
  bool const reads = request.method == web::Method::get || request.method == web::Method::head;
  std::string_view const target = request.target;
  auto const path = target.substr(0, target.find('?'));
  return reads && !request.has_body() && std::ranges::find(paths, path) != paths.end();
}

web::Reply too_many_requests(Duration wait) {
  auto const seconds = std::chrono::ceil<std::chrono::seconds>(wait).count();
  auto answer = web::problem(429,
                             "That is more requests a second than one client may make here; "
                             "wait a little.");
  answer.headers.add("Retry-After", std::to_string(std::max<std::int64_t>(seconds, 1)));
  return answer;
}

web::Reply too_much_to_do() {
  auto answer =
      web::problem(503, "This node has as much to do as it can. Try again, or at another node.");
  answer.close = true;
  return answer;
}
}  // namespace

// The client's budget is in the connection's place: a request costs one atomic operation.
std::optional<web::Reply> HttpConnection::refusal_by_limits() {
  auto const& request = parser_.request();
  auto& counters = *host_->settings.counters;
  if (auto const client = payer_of_request()) {
    auto const wait = client->budget.take(steady_now(), host_->settings.clients->rate());
    if (wait) {
      counters.refuse(Refused::rate);
      return host_->service.refused(request, too_many_requests(*wait));
    }
  }
  if (late_ && !is_small(request)) {
    counters.refuse(Refused::last_connections);
    return host_->service.refused(request, too_much_to_do());
  }
  if (request.has_body() && is_short_of_memory()) {
    counters.refuse(Refused::memory);
    return host_->service.refused(request, too_much_to_do());
  }
  return std::nullopt;
}

bool HttpConnection::is_short_of_memory() const {
  return host_->buffers.bytes_in_use() >= host_->settings.buffer_bytes_max;
}

std::shared_ptr<Clients::Client> HttpConnection::client_of_request() {
  if (!place_->is_proxy()) return place_->client();
  auto& clients = *host_->settings.clients;
  auto const client = web::forwarded_client(
      parser_.request(), [&](Endpoint const& hop) { return clients.trusts(hop); });
  if (!client) return nullptr;
  // A proxy's connection often serves one client for a while.
  if (forwarded_for_ != client) forwarded_ = clients.find(*client, steady_now());
  forwarded_for_ = client;
  return forwarded_;
}

std::shared_ptr<Clients::Client> HttpConnection::payer_of_request() {
  auto client = client_of_request();
  if (!client) return nullptr;
  auto const shown = web::shown_by(host_->gateway, parser_.request());
  if (!shown || shown->standing != web::Standing::valid) return client;
  if (!by_token_ || token_shown_ != shown->id.number) {
    token_shown_ = shown->id.number;
    by_token_ = host_->settings.clients->find_token(token_shown_, steady_now());
  }
  return by_token_;
}

void HttpConnection::expect_progress(Moving way) {
  expect_within(host_->settings.progress_timeout);
  moving_ = way;
}

bool HttpConnection::is_too_slow(std::chrono::steady_clock::duration since) {
  auto const moved = moved_bytes(socket_.tcp().native_handle(), moving_);
  if (!moved) return false;
  if (std::exchange(paced_, moving_) != moving_) {
    pace_.restart();
  } else if (*moved > moved_ && deadline_) {
    // The system is told that a socket takes more only when much of its buffer is free; what the
    // client's system took since the last look is progress too.
    expect_progress(moving_);
  }
  moved_ = *moved;
  return pace_.is_too_slow(since, *moved);
}

}  // namespace chisme::node
