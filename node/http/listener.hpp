#pragma once

#include <asio/io_context.hpp>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>

#include "cluster/base/identity.hpp"
#include "cluster/base/result.hpp"
#include "node/descriptors.hpp"
#include "node/http/assemblies.hpp"
#include "node/http/client_counters.hpp"
#include "node/http/clients.hpp"
#include "node/http/pace.hpp"
#include "node/security/server_tls.hpp"
#include "web/gateway.hpp"
#include "web/http/parser.hpp"
#include "web/service.hpp"

namespace chisme::node {

struct HttpSettings {
  web::ServiceSettings service;
  // Of all listeners. A connection for which there is no place is told 503 and closed.
  std::shared_ptr<Clients> clients = std::make_shared<Clients>();
  // And so is one whose descriptor has this number or a higher one. The last sixteenth serves
  // small requests only.
  int descriptors = DescriptorLimits{}.clients;
  // From the first byte of a request to the end of its head.
  std::chrono::milliseconds head_timeout = std::chrono::seconds(30);
  // Between two requests.
  std::chrono::milliseconds idle_timeout = std::chrono::seconds(75);
  // Within a body, in either direction, without a single byte of progress.
  std::chrono::milliseconds progress_timeout = std::chrono::seconds(60);
  // And with too little of it.
  Pace::Limits pace;
  // Bytes of large buffers, beyond which neither bodies nor relays begin.
  std::size_t buffer_bytes_max = 256u << 20;
  web::ParserLimits head;
  // A resumable upload with which nobody goes on.
  std::chrono::nanoseconds uploads_kept = std::chrono::hours{24};
  std::shared_ptr<Assemblies> assemblies = std::make_shared<Assemblies>();  // of all listeners
  // With a certificate clients may speak TLS or not, on one port; those that do not are sent to
  // https://, unless they are of this machine. nullptr: there is none.
  std::shared_ptr<ServerTls const> tls;
  bool plain_for_all = false;  // for those of other machines too
  // What this listener counts: each has its own.
  std::shared_ptr<ClientCounters> counters = std::make_shared<ClientCounters>();
};

// HttpListener accepts the clients of one web loop and serves each by an HttpConnection: HTTP/1.1
// and, by upgrade, WebSocket. Several listeners may share one port (SO_REUSEPORT): the kernel
// spreads the connections.
//
// Construct it, then use it on the loop's thread only (or before the loop runs). `loop` and
// `gateway` must outlive it; stop the loop, or call `stop` and let the loop run empty, before
// destroying it.
class HttpListener {
 public:
  HttpListener(asio::io_context& loop, web::Gateway& gateway, HttpSettings settings);
  ~HttpListener();
  HttpListener(HttpListener const&) = delete;
  HttpListener& operator=(HttpListener const&) = delete;

  // Binds and begins to accept; port 0 takes a free one. Faults: io (the address is taken, …).
  [[nodiscard]] Result<void> listen(Endpoint where);
  // Where it listens. REQUIRES: `listen` succeeded.
  [[nodiscard]] Endpoint local() const;

  // Other limits and other rules of whom to serve: for requests and connections that begin from now
  // on. Connections from before do not count for new limits of their number. Uploads' and the
  // certificate's settings stay.
  void change(HttpSettings settings);

  // Keeps no connection after its next answer, and goes on accepting: for those who were sent here.
  void keep_none();
  // Accepts no more, closes idle connections, lets requests finish; WebSockets are told 1001.
  void drain();
  // Closes everything at once.
  void stop();
  // Connections now open, WebSockets included.
  [[nodiscard]] std::size_t open_connections() const;
  // WebSockets among them.
  [[nodiscard]] std::size_t open_sessions() const;

 private:
  struct State;
  std::shared_ptr<State> state_;
};

}  // namespace chisme::node
