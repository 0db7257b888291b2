#include "node/http/buffers.hpp"

#include <cstring>
#include <utility>

#include "cluster/base/check.hpp"

namespace chisme::node {

BufferPool::Buffer BufferPool::take() {
  ++in_use_;
  if (free_.empty()) return Buffer(new std::byte[large_buffer_bytes]);
  Buffer buffer = std::move(free_.back());
  free_.pop_back();
  return buffer;
}

void BufferPool::give_back(Buffer buffer) {
  --in_use_;
  if (free_.size() < kept_max) free_.push_back(std::move(buffer));
}

InputBuffer::InputBuffer(BufferPool& pool)
    : pool_(pool), small_(new std::byte[small_buffer_bytes]) {}

InputBuffer::~InputBuffer() {
  if (large_) pool_.give_back(std::move(large_));
}

std::span<std::byte const> InputBuffer::unread() const {
  return {base() + begin_, end_ - begin_};
}

void InputBuffer::consume(std::size_t bytes) {
  CHECK(bytes <= end_ - begin_);
  begin_ += bytes;
  if (begin_ == end_) begin_ = end_ = 0;
}

std::span<std::byte> InputBuffer::room() {
  if (begin_ > 0) {
    std::memmove(base(), base() + begin_, end_ - begin_);
    end_ -= begin_;
    begin_ = 0;
  }
  std::size_t const size = large_ ? large_buffer_bytes : small_buffer_bytes;
  return {base() + end_, size - end_};
}

void InputBuffer::filled(std::size_t bytes) {
  end_ += bytes;
}

void InputBuffer::grow() {
  if (large_) return;
  auto larger = pool_.take();
  std::memcpy(larger.get(), small_.get() + begin_, end_ - begin_);
  end_ -= begin_;
  begin_ = 0;
  large_ = std::move(larger);
}

void InputBuffer::shrink() {
  if (!large_ || end_ - begin_ > small_buffer_bytes) return;
  std::memcpy(small_.get(), large_.get() + begin_, end_ - begin_);
  end_ -= begin_;
  begin_ = 0;
  pool_.give_back(std::move(large_));
}

}  // namespace chisme::node
