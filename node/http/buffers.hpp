#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <vector>

namespace chisme::node {

constexpr std::size_t small_buffer_bytes = 16 << 10;
constexpr std::size_t large_buffer_bytes = 256 << 10;

// BufferPool keeps the large buffers of one loop for the next body: memory of this size passes
// malloc's mmap threshold, and mapping it anew costs half the throughput.
class BufferPool {
 public:
  using Buffer = std::unique_ptr<std::byte[]>;
  [[nodiscard]] Buffer take();
  void give_back(Buffer buffer);
  // Of bodies that are kept elsewhere, which count as well.
  void hold(std::size_t bytes) { held_bytes_ += bytes; }
  void release(std::size_t bytes) { held_bytes_ -= bytes; }
  // What is taken and held now.
  [[nodiscard]] std::size_t bytes_in_use() const {
    return in_use_ * large_buffer_bytes + held_bytes_;
  }

 private:
  static constexpr std::size_t kept_max = 32;
  std::vector<Buffer> free_;
  std::size_t in_use_ = 0;
  std::size_t held_bytes_ = 0;
};

// HeldBytes are what one body has of those that a pool counts and does not give, until it goes.
// `pool` must outlive it.
class HeldBytes {
 public:
  explicit HeldBytes(BufferPool& pool) : pool_(pool) {}
  ~HeldBytes() { set(0); }
  HeldBytes(HeldBytes const&) = delete;
  HeldBytes& operator=(HeldBytes const&) = delete;
  void set(std::size_t bytes) {
    pool_.release(bytes_);
    pool_.hold(bytes);
    bytes_ = bytes;
  }

 private:
  BufferPool& pool_;
  std::size_t bytes_ = 0;
};

// LargeBuffer is one of the pool's, given back when it goes. `pool` must outlive it.
class LargeBuffer {
 public:
  explicit LargeBuffer(BufferPool& pool) : pool_(pool), bytes_(pool.take()) {}
  ~LargeBuffer() { pool_.give_back(std::move(bytes_)); }
  LargeBuffer(LargeBuffer const&) = delete;
  LargeBuffer& operator=(LargeBuffer const&) = delete;
  [[nodiscard]] std::span<std::byte> span() { return {bytes_.get(), large_buffer_bytes}; }

 private:
  BufferPool& pool_;
  BufferPool::Buffer bytes_;
};

// InputBuffer holds what was read from a socket and not yet understood. It is small while a
// connection idles and borrows a large buffer while a body comes. `pool` must outlive it.
class InputBuffer {
 public:
  explicit InputBuffer(BufferPool& pool);
  ~InputBuffer();
  InputBuffer(InputBuffer const&) = delete;
  InputBuffer& operator=(InputBuffer const&) = delete;

  [[nodiscard]] std::span<std::byte const> unread() const;
  void consume(std::size_t bytes);
  // Where the next bytes may be read into: all that is free. Moves what is unread to the front.
  [[nodiscard]] std::span<std::byte> room();
  // `bytes` were read into `room()`.
  void filled(std::size_t bytes);

  void grow();
  // Gives the large buffer back, unless what is unread needs it.
  void shrink();

 private:
  [[nodiscard]] std::byte* base() const { return large_ ? large_.get() : small_.get(); }
  BufferPool& pool_;
  std::unique_ptr<std::byte[]> small_;
  BufferPool::Buffer large_;
  std::size_t begin_ = 0;
  std::size_t end_ = 0;
};

}  // namespace chisme::node
