#pragma once

#include <asio/awaitable.hpp>
#include <asio/io_context.hpp>
#include <chrono>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "node/http/checksum.hpp"
#include "web/gateway.hpp"
#include "web/tus/replies.hpp"
#include "web/tus/request.hpp"
#include "web/tus/upload.hpp"

namespace chisme::node {

// The bytes of a small file, from whichever node has it. Faults: those of web::RemoteRead.
[[nodiscard]] asio::awaitable<Result<std::string>> read_small(asio::io_context& loop,
                                                              web::Gateway& gateway,
                                                              web::FileInfo file);

// ResumableUploads is tus over the gateway: what an upload is made of lies in the cluster as files
// (web/tus/upload.hpp), so this holds nothing, and every node can go on with every upload.
//
// One web loop's thread. A shared_ptr owns it; `gateway` must outlive its coroutines.
class ResumableUploads : public std::enable_shared_from_this<ResumableUploads> {
 public:
  ResumableUploads(asio::io_context& loop, web::Gateway& gateway, ByteCount max_file_size)
      : loop_(loop), gateway_(gateway), max_file_size_(max_file_size) {}

  struct Upload {
    std::string id;
    web::tus::About about;
    web::tus::Progress progress;
    [[nodiscard]] std::optional<ByteCount> length() const;
    [[nodiscard]] ByteCount offset() const;
    [[nodiscard]] bool is_complete() const { return length() == offset(); }
    [[nodiscard]] web::tus::Told told() const;
  };
  class Writer;

  // A new upload; a concatenation is made at once. Faults: those of writing a small file; of a
  // concatenation also not_found, invalid (a part that is not partial, or not complete).
  asio::awaitable<Result<Upload>> create(web::tus::Create create);
  // An upload's state. Faults: not_found, unavailable.
  asio::awaitable<Result<Upload>> find(std::string id);
  // The same. Once all of its bytes are there the file is made of them: a node may have
  // died between the two. Faults: not_found, unavailable, and those of storing the file.
  asio::awaitable<Result<Upload>> ask(std::string id);
  // Takes more bytes, or says why not; then nothing changed.
  asio::awaitable<tl::expected<std::shared_ptr<Writer>, web::Reply>> begin(web::tus::Patch patch);
  // Forgets the upload; of a file that is stored already, only how it came. Faults: not_found,
  // unavailable, no_quorum.
  asio::awaitable<Result<void>> terminate(std::string id);
  // An upload that is one request, `PUT ?live=1`: its bytes can be read while they come.
  asio::awaitable<Result<std::shared_ptr<Writer>>> begin_live(web::UploadRequest request);
  // Makes the file of what came. Faults: those of web::Upload.
  asio::awaitable<Result<web::StoredFile>> store_live(std::string id, web::UploadRequest request);
  // Removes uploads that nobody has gone on with since `before`.
  asio::awaitable<void> collect(WallTime before);

 private:
  using File = Result<web::FileInfo>;

  asio::awaitable<File> find_file(std::string name);
  asio::awaitable<Result<void>> put_small(std::string name, std::string bytes);
  asio::awaitable<Result<Upload>> make(web::tus::Create create);
  asio::awaitable<Result<Upload>> find_with(std::string id, std::optional<ByteCount> bytes);
  [[nodiscard]] std::optional<web::Reply> refusal(web::tus::Patch const& patch,
                                                  Upload const& upload) const;
  asio::awaitable<Result<Upload>> assembled(Upload upload);
  asio::awaitable<Result<web::StoredFile>> store(Upload upload, web::UploadRequest request);
  asio::awaitable<Result<std::vector<web::tus::Piece>>> pieces_of(Upload upload);
  asio::awaitable<Result<void>> copy(web::tus::Piece piece, std::shared_ptr<web::Upload> into);
  asio::awaitable<void> remove_all(std::vector<std::string> names);
  void forget(std::vector<std::string> names);
  [[nodiscard]] web::tus::Progress progress_of(std::string const& id) const;
  [[nodiscard]] std::vector<web::FileInfo> files_with(std::string const& prefix) const;

  asio::io_context& loop_;
  web::Gateway& gateway_;
  ByteCount max_file_size_;
};

// Writer stores the bytes of one request as parts, each of which is safe on W nodes before the
// next one begins: after `part_bytes_max`, or after `part_time` when the client is slow, so that
// little has to be sent again when this node dies. With a checksum there is one part, which is kept
// only if all of it is right. A live upload's parts are short, for each can be read only once it is
// safe.
class ResumableUploads::Writer {
 public:
  static constexpr std::uint64_t part_bytes_max = 32u << 20;
  static constexpr std::chrono::milliseconds part_time{5000};
  static constexpr std::chrono::milliseconds live_part_time{200};

  Writer(std::shared_ptr<ResumableUploads> uploads, web::tus::Patch const& patch,
         std::optional<ByteCount> length, bool live);

  [[nodiscard]] std::string const& id() const { return id_; }
  // A part of a live upload is begun, which others may be waiting for.
  [[nodiscard]] bool is_awaited() const { return live_ && !expected_ && part_ != nullptr; }
  // Makes what came so far safe; more may come. Faults: those of web::Upload. REQUIRES: is_awaited.
  asio::awaitable<Result<void>> secure() { return end_part(); }

  // Faults: those of web::Upload; too_large (past the upload's length; what came before stays);
  // precondition_failed (another request has gone on with the upload).
  asio::awaitable<Result<void>> write(std::span<std::byte const> bytes);
  // Makes what came so far safe; `whole`: the request's body came to its end. Faults: those of
  // web::Upload; digest_mismatch (nothing was kept).
  asio::awaitable<Result<void>> finish(bool whole);

 private:
  asio::awaitable<Result<void>> begin_part();
  asio::awaitable<Result<void>> end_part();

  std::shared_ptr<ResumableUploads> uploads_;
  std::string id_;
  std::uint64_t at_;   // where the next byte belongs
  std::uint64_t end_;  // where the upload ends at the latest
  bool live_;
  std::optional<web::tus::Checksum> expected_;
  std::optional<Checksum> sum_;
  std::shared_ptr<web::Upload> part_;
  std::uint64_t part_bytes_ = 0;
  std::chrono::steady_clock::time_point part_begun_;
  bool is_first_ = true;
};

}  // namespace chisme::node
