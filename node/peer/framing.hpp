#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "cluster/base/identity.hpp"
#include "cluster/base/result.hpp"
#include "cluster/base/strong.hpp"

// The bytes between two nodes' TCP sockets. Integers are big endian. Every connection begins with a
// hello that says what follows:
//
//   control  frames: u32 length, then an encoded envelope; one way, from the connecting node
//   pull     any number of: request (digest, offset, length), answer (fault, size, length), bytes
//   push     begin (size, if known), chunks (u32 length > 0, bytes), end (u32 0, digest, size);
//            the other side answers once, at the end or as soon as it fails
//
// Pure: spans in, values out; what is malformed is nullopt or `bad`, never an allocation.
namespace chisme::node {

enum class StreamKind : std::uint8_t { control = 1, pull = 2, push = 3 };

struct Hello {
  StreamKind kind = StreamKind::control;
  NodeId sender;
  friend bool operator==(Hello const&, Hello const&) = default;
};
inline constexpr std::size_t hello_bytes = 24;
[[nodiscard]] std::array<std::byte, hello_bytes> encode(Hello const& hello);
// nullopt: another protocol, another version or an unknown kind.
[[nodiscard]] std::optional<Hello> parse_hello(std::span<std::byte const, hello_bytes> bytes);

struct PullRequest {
  Digest digest;
  ByteOffset offset;
  ByteCount length;  // at most; the answer says how much follows
  friend bool operator==(PullRequest const&, PullRequest const&) = default;
};
inline constexpr std::size_t pull_request_bytes = 48;
[[nodiscard]] std::array<std::byte, pull_request_bytes> encode(PullRequest const& request);
[[nodiscard]] PullRequest parse_pull_request(std::span<std::byte const, pull_request_bytes> bytes);

struct PullAnswer {
  std::optional<Fault> fault;  // then nothing follows
  ByteCount size;              // of the whole object
  ByteCount length;            // bytes that follow
  friend bool operator==(PullAnswer const&, PullAnswer const&) = default;
};
inline constexpr std::size_t pull_answer_bytes = 24;
[[nodiscard]] std::array<std::byte, pull_answer_bytes> encode(PullAnswer const& answer);
[[nodiscard]] std::optional<PullAnswer> parse_pull_answer(
    std::span<std::byte const, pull_answer_bytes> bytes);

struct PushBegin {
  std::optional<ByteCount> size;  // when the writer knows it: room is reserved
  friend bool operator==(PushBegin const&, PushBegin const&) = default;
};
inline constexpr std::size_t push_begin_bytes = 16;
[[nodiscard]] std::array<std::byte, push_begin_bytes> encode(PushBegin const& begin);
[[nodiscard]] std::optional<PushBegin> parse_push_begin(
    std::span<std::byte const, push_begin_bytes> bytes);

struct PushEnd {
  Digest digest;
  ByteCount size;
  friend bool operator==(PushEnd const&, PushEnd const&) = default;
};
inline constexpr std::size_t push_chunk_bytes_max = 1u << 20;
inline constexpr std::size_t push_chunk_head_bytes = 4;
inline constexpr std::size_t push_end_bytes = 44;  // with its zero length
[[nodiscard]] std::array<std::byte, push_chunk_head_bytes> encode_chunk_head(std::uint32_t length);
[[nodiscard]] std::array<std::byte, push_end_bytes> encode(PushEnd const& end);

struct PushAnswer {
  std::optional<Fault> fault;  // nullopt: the object is durable there
  friend bool operator==(PushAnswer const&, PushAnswer const&) = default;
};
inline constexpr std::size_t push_answer_bytes = 8;
[[nodiscard]] std::array<std::byte, push_answer_bytes> encode(PushAnswer const& answer);
[[nodiscard]] std::optional<PushAnswer> parse_push_answer(
    std::span<std::byte const, push_answer_bytes> bytes);

// PushParser reads chunks and the end from bytes as they come, without copying chunk bytes.
class PushParser {
 public:
  enum class State : std::uint8_t { more, data, end, bad };
  struct Progress {
    State state = State::more;
    std::size_t consumed = 0;           // of the bytes given; the rest must be given again
    std::span<std::byte const> data{};  // with `data`: a part of the bytes given
    PushEnd end{};                      // with `end`
  };
  // Takes bytes up to the end of one run of chunk bytes, or of the end. After `end` and `bad`
  // nothing more may be given.
  Progress feed(std::span<std::byte const> bytes);

 private:
  std::array<std::byte, push_end_bytes> head_{};
  std::size_t head_size_ = 0;
  std::uint32_t chunk_left_ = 0;
};

// FrameParser cuts a control stream into frames of at most `frame_bytes_max`. It holds no more than
// what arrived of one frame.
class FrameParser {
 public:
  explicit FrameParser(std::size_t frame_bytes_max) : frame_bytes_max_(frame_bytes_max) {}
  enum class State : std::uint8_t { more, frame, bad };
  struct Progress {
    State state = State::more;
    std::size_t consumed = 0;
    std::span<std::byte const> frame{};  // valid until the next call
  };
  Progress feed(std::span<std::byte const> bytes);

 private:
  std::size_t frame_bytes_max_;
  std::array<std::byte, 4> head_{};
  std::size_t head_size_ = 0;
  std::vector<std::byte> frame_;
};
[[nodiscard]] std::array<std::byte, 4> encode_frame_head(std::uint32_t length);

}  // namespace chisme::node
