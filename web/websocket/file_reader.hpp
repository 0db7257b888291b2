#pragma once

#include <cstdint>
#include <list>
#include <memory>
#include <set>
#include <string>

#include "web/gateway.hpp"
#include "web/websocket/channel.hpp"

namespace chisme::web {

// FileReader answers /ws/read: each text {"id","op":"read","file","version","offset","length"} by
// one or more binary messages (u32 id, u64 offset, both big endian, then bytes) from this node's
// copy, or by a text {"id","error","status","replicas"} that says who else has it. Of a file that
// is absent here, or older than `version`, the other nodes are asked first. It keeps nothing but
// the requests not answered yet, in their order.
//
// Bounds: 16 requests pending, 16 MiB each; one message under way, which is smaller when the
// client is slow, so that it sees progress.
class FileReader final : public Session, public std::enable_shared_from_this<FileReader> {
 public:
  // `secure`: the client came by TLS.
  FileReader(std::shared_ptr<Channel> channel, Gateway& gateway, bool secure);
  ~FileReader() override;

  void opened() override {}
  void text(std::string_view message) override;
  void binary(std::string piece, bool last) override;
  void peer_closing(CloseCode code) override;
  void drained() override;
  void closed() override;

 private:
  struct Wanted {
    std::uint32_t id = 0;
    std::string file;
    std::string version;  // empty: the current one
    std::uint64_t offset = 0;
    std::uint64_t length = 0;
  };
  struct Pending {
    std::uint32_t id = 0;
    std::shared_ptr<OpenObject const> object;
    std::uint64_t offset = 0;
    std::uint64_t left = 0;
  };

  void read(Wanted const& wanted);
  void others_answered(Wanted const& wanted, Result<Lookup> const& found);
  void answer(Wanted const& wanted, Lookup const& found);
  void cancel(std::uint32_t id);
  void refuse(std::uint32_t id, unsigned status, std::string_view error, FileInfo const* file);
  [[nodiscard]] Result<std::shared_ptr<OpenObject const>> open(FileInfo const& file);
  void send_next();
  void measure_pace();

  std::shared_ptr<Channel> channel_;
  Gateway& gateway_;
  bool secure_;
  std::list<Pending> pending_;           // which costs nothing while it is empty
  std::multiset<std::uint32_t> asking_;  // those for which the other nodes are being asked
  // The object read last: players ask for one file again and again.
  Digest open_digest_;
  std::shared_ptr<OpenObject const> open_object_;
  bool sending_ = false;
  std::uint64_t message_bytes_;
  std::unique_ptr<ByteStream::Timer> slow_timer_;
};

}  // namespace chisme::web
