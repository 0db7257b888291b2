#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>
#include <websocketpp/common/connection_hdl.hpp>
#include <websocketpp/common/memory.hpp>
#include <websocketpp/transport/base/connection.hpp>
#include <websocketpp/transport/base/endpoint.hpp>
#include <websocketpp/uri.hpp>

#include "web/websocket/wire.hpp"

// websocketpp's transport policy over a Wire: the names and shapes are the library's
// (websocketpp/transport/base/*.hpp says what it asks of a policy).
namespace chisme::web::transport {

namespace wspp = websocketpp::transport;

inline websocketpp::lib::error_code to_library(Result<void> const& result) {
  if (result) return {};
  return wspp::error::make_error_code(wspp::error::pass_through);
}

// The library cancels a timer and lets go of it.
struct LibraryTimer {
  void cancel() { timer.reset(); }
  std::unique_ptr<ByteStream::Timer> timer;
};

template <class Config>
class Connection : public websocketpp::lib::enable_shared_from_this<Connection<Config>> {
 public:
  using type = Connection;
  using ptr = websocketpp::lib::shared_ptr<type>;
  using timer_ptr = websocketpp::lib::shared_ptr<LibraryTimer>;

  Connection(bool, websocketpp::lib::shared_ptr<typename Config::alog_type> const&,
             websocketpp::lib::shared_ptr<typename Config::elog_type> const&) {}

  void attach(std::shared_ptr<Wire> wire) { wire_ = std::move(wire); }

  ptr get_shared() { return this->shared_from_this(); }
  void set_uri(websocketpp::uri_ptr const&) {}
  [[nodiscard]] bool is_secure() const { return false; }
  [[nodiscard]] std::string get_remote_endpoint() const { return "client"; }
  void set_handle(websocketpp::connection_hdl handle) { handle_ = std::move(handle); }
  [[nodiscard]] websocketpp::connection_hdl get_handle() const { return handle_; }

  timer_ptr set_timer(long milliseconds, wspp::timer_handler handler) {
    auto timer = std::make_shared<LibraryTimer>();
    timer->timer = wire_->stream().after(
        std::chrono::milliseconds(milliseconds),
        [call = std::move(handler)] { call(websocketpp::lib::error_code()); });
    return timer;
  }

 protected:
  void init(wspp::init_handler const& handler) { handler(websocketpp::lib::error_code()); }

  void async_read_at_least(std::size_t, char* buffer, std::size_t size,
                           wspp::read_handler handler) {
    wire_->give({buffer, size}, [call = std::move(handler)](Result<std::size_t> count) {
      if (count && *count > 0) return call(websocketpp::lib::error_code(), *count);
      call(wspp::error::make_error_code(wspp::error::eof), 0);
    });
  }

  void async_write(char const* bytes, std::size_t size, wspp::write_handler handler) {
    wire_->write(std::string(bytes, size), [call = std::move(handler)](Result<void> const& result) {
      call(to_library(result));
    });
  }
  void async_write(std::vector<wspp::buffer> const& buffers, wspp::write_handler handler) {
    std::string frames;
    for (auto const& buffer : buffers) frames.append(buffer.buf, buffer.len);
    wire_->write(std::move(frames), [call = std::move(handler)](Result<void> const& result) {
      call(to_library(result));
    });
  }

  websocketpp::lib::error_code dispatch(wspp::dispatch_handler const& handler) {
    handler();
    return {};
  }
  websocketpp::lib::error_code interrupt(wspp::interrupt_handler const& handler) {
    handler();
    return {};
  }
  void async_shutdown(wspp::shutdown_handler const& handler) {
    wire_->close_gently();
    handler(websocketpp::lib::error_code());
  }

 private:
  std::shared_ptr<Wire> wire_;
  websocketpp::connection_hdl handle_;
};

template <class Config>
class Endpoint {
 public:
  using type = Endpoint;
  using ptr = websocketpp::lib::shared_ptr<type>;
  using concurrency_type = typename Config::concurrency_type;
  using alog_type = typename Config::alog_type;
  using elog_type = typename Config::elog_type;
  using transport_con_type = Connection<Config>;
  using transport_con_ptr = typename transport_con_type::ptr;

  [[nodiscard]] bool is_secure() const { return false; }

 protected:
  void init_logging(websocketpp::lib::shared_ptr<alog_type> const&,
                    websocketpp::lib::shared_ptr<elog_type> const&) {}
  void async_connect(transport_con_ptr const&, websocketpp::uri_ptr const&,
                     wspp::connect_handler const& handler) {
    handler(wspp::error::make_error_code(wspp::error::operation_not_supported));
  }
  websocketpp::lib::error_code init(transport_con_ptr const&) { return {}; }
};

}  // namespace chisme::web::transport
