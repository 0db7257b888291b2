#include <algorithm>
#include <asio/co_spawn.hpp>
#include <asio/redirect_error.hpp>
#include <asio/steady_timer.hpp>
#include <asio/use_awaitable.hpp>
#include <utility>

#include "node/failpoint.hpp"
#include "node/http/await.hpp"
#include "node/http/internal_files.hpp"
#include "node/http/resumable_uploads.hpp"
#include "node/keeping.hpp"

// The file that an upload becomes.
namespace chisme::node {
namespace {

constexpr std::size_t copy_bytes = 256u << 10;
// How long the node that took the last bytes is given to make the file while it seems to live: it
// may have been started anew since. The bytes are copied at this rate at least.
constexpr std::chrono::seconds maker_patience{5};
constexpr std::uint64_t slow_bytes_per_second = 10'000'000;
constexpr std::chrono::milliseconds maker_look_period{100};

}  // namespace

asio::awaitable<Result<ResumableUploads::Upload>> ResumableUploads::ask(
    std::string id, std::optional<ByteOffset> shown) {
  return made(std::move(id), ByteCount{shown.value_or(ByteOffset{}).value()}, ask_patience);
}

asio::awaitable<Result<ResumableUploads::Upload>> ResumableUploads::finish(std::string id) {
  return made(std::move(id), ByteCount{}, std::nullopt);
}

void ResumableUploads::see_to_file(std::string id) {
  asio::co_spawn(loop_, finish(std::move(id)), keeping_result(shared_from_this()));
}

asio::awaitable<Result<ResumableUploads::Upload>> ResumableUploads::made(
    std::string id, ByteCount shown, std::optional<Clock::duration> patience) {
  auto upload = co_await find_with(id, shown);
  if (!upload || !upload->waits_for_file()) co_return upload;
  std::shared_ptr<Making> making = making_[id];
  if (!making) {
    making_[id] = making = std::make_shared<Making>();
    asio::co_spawn(loop_, make(*upload, making), keeping(shared_from_this()));
  }
  co_await await_file(making, patience);
  if (making->result && !*making->result) co_return tl::unexpected(making->result->error());
  upload->progress.done = making->result.has_value();
  bool const can_wait = upload->about.concat == web::tus::Concat::final;  // it has no offset yet
  if (upload->progress.done || can_wait) co_return upload;
  co_return fail(Fault::busy, "the upload is complete, and its file is being made; ask again");
}

asio::awaitable<void> ResumableUploads::await_file(std::shared_ptr<Making> making,
                                                   std::optional<Clock::duration> patience) {
  if (making->result) co_return;
  auto const timer = std::make_shared<asio::steady_timer>(loop_, Clock::time_point::max());
  if (patience) timer->expires_after(*patience);
  making->waiting.push_back(timer);
  asio::error_code ignored;
  auto token = asio::redirect_error(asio::use_awaitable, ignored);
  co_await timer->async_wait(token);
}

asio::awaitable<void> ResumableUploads::make(Upload upload, std::shared_ptr<Making> making) {
  making->result = co_await make_file(upload);
  making_.erase(upload.id);
  for (auto const& timer : making->waiting) timer->cancel();
}

// Who took the bytes that completed the upload makes the file, as long as it lives; then whoever is
// asked.
asio::awaitable<bool> ResumableUploads::others_made_it(Upload upload, std::string version) {
  std::uint64_t const bytes = upload.length().value_or(ByteCount{}).value();
  auto const until =
      Clock::now() + maker_patience + std::chrono::seconds{bytes / slow_bytes_per_second};
  asio::steady_timer pause(loop_);
  asio::error_code ignored;
  auto token = asio::redirect_error(asio::use_awaitable, ignored);
  while (is_written_elsewhere(version) && Clock::now() < until) {
    if (is_known_as_done(upload.id)) break;
    pause.expires_after(maker_look_period);
    co_await pause.async_wait(token);
  }
  co_return is_known_as_done(upload.id);
}

// Until it comes, or the file is there; then it may be null.
asio::awaitable<std::unique_ptr<Assemblies::Turn>> ResumableUploads::turn_to_make(std::string id) {
  asio::steady_timer pause(loop_);
  asio::error_code ignored;
  auto token = asio::redirect_error(asio::use_awaitable, ignored);
  auto turn = limits_.assemblies->begin(id);
  while (!turn && !is_known_as_done(id)) {
    pause.expires_after(maker_look_period);
    co_await pause.async_wait(token);
    turn = limits_.assemblies->begin(id);
  }
  co_return turn;
}

asio::awaitable<Result<void>> ResumableUploads::make_file(Upload upload) {
  std::string const version = web::tus::file_version(upload.about_version, upload.progress);
  bool const is_there = co_await others_made_it(upload, version);
  if (is_there) co_return Result<void>{};
  auto const turn = co_await turn_to_make(upload.id);
  if (is_known_as_done(upload.id)) co_return Result<void>{};
  web::UploadRequest request{upload.about.name, upload.about.type, upload.length(), {}, {}};
  request.version = version;
  request.ttl = upload.about.ttl;
  auto const stored = co_await store(upload, std::move(request));
  // A newer version means that the name was written or removed after the upload was complete.
  if (stored || stored.error().fault == Fault::precondition_failed) co_return Result<void>{};
  std::vector<std::string> names{web::tus::done_name(upload.id)};
  auto const done = co_await newest_of(std::move(names));
  if (done && done->front()) co_return Result<void>{};  // so the parts may be gone
  co_return tl::unexpected(stored.error());
}

// A request stores its own file: what it has to say of it counts.
asio::awaitable<Result<web::StoredFile>> ResumableUploads::store_live(std::string id,
                                                                      web::UploadRequest request) {
  auto const upload = co_await find(id);
  if (!upload) co_return tl::unexpected(upload.error());
  request.size = upload->offset();
  auto const turn = co_await turn_to_make(id);
  co_return co_await store(*upload, std::move(request));
}

bool ResumableUploads::is_known_as_done(std::string const& id) const {
  auto const status = gateway_.lookup(web::tus::done_name(id)).status;
  return status == web::LookupStatus::found || status == web::LookupStatus::lost;
}

// By a node that lives.
bool ResumableUploads::is_written_elsewhere(std::string_view version) const {
  web::ClusterStatus const cluster = gateway_.cluster();
  return std::ranges::any_of(cluster.members, [&](web::MemberStatus const& member) {
    bool const lives = member.state == "alive" || member.state == "suspect";
    return lives && !member.self && version.ends_with("-" + member.node);
  });
}

asio::awaitable<Result<std::vector<web::tus::Piece>>> ResumableUploads::pieces_of(Upload upload) {
  if (upload.about.concat != web::tus::Concat::final) {
    co_return web::tus::pieces(upload.progress.parts);
  }
  std::vector<web::tus::Piece> all;
  for (std::string const& id : upload.about.partials) {
    auto const partial = co_await find(id);
    if (!partial) co_return tl::unexpected(partial.error());
    std::ranges::move(web::tus::pieces(partial->progress.parts), std::back_inserter(all));
  }
  co_return all;
}

asio::awaitable<Result<void>> ResumableUploads::copy(web::tus::Piece piece,
                                                     std::shared_ptr<web::Upload> into,
                                                     std::shared_ptr<Checksum> sum) {
  std::vector<std::byte> buffer(std::min<std::uint64_t>(copy_bytes, piece.size.value()));
  std::shared_ptr<web::RemoteRead> const source =
      gateway_.relay(piece.file, piece.from, piece.size);
  for (std::uint64_t left = piece.size.value(); left > 0;) {
    std::span<std::byte> const room{buffer};
    auto read = [&](web::Done<std::size_t> done) { source->read(room, std::move(done)); };
    auto const count = co_await await_done<std::size_t>(loop_, read);
    if (!count) co_return tl::unexpected(count.error());
    if (*count == 0) co_return fail(Fault::corrupt, "a part of an upload is cut short");
    std::span<std::byte const> const bytes = room.first(*count);
    auto write = [&](web::Done<void> done) { into->write(bytes, std::move(done)); };
    auto const written = co_await await_done<void>(loop_, write);
    if (!written) co_return written;
    if (sum) sum->update(bytes);
    left -= *count;
  }
  co_return Result<void>{};
}

// The file is stored, or was overtaken: either way the parts are needed no longer, once who reads
// them has been told which object to go on with.
asio::awaitable<Result<web::StoredFile>> ResumableUploads::store(Upload upload,
                                                                 web::UploadRequest request) {
  auto const pieces = co_await pieces_of(upload);
  if (!pieces) co_return tl::unexpected(pieces.error());
  ByteCount size;
  for (web::tus::Piece const& piece : *pieces) size += piece.size;
  if (size != request.size) {
    co_return fail(Fault::unavailable, "this node has not heard of all parts of the upload yet");
  }
  bool const may_be_overtaken = request.version.has_value();
  auto const into = co_await begin_upload(loop_, gateway_, std::move(request));
  if (!into) co_return tl::unexpected(into.error());
  auto const sum = upload.about.live ? std::make_shared<Checksum>("sha256") : nullptr;
  for (web::tus::Piece const& piece : *pieces) {
    auto const copied = co_await copy(piece, *into, sum);
    if (!copied) co_return tl::unexpected(copied.error());
  }
  FAILPOINT("resumable.assembled");
  std::vector<std::string> names{web::tus::about_name(upload.id)};
  auto const about = co_await newest_of(std::move(names));
  if (!about) co_return tl::unexpected(about.error());
  if (!about->front()) co_return tl::unexpected(no_such_upload());
  auto finish = [&](web::Done<web::StoredFile> done) { (*into)->finish(std::move(done)); };
  auto const stored = co_await await_done<web::StoredFile>(loop_, finish);
  bool const is_overtaken =
      may_be_overtaken && !stored && stored.error().fault == Fault::precondition_failed;
  if (!stored && !is_overtaken) co_return stored;
  FAILPOINT("resumable.stored");
  auto const marked = co_await mark_done(upload, sum, size);
  if (!marked) co_return tl::unexpected(marked.error());
  co_return stored;
}

asio::awaitable<Result<void>> ResumableUploads::mark_done(Upload upload,
                                                          std::shared_ptr<Checksum> sum,
                                                          ByteCount size) {
  std::string text;
  if (sum) {
    web::tus::Done done{{}, size};
    std::string const digest = sum->finish();
    std::copy_n(digest.begin(), done.digest.bytes.size(), done.digest.bytes.begin());
    text = web::tus::to_text(done);
  }
  auto mark = internal_file(web::tus::done_name(upload.id), {});
  auto const marked = co_await put_small(loop_, gateway_, std::move(mark), std::move(text));
  if (!marked) co_return tl::unexpected(marked.error());
  FAILPOINT("resumable.done");
  std::vector<std::string> names;
  if (upload.about.live) names.push_back(web::tus::live_name(upload.about.name, upload.id));
  for (web::tus::Part const& part : upload.progress.parts) names.push_back(part.file.name);
  forget(std::move(names));
  co_return Result<void>{};
}

}  // namespace chisme::node
