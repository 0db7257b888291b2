#pragma once

#include <asio/io_context.hpp>
#include <memory>

#include "node/http/client_socket.hpp"
#include "web/byte_stream.hpp"

namespace chisme::node {

// SocketStream is a client's connected socket as a WebSocket session needs it (byte_stream.hpp says
// what each call does). Destroying it closes the socket and drops its completions.
class SocketStream final : public web::ByteStream {
 public:
  SocketStream(asio::io_context& loop, ClientSocket socket);
  ~SocketStream() override;
  SocketStream(SocketStream const&) = delete;
  SocketStream& operator=(SocketStream const&) = delete;

  void read(std::span<std::byte> into, web::Done<std::size_t> done) override;
  void write(std::string bytes, web::Done<void> done) override;
  void write_object(std::string header, std::shared_ptr<web::OpenObject const> object,
                    ByteOffset offset, ByteCount length, web::Done<void> done) override;
  [[nodiscard]] std::optional<std::uint64_t> taken_bytes() const override;
  [[nodiscard]] std::unique_ptr<Timer> after(Duration delay, std::function<void()> then) override;
  void close_gently() override;
  void close() override;

 private:
  struct State;
  std::shared_ptr<State> state_;
};

}  // namespace chisme::node
