#include "node/storage/copy_check.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <string>
#include <utility>

namespace chisme::node {
namespace {

std::string bytes_sentence(std::uint64_t has, std::uint64_t should_have) {
  return "has " + std::to_string(has) + " bytes instead of " + std::to_string(should_have);
}

}  // namespace

// A file that could not even be opened is no descriptor; errno then says why.
CopyCheck::CopyCheck(Copy const& copy, Descriptor file)
    : digest_(copy.digest), size_(copy.size.value()), number_(copy.number), file_(std::move(file)) {
  struct stat found{};
  if (file_.number() < 0 || ::fstat(file_.number(), &found) != 0) {
    wrong_ = std::string("cannot be opened: ") + std::strerror(errno);
  } else if (static_cast<std::uint64_t>(found.st_size) != size_) {
    wrong_ = bytes_sentence(static_cast<std::uint64_t>(found.st_size), size_);
  } else {
    ::posix_fadvise(file_.number(), 0, 0, POSIX_FADV_DONTNEED);
    ::posix_fadvise(file_.number(), 0, 0, POSIX_FADV_SEQUENTIAL);
  }
}

bool CopyCheck::advance(std::size_t bytes) {
  block_.resize(std::max<std::size_t>(1, std::min<std::uint64_t>(bytes, size_ - offset_)));
  if (!wrong_.empty() || offset_ == size_) return false;
  auto const at = static_cast<off_t>(offset_);
  ssize_t const got = ::pread(file_.number(), block_.data(), block_.size(), at);
  if (got < 0) {
    if (errno != EINTR) wrong_ = std::string("cannot be read: ") + std::strerror(errno);
    return wrong_.empty();
  }
  if (got == 0) {
    wrong_ = bytes_sentence(offset_, size_);
    return false;
  }
  auto const read = std::span(block_).first(static_cast<std::size_t>(got));
  hasher_.update(read);
  chunks_.update(read);
  ::posix_fadvise(file_.number(), at, got, POSIX_FADV_DONTNEED);
  offset_ += static_cast<std::uint64_t>(got);
  return offset_ < size_;
}

std::string CopyCheck::complaint() {
  if (wrong_.empty() && offset_ != size_) return bytes_sentence(offset_, size_);
  if (wrong_.empty() && hasher_.finish() != digest_) wrong_ = "has changed on disk";
  return wrong_;
}

}  // namespace chisme::node
