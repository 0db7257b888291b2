#include "web/websocket/wire.hpp"

#include <algorithm>
#include <cstring>
#include <utility>

#include "cluster/base/check.hpp"

namespace chisme::web {

namespace {
// Most clients idle, or ask for what fits a few hundred bytes.
constexpr std::size_t input_bytes = 256;
// While messages come that fill the input, it is this large.
constexpr std::size_t busy_input_bytes = 64 << 10;
constexpr std::size_t idle_read_bytes = 1 << 10;
// A client that makes us answer (pongs, errors) but does not read is not listened to beyond this.
constexpr std::size_t backlog_bytes_max = 256 << 10;
}  // namespace

Wire::Wire(std::unique_ptr<ByteStream> stream, FrameLimits limits, std::string head,
           std::string already_read)
    : stream_(std::move(stream)),
      inspector_(limits),
      input_(std::max(input_bytes, already_read.size())),
      input_end_(already_read.size()),
      ready_(std::move(head)) {
  std::memcpy(input_.data(), already_read.data(), already_read.size());
}

void Wire::start(std::weak_ptr<void> owner, Events events) {
  owner_ = std::move(owner);
  events_ = std::move(events);
}

void Wire::give(std::span<char> into, Done<std::size_t> done) {
  CHECK(!want_);
  wanted_ = into;
  want_ = std::move(done);
  pump();
}

void Wire::resume() {
  paused_ = false;
  pump();
}

void Wire::release_close() {
  if (!std::exchange(close_held_, false)) return;
  inspector_.let_close_through();
  pump();
}

bool Wire::congested() const {
  return queued_bytes_ + (events_.library_backlog ? events_.library_backlog() : 0) >
         backlog_bytes_max;
}

// Hands over what there is until something is missing. The library asks for more from within its
// completion, so this is a loop and not a recursion.
void Wire::pump() {
  if (std::exchange(pumping_, true)) return;
  auto const owner = owner_.lock();
  while (want_ && !closed_ && !paused_ && !congested()) {
    if (deliver()) {
      // The library asks for no more once it has answered an error of the client's by a close.
      if (opened_ && !want_ && !closed_) end_after_writes();
      continue;
    }
    if (deaf_) break;
    if (close_held_) {
      if (std::exchange(close_announced_, true)) break;
      events_.peer_closing();
      continue;
    }
    if (inspect()) continue;
    if (ended_) {
      answer(std::size_t{0});
      break;
    }
    read_stream();
    break;
  }
  pumping_ = false;
}

bool Wire::deliver() {
  std::size_t const count = std::min(ready_.size() - ready_begin_, wanted_.size());
  if (count == 0) return false;
  std::memcpy(wanted_.data(), ready_.data() + ready_begin_, count);
  ready_begin_ += count;
  if (ready_begin_ == ready_.size()) {
    ready_.clear();
    ready_begin_ = 0;
  }
  answer(count);
  return true;
}

void Wire::answer(Result<std::size_t> result) {
  auto const done = std::exchange(want_, nullptr);
  done(std::move(result));
}

// Whether it brought anything on: bytes for the library or an end of reading.
bool Wire::inspect() {
  auto const bytes = std::span(input_).subspan(input_begin_, input_end_ - input_begin_);
  auto const step = inspector_.feed(bytes, ready_);
  input_begin_ += step.consumed;
  if (input_begin_ == input_end_) input_begin_ = input_end_ = 0;
  if (step.stop == FrameInspector::Stop::failed) {
    deaf_ = true;
    events_.violation(inspector_.close_code(), inspector_.reason());
  } else if (step.stop == FrameInspector::Stop::closing) {
    close_held_ = true;
  }
  return !ready_.empty() || step.stop != FrameInspector::Stop::starved;
}

void Wire::read_stream() {
  if (std::exchange(reading_, true)) return;
  fit_buffers();
  CHECK(input_end_ < input_.size());
  stream_->read(std::span(input_).subspan(input_end_),
                [weak = weak_from_this()](Result<std::size_t> count) {
                  if (auto const self = weak.lock()) self->received(std::move(count));
                });
}

void Wire::received(Result<std::size_t> count) {
  auto const owner = owner_.lock();
  reading_ = false;
  if (closed_ || !owner) return;
  // An error is an end too: what matters is that there was no close frame before it.
  std::size_t const bytes = count.value_or(0);
  if (bytes == 0) ended_ = true;
  input_end_ += bytes;
  if (bytes > 0) events_.heard();
  last_read_ = bytes;
  pump();
}

// Large buffers while data comes, small ones while the client idles.
void Wire::fit_buffers() {
  if (input_end_ > 0 || !ready_.empty()) return;
  if (last_read_ == input_.size() && input_.size() < busy_input_bytes) {
    input_ = std::vector<std::byte>(busy_input_bytes);
  } else if (last_read_ < idle_read_bytes && input_.size() > input_bytes) {
    input_ = std::vector<std::byte>(input_bytes);
    ready_ = {};
  }
}

void Wire::write(std::string frame, Done<void> done) {
  enqueue({std::move(frame), nullptr, {}, {}, std::move(done)});
}

void Wire::write_object(std::string header, std::shared_ptr<OpenObject const> object,
                        ByteOffset offset, ByteCount length, Done<void> done) {
  enqueue({std::move(header), std::move(object), offset, length, std::move(done)});
}

void Wire::enqueue(Outgoing outgoing) {
  queued_bytes_ += outgoing.bytes.size();
  queue_.push_back(std::move(outgoing));
  if (!writing_) write_next();
}

void Wire::write_next() {
  Outgoing next = std::move(queue_.front());
  queue_.pop_front();
  writing_ = true;
  writing_bytes_ = next.bytes.size();
  write_done_ = std::move(next.done);
  auto done = [weak = weak_from_this()](Result<void> result) {
    if (auto const self = weak.lock()) self->written(std::move(result));
  };
  if (next.object) {
    stream_->write_object(std::move(next.bytes), std::move(next.object), next.offset, next.length,
                          std::move(done));
  } else {
    stream_->write(std::move(next.bytes), std::move(done));
  }
}

void Wire::written(Result<void> result) {
  auto const owner = owner_.lock();
  writing_ = false;
  queued_bytes_ -= writing_bytes_;
  auto const done = std::exchange(write_done_, nullptr);
  if (!owner) return;
  bool const failed = !result.has_value();
  if (done) done(std::move(result));
  if (failed) {
    // What was cut off cannot be taken up again.
    queue_.clear();
    if (!closed_) end_after_writes();
    return settle();
  }
  if (!writing_ && !queue_.empty()) write_next();
  settle();
  pump();
}

void Wire::settle() {
  if (!is_drained()) return;
  if (std::exchange(ending_, false)) return events_.ended();
  if (!closed_) events_.drained();
}

void Wire::end_after_writes() {
  deaf_ = true;
  ending_ = true;
  if (is_drained()) settle();
}

void Wire::close_gently() {
  closed_ = true;
  want_ = nullptr;
  stream_->close_gently();
}

void Wire::close() {
  closed_ = true;
  want_ = nullptr;
  queue_.clear();
  stream_->close();
}

}  // namespace chisme::web
