#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "web/gateway.hpp"
#include "web/websocket/channel.hpp"

namespace chisme::web {

// FilePusher serves /ws/files/NAME?offset=O: the file's bytes as binary messages and then a normal
// close. From this node's copy if it has one, else relayed from the other holders; 1011 when none
// of them answers any more. One message is under way at a time.
class FilePusher final : public Session, public std::enable_shared_from_this<FilePusher> {
 public:
  FilePusher(std::shared_ptr<Channel> channel, Gateway& gateway, FileInfo file, ByteOffset offset);
  ~FilePusher() override;

  void opened() override;
  void text(std::string_view message) override;
  void binary(std::string piece, bool last) override;
  void peer_closing(CloseCode code) override;
  void drained() override;
  void closed() override;

 private:
  void send_next();
  void send_local();
  void read_remote();
  void received(Result<std::size_t> const& count);
  void give_up(Error const& error);

  std::shared_ptr<Channel> channel_;
  Gateway& gateway_;
  FileInfo file_;
  std::uint64_t offset_;
  bool counted_ = false;  // as a request
  bool own_fault_ = false;
  bool reading_ = false;
  bool over_ = false;
  std::shared_ptr<OpenObject const> object_;
  std::vector<std::byte> buffer_;
  std::unique_ptr<RemoteRead> remote_;  // after the buffer that it reads into
};

}  // namespace chisme::web
