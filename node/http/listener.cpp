#include "node/http/listener.hpp"

#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <asio/buffer.hpp>
#include <asio/co_spawn.hpp>
#include <asio/detached.hpp>
#include <asio/ip/tcp.hpp>
#include <asio/redirect_error.hpp>
#include <asio/steady_timer.hpp>
#include <asio/use_awaitable.hpp>
#include <asio/write.hpp>
#include <random>
#include <utility>
#include <vector>

#include "cluster/base/check.hpp"
#include "node/clock.hpp"
#include "node/http/connection.hpp"

namespace chisme::node {

using asio::ip::tcp;

namespace {
constexpr int backlog = 4096;
// Clients that are being told that there is no room; beyond this number they are just closed.
constexpr std::size_t refusals_max = 64;
constexpr auto refusal_time = std::chrono::seconds(1);
// Pause after the system refused to accept (out of file descriptors).
constexpr auto client_accept_pause = std::chrono::milliseconds(100);
// How often the uploads are looked for that nobody goes on with.
constexpr std::chrono::nanoseconds collecting_period = std::chrono::minutes{10};
constexpr std::string_view refusal_of_node =
    "HTTP/1.1 503 Service Unavailable\r\nContent-Type: application/problem+json\r\n"
    "Retry-After: 5\r\nContent-Length: 123\r\nConnection: close\r\n\r\n"
    R"({"type":"about:blank","title":"Service Unavailable","status":503,)"
    R"("detail":"This node has too many connections. Try again."})";
constexpr std::string_view refusal_of_address =
    "HTTP/1.1 429 Too Many Requests\r\nContent-Type: application/problem+json\r\n"
    "Retry-After: 5\r\nContent-Length: 130\r\nConnection: close\r\n\r\n"
    R"({"type":"about:blank","title":"Too Many Requests","status":429,)"
    R"("detail":"Your address has too many connections here. Close some."})";

bool is_v4_mapped(Endpoint const& endpoint) {
  static constexpr std::array<std::uint8_t, 12> prefix{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
  return std::equal(prefix.begin(), prefix.end(), endpoint.address.begin());
}

tcp::endpoint to_asio(Endpoint const& endpoint) {
  if (is_v4_mapped(endpoint)) {
    asio::ip::address_v4::bytes_type bytes;
    std::copy_n(endpoint.address.begin() + 12, 4, bytes.begin());
    return {asio::ip::address_v4(bytes), endpoint.port};
  }
  return {asio::ip::address_v6(endpoint.address), endpoint.port};
}

Endpoint from_asio(tcp::endpoint const& endpoint) {
  Endpoint result;
  auto const address = endpoint.address();
  result.address =
      (address.is_v4() ? asio::ip::make_address_v6(asio::ip::v4_mapped, address.to_v4())
                       : address.to_v6())
          .to_bytes();
  result.port = endpoint.port();
  return result;
}

asio::awaitable<void> refuse(std::shared_ptr<tcp::socket> socket, std::string_view with,
                             std::shared_ptr<std::size_t> refusing) {
  ++*refusing;
  asio::error_code error;
  auto token = asio::redirect_error(asio::use_awaitable, error);
  asio::steady_timer timer(socket->get_executor(), refusal_time);
  // Cancelling does not take back a handler that is queued already: it shares the socket.
  timer.async_wait([socket](asio::error_code cancelled) {
    if (!cancelled) socket->close(cancelled);
  });
  auto const text = asio::buffer(with);
  co_await asio::async_write(*socket, text, token);
  if (!error) socket->shutdown(tcp::socket::shutdown_send, error);
  std::array<char, 4096> dropped;
  auto const buffer = asio::buffer(dropped);
  while (!error) co_await socket->async_read_some(buffer, token);
  timer.cancel();
  --*refusing;
}
}  // namespace

struct HttpListener::State : std::enable_shared_from_this<HttpListener::State> {
  State(asio::io_context& loop, web::Gateway& gateway, HttpSettings settings)
      : host(std::make_shared<HttpHost>(loop, gateway, settings)),
        acceptor(loop),
        collecting(loop) {}

  static asio::awaitable<void> accept_all(std::shared_ptr<State> self);
  static asio::awaitable<void> collect_uploads(std::shared_ptr<State> self);
  void close();
  void admit(tcp::socket socket);

  std::shared_ptr<HttpHost> host;
  tcp::acceptor acceptor;
  asio::steady_timer collecting;
  std::shared_ptr<std::size_t> refusing = std::make_shared<std::size_t>(0);
};

asio::awaitable<void> HttpListener::State::accept_all(std::shared_ptr<State> self) {
  asio::error_code error;
  auto token = asio::redirect_error(asio::use_awaitable, error);
  asio::steady_timer pause(self->host->loop);
  while (self->acceptor.is_open()) {
    tcp::socket socket = co_await self->acceptor.async_accept(token);
    if (!error) {
      self->admit(std::move(socket));
    } else if (self->acceptor.is_open()) {
      pause.expires_after(client_accept_pause);
      co_await pause.async_wait(token);
    }
  }
}

// Every node does so, some time after an upload's end has come: the first leaves the others
// nothing.
asio::awaitable<void> HttpListener::State::collect_uploads(std::shared_ptr<State> self) {
  asio::error_code ignored;
  auto token = asio::redirect_error(asio::use_awaitable, ignored);
  auto const kept = self->host->settings.uploads_kept;
  auto const later = kept / 24 * (std::random_device{}() % 100) / 100;
  while (self->acceptor.is_open()) {
    self->collecting.expires_after(std::min(collecting_period, kept / 4));
    co_await self->collecting.async_wait(token);
    if (!self->acceptor.is_open()) break;
    co_await self->host->resumable->collect(ResumableUploads::Clock::now(), later);
  }
}

void HttpListener::State::close() {
  asio::error_code ignored;
  acceptor.close(ignored);
  collecting.cancel();
}

void HttpListener::State::admit(tcp::socket socket) {
  auto& settings = host->settings;
  asio::error_code gone;
  auto const from = socket.remote_endpoint(gone);
  if (gone) return;
  Clients::Admission admission;
  if (socket.native_handle() < settings.descriptors) {
    admission = settings.clients->admit(from_asio(from), steady_now());
  }
  if (admission.place) {
    bool const late = admission.place->is_late() ||
                      socket.native_handle() >= settings.descriptors - settings.descriptors / 16;
    auto connection =
        std::make_shared<HttpConnection>(host, std::move(socket), std::move(admission.place), late);
    settings.counters->connections.add();
    asio::co_spawn(host->loop, HttpConnection::run(std::move(connection)), asio::detached);
    return;
  }
  settings.counters->refuse(admission.refusal == Clients::Refusal::full
                                ? Refused::connections
                                : Refused::connections_of_address);
  if (*refusing < refusals_max) {
    auto const text =
        admission.refusal == Clients::Refusal::full ? refusal_of_node : refusal_of_address;
    auto const refused = std::make_shared<tcp::socket>(std::move(socket));
    asio::co_spawn(host->loop, refuse(refused, text, refusing), asio::detached);
  }
}

HttpListener::HttpListener(asio::io_context& loop, web::Gateway& gateway, HttpSettings settings)
    : state_(std::make_shared<State>(loop, gateway, settings)) {}

HttpListener::~HttpListener() {
  stop();
}

Result<void> HttpListener::listen(Endpoint where) {
  auto const endpoint = to_asio(where);
  auto const doing = "listening on " + to_string(where);
  auto& acceptor = state_->acceptor;
  asio::error_code error;
  acceptor.open(endpoint.protocol(), error);
  if (error) return tl::unexpected(system_failure(error.value(), doing));
  acceptor.set_option(tcp::acceptor::reuse_address(true), error);
  int const on = 1;
  ::setsockopt(acceptor.native_handle(), SOL_SOCKET, SO_REUSEPORT, &on, sizeof on);
  acceptor.bind(endpoint, error);
  if (!error) acceptor.listen(backlog, error);
  if (error) {
    asio::error_code ignored;
    acceptor.close(ignored);
    return tl::unexpected(system_failure(error.value(), doing));
  }
  asio::co_spawn(state_->host->loop, State::accept_all(state_), asio::detached);
  asio::co_spawn(state_->host->loop, State::collect_uploads(state_), asio::detached);
  return {};
}

Endpoint HttpListener::local() const {
  asio::error_code error;
  auto const endpoint = state_->acceptor.local_endpoint(error);
  CHECK(!error);
  return from_asio(endpoint);
}

void HttpListener::change(HttpSettings settings) {
  auto& host = *state_->host;
  settings.uploads_kept = host.settings.uploads_kept;
  settings.assemblies = host.settings.assemblies;
  settings.tls = host.settings.tls;
  settings.counters = host.settings.counters;
  host.service.change(settings.service);
  host.settings = std::move(settings);
}

void HttpListener::keep_none() {
  state_->host->draining = true;
}

void HttpListener::drain() {
  state_->close();
  auto& host = *state_->host;
  host.draining = host.ending = true;
  auto const connections = std::vector(host.connections.begin(), host.connections.end());
  for (auto* connection : connections) connection->close_if_idle();
  host.websockets.close_all();
}

void HttpListener::stop() {
  state_->close();
  auto& host = *state_->host;
  host.draining = host.ending = true;
  auto const connections = std::vector(host.connections.begin(), host.connections.end());
  for (auto* connection : connections) connection->close();
  host.websockets.abort_all();
}

std::size_t HttpListener::open_connections() const {
  return state_->host->open;
}

std::size_t HttpListener::open_sessions() const {
  return state_->host->websockets.open_sessions();
}

}  // namespace chisme::node
