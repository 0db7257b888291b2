#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "web/s3/request.hpp"

namespace chisme::web::s3 {

// ChunkReader takes a body of `Content-Encoding: aws-chunked` apart (S3 API reference, "Signature
// Calculations: Transferring Payload in Multiple Chunks"): chunks with their sizes in front, each
// signed or none, and then trailers, if they are announced. What it gives out before the end counts
// only once the body ended well: a signature stands before its chunk, and is judged after it.
//
// One thread owns it. It holds no more than a line, of at most `line_bytes_max`.
class ChunkReader {
 public:
  static constexpr std::size_t line_bytes_max = 1024;
  static constexpr std::size_t trailers_max = 10;

  // `signing`: what the chunks are signed with; nullopt: they are not.
  ChunkReader(std::optional<ChunkSigning> signing, bool with_trailers)
      : signing_(std::move(signing)), with_trailers_(with_trailers) {}

  struct Progress {
    std::size_t consumed = 0;
    std::span<std::byte const> data;  // of what was given
  };
  // Takes some of `bytes`: all of them, up to data, or up to the end. What follows the end is
  // failure.
  Progress feed(std::span<std::byte const> bytes);

  [[nodiscard]] bool ended() const { return at_ == At::end; }
  [[nodiscard]] bool failed() const { return at_ == At::failed; }
  // Of what failed: the signature, not the form.
  [[nodiscard]] bool is_forged() const { return forged_; }
  [[nodiscard]] std::uint64_t data_bytes() const { return data_bytes_; }
  // Names in lower case.
  [[nodiscard]] std::vector<std::pair<std::string, std::string>> const& trailers() const {
    return trailers_;
  }

 private:
  enum class At { size, data, data_end, trailer, end, failed };
  void take_line(std::string_view line);
  void take_size(std::string_view line);
  void take_trailer(std::string_view line);
  void end_chunk();
  void end_trailers();
  void fail() { at_ = At::failed; }
  [[nodiscard]] bool is_next_signature(std::string_view kind, std::string_view hash,
                                       std::string_view shown);

  std::optional<ChunkSigning> signing_;
  bool with_trailers_;
  At at_ = At::size;
  std::string line_;
  std::uint64_t left_ = 0;  // of the chunk's data
  bool last_ = false;       // the chunk is the empty one
  std::string shown_;       // the chunk's signature
  RunningSha256 hash_;
  std::uint64_t data_bytes_ = 0;
  std::vector<std::pair<std::string, std::string>> trailers_;
  bool forged_ = false;
};

}  // namespace chisme::web::s3
