#pragma once

#include <asio/awaitable.hpp>
#include <asio/io_context.hpp>
#include <asio/steady_timer.hpp>
#include <chrono>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "node/http/assemblies.hpp"
#include "node/http/checksum.hpp"
#include "web/gateway.hpp"
#include "web/tus/replies.hpp"
#include "web/tus/request.hpp"
#include "web/tus/upload.hpp"

namespace chisme::node {

// ResumableUploads is tus over the gateway: what an upload is made of lies in the cluster as files
// (web/tus/upload.hpp), so this holds nothing that is not made again, and every node can go on with
// every upload.
//
// Two requests that write one upload: each first takes its turn (`writer`), then looks whether the
// one before has stored something at the same offset; and each stores a part first, then looks
// whether it is still its turn. At least one of the two sees the other, for either stores on W
// nodes before it asks all of them. Who sees the other answers 409, and its client asks where to go
// on; both do so where they come at the same moment.
//
// The file's version is decided by the bytes that complete it, so making it again, at any time and
// at several nodes, changes nothing: not even a later write or removal of the name.
//
// One web loop's thread. A shared_ptr owns it; `gateway` must outlive its coroutines.
class ResumableUploads : public std::enable_shared_from_this<ResumableUploads> {
 public:
  using Clock = std::chrono::steady_clock;
  // How long an answer about an upload waits for its file.
  static constexpr std::chrono::seconds ask_patience{5};

  struct Limits {
    ByteCount max_file_size;
    // After the last change of an upload.
    Clock::duration kept = std::chrono::hours{24};
    // What all web loops of the node share.
    std::shared_ptr<Assemblies> assemblies = std::make_shared<Assemblies>();
    // Of one upload: a tebibyte in parts of the usual size, for every request lists them all.
    std::size_t parts_max = 32'768;
  };
  ResumableUploads(asio::io_context& loop, web::Gateway& gateway, Limits limits)
      : loop_(loop), gateway_(gateway), limits_(limits) {}

  struct Upload {
    std::string id;
    web::tus::About about;
    std::string about_version;
    web::tus::Progress progress;
    std::optional<web::FileInfo> writer;  // whose turn it is
    [[nodiscard]] std::optional<ByteCount> length() const;
    [[nodiscard]] ByteCount offset() const;
    [[nodiscard]] bool is_complete() const { return length() == offset(); }
    // All of it is there, and the file is not made yet.
    [[nodiscard]] bool waits_for_file() const;
  };
  class Writer;

  // A new upload; if there is nothing to wait for the file is made at once. Faults: those of
  // writing a small file; no_space; of a concatenation also not_found, invalid (a part that is not
  // partial, or not complete).
  asio::awaitable<Result<Upload>> create(web::tus::Create create);
  // An upload's state. Faults: not_found, unavailable.
  asio::awaitable<Result<Upload>> find(std::string id);
  // The same. Once all of its bytes are there somebody makes the file, who may have died:
  // this sees to it. Faults: not_found, unavailable, those of storing the file; busy (it is being
  // made). With `shown` bytes, which somebody was told of, news of them is waited for.
  asio::awaitable<Result<Upload>> ask(std::string id, std::optional<ByteOffset> shown = {});
  // The same, but waits until the file is there.
  asio::awaitable<Result<Upload>> finish(std::string id);
  // The same, for nobody waits.
  void see_to_file(std::string id);
  // Takes more bytes, or says why not; then nothing changed.
  asio::awaitable<tl::expected<std::shared_ptr<Writer>, web::Reply>> begin(web::tus::Patch patch);
  // Forgets the upload; of a file that is stored already, only how it came. Faults: not_found,
  // unavailable, no_quorum.
  asio::awaitable<Result<void>> terminate(std::string id);
  // An upload that is one request, `PUT ?live=1`: its bytes can be read while they come.
  asio::awaitable<Result<std::shared_ptr<Writer>>> begin_live(web::UploadRequest request);
  // Makes the file of what came. Faults: those of web::Upload.
  asio::awaitable<Result<web::StoredFile>> store_live(std::string id, web::UploadRequest request);
  // Removes uploads in which this node, whatever the clocks say, has seen no change for as long as
  // they are kept, and `later`.
  asio::awaitable<void> collect(Clock::time_point now, Clock::duration later);
  [[nodiscard]] web::tus::Told told(Upload const& upload) const;

 private:
  using Files = std::vector<std::optional<web::FileInfo>>;
  // The making of one file, for which several may wait.
  struct Making {
    std::optional<Result<void>> result;
    std::vector<std::shared_ptr<asio::steady_timer>> waiting;
  };
  // What `collect` saw of an upload when it last changed.
  struct Seen {
    std::size_t mark = 0;  // of the versions of all its files
    Clock::time_point since;
    std::vector<std::string> names;
  };

  // resumable_uploads.cpp
  asio::awaitable<Result<Files>> newest_of(std::vector<std::string> names);
  asio::awaitable<Result<void>> check_room(std::string name, ByteCount length);
  asio::awaitable<Result<Upload>> describe(web::tus::Create create);
  asio::awaitable<Result<Upload>> find_with(std::string id, std::optional<ByteCount> bytes);
  [[nodiscard]] std::optional<web::Reply> refusal(web::tus::Patch const& patch,
                                                  Upload const& upload) const;
  asio::awaitable<Result<std::string>> take_turn(Upload upload, ByteOffset at);
  asio::awaitable<Result<void>> tell_length(Upload upload, ByteCount length);
  asio::awaitable<void> remove_all(std::vector<std::string> names);
  asio::awaitable<void> remove_rest(std::string id);
  void forget(std::vector<std::string> names);
  [[nodiscard]] web::tus::Progress progress_of(std::string const& id) const;
  [[nodiscard]] std::vector<web::FileInfo> files_with(std::string const& prefix) const;
  [[nodiscard]] std::map<std::string, Seen> survey(Clock::time_point now) const;

  // resumable_file.cpp
  asio::awaitable<Result<Upload>> made(std::string id, ByteCount shown,
                                       std::optional<Clock::duration> patience);
  asio::awaitable<void> await_file(std::shared_ptr<Making> making,
                                   std::optional<Clock::duration> patience);
  asio::awaitable<void> make(Upload upload, std::shared_ptr<Making> making);
  asio::awaitable<Result<void>> make_file(Upload upload);
  asio::awaitable<std::unique_ptr<Assemblies::Turn>> turn_to_make(std::string id);
  asio::awaitable<bool> others_made_it(Upload upload, std::string version);
  asio::awaitable<Result<web::StoredFile>> store(Upload upload, web::UploadRequest request);
  asio::awaitable<Result<void>> mark_done(Upload upload, std::shared_ptr<Checksum> sum,
                                          ByteCount size);
  asio::awaitable<Result<std::vector<web::tus::Piece>>> pieces_of(Upload upload);
  asio::awaitable<Result<void>> copy(web::tus::Piece piece, std::shared_ptr<web::Upload> into,
                                     std::shared_ptr<Checksum> sum);
  [[nodiscard]] bool is_known_as_done(std::string const& id) const;
  [[nodiscard]] bool is_written_elsewhere(std::string_view version) const;

  asio::io_context& loop_;
  web::Gateway& gateway_;
  Limits limits_;
  std::map<std::string, std::shared_ptr<Making>> making_;  // by id
  std::map<std::string, Seen> seen_;                       // by id
};

// Writer stores the bytes of one request as parts, each of which is safe on W nodes before the
// next one begins: after `part_bytes_max`, or after `part_time` when the client is slow, so that
// little has to be sent again when this node dies. With a checksum there is one part, which is kept
// only if all of it is right. A live upload's parts are short, for each can be read only once it is
// safe. The more parts there are the longer the next one may take, so that even a live upload of a
// day has room in `parts_max`.
class ResumableUploads::Writer {
 public:
  static constexpr std::uint64_t part_bytes_max = 32u << 20;
  static constexpr std::chrono::milliseconds part_time{5000};
  static constexpr std::chrono::milliseconds live_part_time{200};
  static constexpr std::size_t longer_each = 1024;  // parts

  // `turn` is the version of the `writer` file that this request stored.
  Writer(std::shared_ptr<ResumableUploads> uploads, Upload upload, web::tus::Patch const& patch,
         std::string turn);

  [[nodiscard]] std::string const& id() const { return upload_.id; }
  // How long a part may take to come.
  [[nodiscard]] std::chrono::milliseconds patience() const {
    auto const first = upload_.about.live ? live_part_time : part_time;
    return first * (1 + parts_ / longer_each);
  }

  // Faults: those of web::Upload; too_large (past the upload's length, or in too many parts; what
  // came before stays);
  // precondition_failed (another request has gone on with the upload), not_found (it was ended).
  asio::awaitable<Result<void>> write(std::span<std::byte const> bytes);
  // Some bytes came that are not safe yet, and may be made so before the rest comes.
  [[nodiscard]] bool can_settle() const { return part_ && !expected_; }
  // Makes what came so far safe. Faults: as `write`.
  asio::awaitable<Result<void>> settle();
  // The same at the end of the request; `whole`: its body came to its end. Faults: as `write`;
  // digest_mismatch (nothing was kept).
  asio::awaitable<Result<void>> finish(bool whole);

  // The upload as far as this request brought it.
  [[nodiscard]] bool is_complete() const { return upload_.length() == ByteCount{at_}; }
  [[nodiscard]] web::tus::Told told() const;

 private:
  [[nodiscard]] bool is_overtaken() const;
  asio::awaitable<Result<void>> begin_part();

  std::shared_ptr<ResumableUploads> uploads_;
  Upload upload_;
  std::string turn_;
  std::uint64_t at_;                        // where the next byte belongs
  std::uint64_t end_;                       // where the upload ends at the latest
  std::optional<std::uint64_t> body_left_;  // when announced
  std::optional<web::tus::Checksum> expected_;
  std::optional<Checksum> sum_;
  std::shared_ptr<web::Upload> part_;
  std::size_t parts_;  // that there are
  std::uint64_t part_bytes_ = 0;
  Clock::time_point part_begun_;
};

[[nodiscard]] Error no_such_upload();
[[nodiscard]] Error overtaken();
[[nodiscard]] Error too_many_parts();

}  // namespace chisme::node
