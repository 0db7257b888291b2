#include "web/websocket/file_receiver.hpp"

#include <chrono>
#include <utility>

#include "web/json.hpp"
#include "web/websocket/failure.hpp"

namespace chisme::web {

namespace {
constexpr auto pace_period = std::chrono::minutes(1);
constexpr std::uint64_t pace_bytes_min = 15 << 10;
constexpr int slow_periods_max = 5;
}  // namespace

FileReceiver::FileReceiver(std::shared_ptr<Channel> channel, Gateway& gateway,
                           UploadRequest request)
    : channel_(std::move(channel)), gateway_(gateway), request_(std::move(request)) {}

FileReceiver::~FileReceiver() = default;

void FileReceiver::opened() {
  gateway_.request_began();
  counted_ = true;
  channel_->pause();
  gateway_.begin_upload(std::move(request_),
                        [weak = weak_from_this()](Result<std::unique_ptr<Upload>> upload) {
                          if (auto const self = weak.lock()) self->begun(std::move(upload));
                        });
}

void FileReceiver::begun(Result<std::unique_ptr<Upload>> upload) {
  if (over_) return;
  if (!upload) return give_up(upload.error());
  upload_ = std::move(*upload);
  channel_->resume();
  look_at_pace();
}

void FileReceiver::look_at_pace() {
  pace_timer_ = channel_->after(pace_period, [weak = weak_from_this()] {
    auto const self = weak.lock();
    if (!self || self->over_ || self->finishing_) return;
    // While the node writes it is not the client that is slow.
    bool const slow = !self->busy_ && std::exchange(self->arrived_, 0) < pace_bytes_min;
    self->slow_periods_ = slow ? self->slow_periods_ + 1 : 0;
    if (self->slow_periods_ >= slow_periods_max) {
      return self->give_up({Fault::incomplete, "the upload came too slowly"});
    }
    self->look_at_pace();
  });
}

void FileReceiver::binary(std::string piece, bool last) {
  if (over_ || finishing_) return;
  if (!piece.empty()) message_empty_ = false;
  within_message_ = !last;
  bool const end_marker = last && message_empty_;
  if (last) message_empty_ = true;
  if (end_marker) return finish();
  if (piece.empty()) return;
  arrived_ += piece.size();
  piece_ = std::move(piece);
  channel_->pause();
  busy_ = true;
  upload_->write(
      std::as_bytes(std::span(piece_)),
      [self = shared_from_this()](Result<void> const& result) { self->written(result); });
}

void FileReceiver::written(Result<void> const& result) {
  busy_ = false;
  if (over_) return upload_.reset();
  if (!result) return give_up(result.error());
  channel_->resume();
}

void FileReceiver::finish() {
  if (std::exchange(finishing_, true)) return;
  busy_ = true;
  // A client that has sent all waits in silence, however long the disks take.
  channel_->pause();
  upload_->finish(
      [self = shared_from_this()](Result<StoredFile> const& stored) { self->finished(stored); });
}

void FileReceiver::finished(Result<StoredFile> const& stored) {
  busy_ = false;
  if (over_) return upload_.reset();
  if (!stored) return give_up(stored.error());
  channel_->send_text(to_json(*stored));
  end(CloseCode::normal, "");
}

void FileReceiver::give_up(Error const& error) {
  own_fault_ = status_of(error.fault) >= 500;
  // Of an unknown outcome nothing may be said; the client retries.
  if (error.fault != Fault::unknown_outcome) channel_->send_text(error_json(error));
  end(close_code_of(error.fault), error.message);
}

// The last message is sent. A client whose close came first gets it answered.
void FileReceiver::end(CloseCode code, std::string_view reason) {
  over_ = true;
  if (!busy_) upload_.reset();
  if (!peer_closing_) channel_->close(code, reason);
  channel_->resume();
  if (peer_closing_) channel_->answer_close();
}

void FileReceiver::text(std::string_view) {
  if (!over_ && !finishing_) give_up({Fault::invalid, "a file's bytes come as binary messages"});
}

void FileReceiver::peer_closing(CloseCode code) {
  peer_closing_ = true;
  if (over_) return channel_->answer_close();
  if (finishing_) return;  // the reply comes first
  bool const whole = code == CloseCode::normal || code == CloseCode::none;
  if (whole && !within_message_) return finish();
  over_ = true;
  if (!busy_) upload_.reset();
  channel_->answer_close();
}

void FileReceiver::closed() {
  over_ = true;
  // A write still reads `piece_`, and what is being finished may become visible: the completion
  // keeps this object until then.
  if (!busy_) upload_.reset();
  if (std::exchange(counted_, false)) gateway_.request_ended(own_fault_);
}

}  // namespace chisme::web
