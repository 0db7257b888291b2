#include "node/peer/framing.hpp"

#include <algorithm>
#include <concepts>

namespace chisme::node {
namespace {

constexpr std::uint32_t magic = 0x43485331;  // "CHS1"
constexpr std::uint8_t stream_version = 1;
constexpr auto last_fault = static_cast<std::uint8_t>(Fault::io);

template <std::unsigned_integral Integer>
void put(std::span<std::byte> into, Integer value) {
  for (std::size_t i = 0; i < sizeof(Integer); ++i) {
    into[i] = static_cast<std::byte>((value >> (8 * (sizeof(Integer) - 1 - i))) & 0xff);
  }
}

template <std::unsigned_integral Integer>
Integer get(std::span<std::byte const> from) {
  Integer value = 0;
  for (std::size_t i = 0; i < sizeof(Integer); ++i) {
    value = static_cast<Integer>((value << 8) | std::to_integer<Integer>(from[i]));
  }
  return value;
}

void put(std::span<std::byte> into, Digest const& digest) {
  std::ranges::transform(digest.bytes, into.begin(), [](auto byte) { return std::byte{byte}; });
}

Digest get_digest(std::span<std::byte const> from) {
  Digest digest;
  std::ranges::transform(from.first(digest.bytes.size()), digest.bytes.begin(),
                         [](std::byte byte) { return std::to_integer<std::uint8_t>(byte); });
  return digest;
}

// 0: no fault, otherwise the fault's place + 1.
std::byte status(std::optional<Fault> const& fault) {
  return fault ? static_cast<std::byte>(static_cast<std::uint8_t>(*fault) + 1) : std::byte{0};
}

bool is_status(std::byte byte) {
  return std::to_integer<std::uint8_t>(byte) <= last_fault + 1;
}

std::optional<Fault> fault_of(std::byte byte) {
  if (byte == std::byte{0}) return std::nullopt;
  return static_cast<Fault>(std::to_integer<std::uint8_t>(byte) - 1);
}

}  // namespace

std::array<std::byte, hello_bytes> encode(Hello const& hello) {
  std::array<std::byte, hello_bytes> bytes{};
  std::span const all{bytes};
  put(all, magic);
  bytes[4] = std::byte{stream_version};
  bytes[5] = static_cast<std::byte>(hello.kind);
  put(all.subspan(8), hello.sender.high);
  put(all.subspan(16), hello.sender.low);
  return bytes;
}

std::optional<Hello> parse_hello(std::span<std::byte const, hello_bytes> bytes) {
  if (get<std::uint32_t>(bytes) != magic || bytes[4] != std::byte{stream_version}) {
    return std::nullopt;
  }
  auto const kind = std::to_integer<std::uint8_t>(bytes[5]);
  if (kind < 1 || kind > 3) return std::nullopt;
  return Hello{static_cast<StreamKind>(kind), NodeId{get<std::uint64_t>(bytes.subspan<8>()),
                                                     get<std::uint64_t>(bytes.subspan<16>())}};
}

std::array<std::byte, pull_request_bytes> encode(PullRequest const& request) {
  std::array<std::byte, pull_request_bytes> bytes{};
  std::span const all{bytes};
  put(all, request.digest);
  put(all.subspan(32), request.offset.value());
  put(all.subspan(40), request.length.value());
  return bytes;
}

PullRequest parse_pull_request(std::span<std::byte const, pull_request_bytes> bytes) {
  return PullRequest{get_digest(bytes), ByteOffset{get<std::uint64_t>(bytes.subspan<32>())},
                     ByteCount{get<std::uint64_t>(bytes.subspan<40>())}};
}

std::array<std::byte, pull_answer_bytes> encode(PullAnswer const& answer) {
  std::array<std::byte, pull_answer_bytes> bytes{};
  std::span const all{bytes};
  bytes[0] = status(answer.fault);
  put(all.subspan(8), answer.size.value());
  put(all.subspan(16), answer.length.value());
  return bytes;
}

std::optional<PullAnswer> parse_pull_answer(std::span<std::byte const, pull_answer_bytes> bytes) {
  if (!is_status(bytes[0])) return std::nullopt;
  PullAnswer const answer{fault_of(bytes[0]), ByteCount{get<std::uint64_t>(bytes.subspan<8>())},
                          ByteCount{get<std::uint64_t>(bytes.subspan<16>())}};
  if (answer.length > answer.size || (answer.fault && answer.length.value() > 0)) {
    return std::nullopt;
  }
  return answer;
}

std::array<std::byte, push_begin_bytes> encode(PushBegin const& begin) {
  std::array<std::byte, push_begin_bytes> bytes{};
  std::span const all{bytes};
  bytes[0] = begin.size ? std::byte{1} : std::byte{0};
  if (begin.size) put(all.subspan(8), begin.size->value());
  return bytes;
}

std::optional<PushBegin> parse_push_begin(std::span<std::byte const, push_begin_bytes> bytes) {
  if (bytes[0] == std::byte{0}) return PushBegin{};
  if (bytes[0] != std::byte{1}) return std::nullopt;
  return PushBegin{ByteCount{get<std::uint64_t>(bytes.subspan<8>())}};
}

std::array<std::byte, push_chunk_head_bytes> encode_chunk_head(std::uint32_t length) {
  return encode_frame_head(length);
}

std::array<std::byte, push_end_bytes> encode(PushEnd const& end) {
  std::array<std::byte, push_end_bytes> bytes{};
  std::span const all{bytes};
  put(all.subspan(4), end.digest);
  put(all.subspan(36), end.size.value());
  return bytes;
}

std::array<std::byte, push_answer_bytes> encode(PushAnswer const& answer) {
  std::array<std::byte, push_answer_bytes> bytes{};
  bytes[0] = status(answer.fault);
  return bytes;
}

std::optional<PushAnswer> parse_push_answer(std::span<std::byte const, push_answer_bytes> bytes) {
  if (!is_status(bytes[0])) return std::nullopt;
  return PushAnswer{fault_of(bytes[0])};
}

PushParser::Progress PushParser::feed(std::span<std::byte const> bytes) {
  std::size_t consumed = 0;
  while (consumed < bytes.size()) {
    if (chunk_left_ > 0) {
      std::size_t const taken = std::min<std::size_t>(chunk_left_, bytes.size() - consumed);
      chunk_left_ -= static_cast<std::uint32_t>(taken);
      return {State::data, consumed + taken, bytes.subspan(consumed, taken), {}};
    }
    head_[head_size_++] = bytes[consumed++];
    if (head_size_ == push_end_bytes) {
      std::span<std::byte const> const head{head_};
      PushEnd const end{get_digest(head.subspan(4)),
                        ByteCount{get<std::uint64_t>(head.subspan(36))}};
      return {State::end, consumed, {}, end};
    }
    if (head_size_ != push_chunk_head_bytes) continue;
    chunk_left_ = get<std::uint32_t>(head_);
    if (chunk_left_ > push_chunk_bytes_max) return {State::bad, consumed, {}, {}};
    if (chunk_left_ > 0) head_size_ = 0;
  }
  return {State::more, consumed, {}, {}};
}

FrameParser::Progress FrameParser::feed(std::span<std::byte const> bytes) {
  std::size_t consumed = 0;
  while (head_size_ < head_.size() && consumed < bytes.size()) {
    head_[head_size_++] = bytes[consumed++];
    if (head_size_ == head_.size()) frame_.clear();
  }
  if (head_size_ < head_.size()) return {State::more, consumed, {}};
  std::size_t const length = get<std::uint32_t>(head_);
  if (length > frame_bytes_max_) return {State::bad, consumed, {}};
  std::size_t const taken = std::min(length - frame_.size(), bytes.size() - consumed);
  auto const part = bytes.subspan(consumed, taken);
  frame_.insert(frame_.end(), part.begin(), part.end());
  consumed += taken;
  if (frame_.size() < length) return {State::more, consumed, {}};
  head_size_ = 0;
  return {State::frame, consumed, frame_};
}

std::array<std::byte, 4> encode_frame_head(std::uint32_t length) {
  std::array<std::byte, 4> bytes{};
  put(bytes, length);
  return bytes;
}

}  // namespace chisme::node
