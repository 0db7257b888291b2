#include "node/cli/part_file.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <sstream>

#include "cluster/base/check.hpp"
#include "node/storage/sha256.hpp"

namespace chisme::node::cli {
namespace {

namespace fs = std::filesystem;

tl::unexpected<Error> file_failure(std::string const& doing, fs::path const& path) {
  int const number = errno;
  return tl::unexpected<Error>(system_failure(number, doing + " " + path.string()));
}

// The first line of FILE.part.blocks.
std::string heading(PartFile::Object const& object) {
  return to_hex(object.digest) + " " + std::to_string(object.size.value());
}

}  // namespace

PartFile::PartFile(fs::path target, Object const& object)
    : target_(std::move(target)), object_(object) {
  present_.resize((object.size.value() + block_bytes - 1) / block_bytes);
}

Result<PartFile> PartFile::open(fs::path target, Object const& object) {
  PartFile part(std::move(target), object);
  part.read_blocks();
  if (auto opened = part.open_files(); !opened) return tl::unexpected<Error>(opened.error());
  return part;
}

// Blocks count only when the bytes are long enough to hold them.
void PartFile::read_blocks() {
  auto const text = read_file(blocks_path());
  std::error_code code;
  std::uint64_t const length = fs::file_size(bytes_path(), code);
  if (!text || code) return;
  std::istringstream lines(*text);
  std::string line;
  if (!std::getline(lines, line) || line != heading(object_)) return;
  while (std::getline(lines, line)) {
    std::size_t block = 0;
    auto const [end, fault] = std::from_chars(line.data(), line.data() + line.size(), block);
    if (fault == std::errc{} && end == line.data() + line.size() && block < present_.size() &&
        offset_of(block).value() + size_of(block).value() <= length) {
      present_[block] = true;
    }
  }
}

Result<void> PartFile::open_files() {
  bool const anew = bytes_present() == 0;
  int const flags = O_RDWR | O_CREAT | (anew ? O_TRUNC : 0);
  auto bytes = open_file(bytes_path(), flags);
  if (!bytes) return tl::unexpected<Error>(bytes.error());
  auto blocks = open_file(blocks_path(), flags | O_APPEND);
  if (!blocks) return tl::unexpected<Error>(blocks.error());
  bytes_ = std::move(*bytes);
  blocks_ = std::move(*blocks);
  ::fchmod(bytes_.number(), 0644);
  if (!anew) return {};
  std::string const line = heading(object_) + "\n";
  return write_all(blocks_.number(), std::as_bytes(std::span(line)), blocks_path());
}

ByteOffset PartFile::offset_of(std::size_t block) const {
  return ByteOffset{block * block_bytes};
}

ByteCount PartFile::size_of(std::size_t block) const {
  return ByteCount{std::min(block_bytes, object_.size.value() - block * block_bytes)};
}

std::uint64_t PartFile::bytes_present() const {
  std::uint64_t sum = 0;
  for (std::size_t block = 0; block < present_.size(); ++block) {
    if (present_[block]) sum += size_of(block).value();
  }
  return sum;
}

Result<void> PartFile::store(std::size_t block, std::span<std::byte const> bytes) {
  CHECK(bytes.size() == size_of(block).value());
  auto at = static_cast<off_t>(offset_of(block).value());
  while (!bytes.empty()) {
    ssize_t const wrote = ::pwrite(bytes_.number(), bytes.data(), bytes.size(), at);
    if (wrote < 0 && errno == EINTR) continue;
    if (wrote < 0) return file_failure("writing", bytes_path());
    bytes = bytes.subspan(static_cast<std::size_t>(wrote));
    at += wrote;
  }
  present_.at(block) = true;
  std::string const line = std::to_string(block) + "\n";
  return write_all(blocks_.number(), std::as_bytes(std::span(line)), blocks_path());
}

Result<Digest> PartFile::hash(std::function<void(std::uint64_t)> const& progress) const {
  Sha256 hasher;
  std::vector<std::byte> block(std::size_t{1} << 18);
  std::uint64_t at = 0;
  for (;;) {
    ssize_t const got =
        ::pread(bytes_.number(), block.data(), block.size(), static_cast<off_t>(at));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return file_failure("reading", bytes_path());
    if (got == 0) break;
    hasher.update(std::span(block).first(static_cast<std::size_t>(got)));
    at += static_cast<std::uint64_t>(got);
    progress(at);
  }
  return hasher.finish();
}

Result<void> PartFile::finish(std::function<void(std::uint64_t)> const& progress) {
  CHECK(std::find(present_.begin(), present_.end(), false) == present_.end());
  if (::ftruncate(bytes_.number(), static_cast<off_t>(object_.size.value())) != 0) {
    return file_failure("cutting", bytes_path());
  }
  auto const digest = hash(progress);
  if (!digest) return tl::unexpected<Error>(digest.error());
  if (*digest != object_.digest) {
    ::unlink(bytes_path().c_str());
    ::unlink(blocks_path().c_str());
    return fail(Fault::digest_mismatch, "what arrived for " + target_.string() + " has SHA-256 " +
                                            to_hex(*digest) + " instead of " +
                                            to_hex(object_.digest) + ": it was thrown away");
  }
  if (::rename(bytes_path().c_str(), target_.c_str()) != 0) return file_failure("naming", target_);
  ::unlink(blocks_path().c_str());
  return {};
}

}  // namespace chisme::node::cli
