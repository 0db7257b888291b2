#include "node/storage/chunk_hashes.hpp"

#include <sys/uio.h>
#include <unistd.h>
#include <xxhash.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <new>
#include <utility>

#include "node/storage/posix.hpp"
#include "node/storage/sha256.hpp"

namespace chisme::node {
namespace {

constexpr std::string_view first_line = "chisme chunk hashes 1\n";

std::uint64_t chunk_count(ByteCount size) {
  return (size.value() + chunk_bytes - 1) / chunk_bytes;
}

void append(std::string& text, std::uint64_t number) {
  for (int shift = 0; shift < 64; shift += 8) text += static_cast<char>(number >> shift & 0xff);
}

std::uint64_t number_at(std::string_view text, std::size_t at) {
  std::uint64_t number = 0;
  for (std::size_t i = 8; i-- > 0;) number = number << 8 | static_cast<unsigned char>(text[at + i]);
  return number;
}

std::uint32_t seconds_of(Instant now) {
  auto const since = std::chrono::duration_cast<std::chrono::seconds>(now.time_since_epoch());
  return static_cast<std::uint32_t>(since.count()) + 1;
}

// More than kernels read ahead: 128 KiB, or what is set for the disk (8 MiB was seen).
constexpr std::uint64_t chunks_read_ahead = 16;

// Whether a read there would not wait for the disk (preadv2(2), RWF_NOWAIT). A file system that
// cannot tell is taken to be in memory.
bool is_in_memory(int descriptor, std::uint64_t offset) {
  std::byte byte{};
  iovec const into{&byte, 1};
  return ::preadv2(descriptor, &into, 1, static_cast<off_t>(offset), RWF_NOWAIT) >= 0 ||
         errno != EAGAIN;
}

}  // namespace

// ---- Hashing -----------------------------------------------------------------------------------

void ChunkHasher::Free::operator()(XXH3_state_s* state) const {
  XXH3_freeState(state);
}

ChunkHasher::ChunkHasher() : state_(XXH3_createState()) {
  if (!state_) throw std::bad_alloc{};
  XXH3_64bits_reset(state_.get());
}
ChunkHasher::~ChunkHasher() = default;
ChunkHasher::ChunkHasher(ChunkHasher&&) noexcept = default;
ChunkHasher& ChunkHasher::operator=(ChunkHasher&&) noexcept = default;

void ChunkHasher::update(std::span<std::byte const> bytes) {
  while (!bytes.empty()) {
    auto const part = bytes.first(std::min<std::uint64_t>(bytes.size(), chunk_bytes - in_chunk_));
    XXH3_64bits_update(state_.get(), part.data(), part.size());
    in_chunk_ += part.size();
    bytes = bytes.subspan(part.size());
    if (in_chunk_ < chunk_bytes) return;
    hashes_.push_back(XXH3_64bits_digest(state_.get()));
    XXH3_64bits_reset(state_.get());
    in_chunk_ = 0;
  }
}

ChunkHashes ChunkHasher::finish() {
  if (in_chunk_ > 0) hashes_.push_back(XXH3_64bits_digest(state_.get()));
  return std::move(hashes_);
}

std::string encode(ChunkHashes const& hashes) {
  std::string text(first_line);
  for (std::uint64_t const hash : hashes) append(text, hash);
  append(text, XXH3_64bits(text.data(), text.size()));
  return text;
}

std::optional<ChunkHashes> parse_chunk_hashes(std::string_view text, ByteCount size) {
  std::uint64_t const count = chunk_count(size);
  if (count > text.size() || text.size() != first_line.size() + 8 * (count + 1)) {
    return std::nullopt;
  }
  std::string_view const hashed = text.substr(0, text.size() - 8);
  bool const same = number_at(text, hashed.size()) == XXH3_64bits(hashed.data(), hashed.size());
  if (!same || !text.starts_with(first_line)) return std::nullopt;
  ChunkHashes hashes;
  for (std::size_t at = first_line.size(); at < hashed.size(); at += 8) {
    hashes.push_back(number_at(text, at));
  }
  return hashes;
}

// ---- Verdicts ----------------------------------------------------------------------------------

ChunkVerdicts::ChunkVerdicts(Copy copy)
    : copy_(std::move(copy)),
      right_at_(std::make_unique<std::atomic<std::uint32_t>[]>(chunk_count(copy_.size))) {}

bool ChunkVerdicts::is_trusted(int descriptor, std::uint64_t chunk, Instant now) const {
  std::uint32_t const at = right_at_[chunk];
  constexpr auto most = std::chrono::duration_cast<std::chrono::seconds>(trusted).count();
  bool const was_right = state_ == State::none || (at != 0 && seconds_of(now) - at < most);
  // The kernel reads ahead into the beginning, and forgets what is oldest.
  std::uint64_t const begin = chunk * chunk_bytes;
  std::uint64_t const last = std::min(begin + chunk_bytes, copy_.size.value()) - 1;
  if (!was_right) return false;
  if (is_in_memory(descriptor, last) && is_in_memory(descriptor, begin)) return true;
  // The look itself has made the kernel read: nobody has compared what is in memory from now on.
  std::uint64_t const read = std::min(chunk + chunks_read_ahead, chunk_count(copy_.size));
  for (std::uint64_t ahead = chunk; ahead < read; ++ahead) right_at_[ahead] = 0;
  return false;
}

bool ChunkVerdicts::is_trusted(int descriptor, ByteOffset offset, ByteCount length,
                               Instant now) const {
  if (length.value() == 0) return true;
  std::uint64_t const last = (offset.value() + length.value() - 1) / chunk_bytes;
  for (std::uint64_t chunk = offset.value() / chunk_bytes; chunk <= last; ++chunk) {
    if (chunk >= chunk_count(copy_.size)) return true;  // there is nothing to be sent
    if (!is_trusted(descriptor, chunk, now)) return false;
  }
  return true;
}

Result<void> ChunkVerdicts::verify(int descriptor, ByteOffset offset, ByteCount length,
                                   Instant now) {
  if (length.value() == 0) return {};
  if (auto read = read_hashes(); !read) return read;
  std::uint64_t const last =
      std::min((offset.value() + length.value() - 1) / chunk_bytes, chunk_count(copy_.size) - 1);
  for (std::uint64_t chunk = offset.value() / chunk_bytes; chunk <= last; ++chunk) {
    if (is_trusted(descriptor, chunk, now)) continue;
    if (auto right = check(descriptor, chunk); !right) return right;
    right_at_[chunk] = seconds_of(now);
  }
  return {};
}

// Hashes that cannot be read now, for want of descriptors perhaps, are not known to be missing.
Result<void> ChunkVerdicts::read_hashes() {
  if (state_ != State::unread) return {};
  std::lock_guard const lock(reading_);
  if (state_ != State::unread) return {};
  if (!has_chunk_file(copy_.size)) {
    state_ = State::known;
    return {};
  }
  auto const text = read_file(copy_.chunk_file);
  if (!text && text.error().fault != Fault::not_found) return tl::unexpected<Error>(text.error());
  auto hashes = text ? parse_chunk_hashes(*text, copy_.size) : std::nullopt;
  if (hashes) hashes_ = std::move(*hashes);
  state_ = hashes ? State::known : State::none;
  return {};
}

Result<void> ChunkVerdicts::check(int descriptor, std::uint64_t chunk) const {
  std::uint64_t const begin = chunk * chunk_bytes;
  std::vector<std::byte> bytes(std::min(chunk_bytes, copy_.size.value() - begin));
  std::string const what = "chunk " + std::to_string(chunk) + " of " + to_hex(copy_.digest);
  for (std::size_t got = 0; got < bytes.size();) {
    ssize_t const count = ::pread(descriptor, bytes.data() + got, bytes.size() - got,
                                  static_cast<off_t>(begin + got));
    if (count < 0 && errno == EINTR) continue;
    // A sector that cannot be read is as lost as one that changed.
    if (count < 0) return fail(Fault::corrupt, what + " cannot be read: " + std::strerror(errno));
    if (count == 0) return fail(Fault::corrupt, what + " is cut short");
    got += static_cast<std::size_t>(count);
  }
  if (is_right(chunk, bytes)) return {};
  return fail(Fault::corrupt, what + " has changed on disk");
}

bool ChunkVerdicts::is_right(std::uint64_t chunk, std::span<std::byte const> bytes) const {
  if (state_ == State::none) return true;
  if (has_chunk_file(copy_.size)) return XXH3_64bits(bytes.data(), bytes.size()) == hashes_[chunk];
  Sha256 hasher;
  hasher.update(bytes);
  return hasher.finish() == copy_.digest;
}

}  // namespace chisme::node
