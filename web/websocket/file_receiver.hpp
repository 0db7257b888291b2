#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "web/gateway.hpp"
#include "web/websocket/channel.hpp"

namespace chisme::web {

// FileReceiver serves /ws/upload: the binary messages received until an empty message or a close
// frame become the file; the reply is the JSON of PUT as text, then a normal close. An error is a
// text {"error","status"} and a close with 1008 or 1011. A close with a code other than 1000 (a
// page that goes away), or within a message, or a connection that breaks, aborts.
//
// Holds one piece at a time: the client is not read while it is being written. A client that sends
// less than 15 KiB in each of five minutes is given up, for it holds a place and an open file.
class FileReceiver final : public Session, public std::enable_shared_from_this<FileReceiver> {
 public:
  FileReceiver(std::shared_ptr<Channel> channel, Gateway& gateway, UploadRequest request);
  ~FileReceiver() override;

  void opened() override;
  void text(std::string_view message) override;
  void binary(std::string piece, bool last) override;
  void peer_closing(CloseCode code) override;
  void drained() override {}
  void closed() override;

 private:
  void begun(Result<std::unique_ptr<Upload>> upload);
  void written(Result<void> const& result);
  void look_at_pace();
  void finish();
  void finished(Result<StoredFile> const& stored);
  void give_up(Error const& error);
  void end(CloseCode code, std::string_view reason);

  std::shared_ptr<Channel> channel_;
  Gateway& gateway_;
  UploadRequest request_;
  std::string piece_;  // being written; outlives the upload
  std::unique_ptr<Upload> upload_;
  std::unique_ptr<ByteStream::Timer> pace_timer_;
  std::uint64_t arrived_ = 0;  // since the last look at the pace
  int slow_periods_ = 0;
  bool within_message_ = false;
  bool message_empty_ = true;
  bool peer_closing_ = false;
  bool finishing_ = false;
  bool busy_ = false;  // a call of the upload is pending
  bool over_ = false;
  bool counted_ = false;
  bool own_fault_ = false;
};

}  // namespace chisme::web
