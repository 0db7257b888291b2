#include "web/websocket/file_pusher.hpp"

#include <algorithm>
#include <string_view>
#include <utility>

#include "web/websocket/failure.hpp"

namespace chisme::web {

namespace {
constexpr std::uint64_t message_bytes = 256 << 10;
}

FilePusher::FilePusher(std::shared_ptr<Channel> channel, Gateway& gateway, FileInfo file,
                       ByteOffset offset)
    : channel_(std::move(channel)),
      gateway_(gateway),
      file_(std::move(file)),
      offset_(offset.value()) {}

FilePusher::~FilePusher() = default;

void FilePusher::opened() {
  gateway_.request_began();
  counted_ = true;
  if (offset_ > file_.size.value()) {
    return give_up({Fault::invalid, "the offset is past the end of the file"});
  }
  if (file_.local) {
    if (auto opened = gateway_.open(file_.digest)) object_ = std::move(*opened);
  }
  if (!object_ && offset_ < file_.size.value()) {
    buffer_.resize(message_bytes);
    remote_ = gateway_.relay(file_, ByteOffset{offset_}, file_.size - ByteCount{offset_});
  }
  send_next();
}

void FilePusher::send_next() {
  if (over_ || reading_) return;
  if (offset_ == file_.size.value()) {
    over_ = true;
    return channel_->close(CloseCode::normal, "");
  }
  if (object_) return send_local();
  read_remote();
}

void FilePusher::send_local() {
  auto const bytes = std::min(message_bytes, file_.size.value() - offset_);
  auto const offset = ByteOffset{offset_};
  offset_ += bytes;
  gateway_.delivered(ByteCount{bytes});
  channel_->send_object("", object_, offset, ByteCount{bytes});
}

void FilePusher::read_remote() {
  reading_ = true;
  remote_->read(buffer_, [weak = weak_from_this()](Result<std::size_t> count) {
    if (auto const self = weak.lock()) self->received(count);
  });
}

void FilePusher::received(Result<std::size_t> const& count) {
  reading_ = false;
  if (over_) return;
  if (!count) return give_up(count.error());
  if (*count == 0) return give_up({Fault::unavailable, "the file's holders sent too few bytes"});
  offset_ += *count;
  gateway_.delivered(ByteCount{*count});
  channel_->send_binary({reinterpret_cast<char const*>(buffer_.data()), *count});
}

void FilePusher::give_up(Error const& error) {
  over_ = true;
  own_fault_ = status_of(error.fault) >= 500;
  channel_->close(close_code_of(error.fault), error.message);
}

void FilePusher::text(std::string_view) {}

void FilePusher::binary(std::string, bool) {
  over_ = true;
  channel_->close(CloseCode::unsupported_data, "this connection only sends");
}

void FilePusher::peer_closing(CloseCode) {
  over_ = true;
  channel_->answer_close();
}

void FilePusher::drained() {
  send_next();
}

void FilePusher::closed() {
  over_ = true;
  remote_.reset();
  if (std::exchange(counted_, false)) gateway_.request_ended(own_fault_);
}

}  // namespace chisme::web
