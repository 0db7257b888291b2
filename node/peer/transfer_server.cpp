#include "node/peer/transfer_server.hpp"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <asio/co_spawn.hpp>
#include <asio/post.hpp>
#include <optional>
#include <vector>

#include "node/failpoint.hpp"
#include "node/keeping.hpp"
#include "node/on_disk.hpp"
#include "node/peer/socket.hpp"

namespace chisme::node {
namespace {

constexpr std::size_t push_buffer_bytes = 256u << 10;
constexpr ByteCount verified_at_once{4u << 20};
constexpr Duration closing_time = std::chrono::seconds{2};

// The object that a pulling connection asked for last: it mostly asks for its next range.
struct Opened {
  Digest digest;
  std::shared_ptr<ObjectFile const> file;
};

}  // namespace

struct TransferServer::State : std::enable_shared_from_this<TransferServer::State> {
  State(asio::io_context& its_loop, Host its_host, TransferServerLimits its_limits)
      : loop{its_loop}, host{std::move(its_host)}, limits{its_limits} {}

  void begin(TransferConnection connection);
  asio::awaitable<void> serve(std::shared_ptr<PeerSocket> socket, StreamKind kind);
  asio::awaitable<void> serve_pulls(std::shared_ptr<PeerSocket> socket);
  asio::awaitable<bool> answer_pull(std::shared_ptr<PeerSocket> socket, PullRequest request,
                                    std::shared_ptr<Opened> opened);
  asio::awaitable<Result<void>> open(Digest digest, std::shared_ptr<Opened> opened);
  asio::awaitable<Result<void>> verify(std::shared_ptr<ObjectFile const> file, ByteOffset offset,
                                       ByteCount length);
  asio::awaitable<Result<void>> send(std::shared_ptr<PeerSocket> socket,
                                     std::shared_ptr<ObjectFile const> file, ByteOffset offset,
                                     ByteCount length);
  asio::awaitable<void> serve_push(std::shared_ptr<PeerSocket> socket);
  asio::awaitable<Result<StoredObject>> receive_push(std::shared_ptr<PeerSocket> socket);
  asio::awaitable<void> tell_stored(StoredObject object);
  asio::awaitable<Result<PushEnd>> receive_chunks(std::shared_ptr<PeerSocket> socket,
                                                  std::shared_ptr<StagingFile> staged,
                                                  std::shared_ptr<DiskPool::Lane> lane);

  asio::io_context& loop;
  Host host;
  TransferServerLimits limits;
  std::size_t connections = 0;
};

TransferServer::TransferServer(asio::io_context& loop, Host host, TransferServerLimits limits)
    : state_{std::make_shared<State>(loop, std::move(host), limits)} {}

TransferServer::~TransferServer() = default;

void TransferServer::adopt(TransferConnection connection) {
  asio::post(state_->loop,
             [state = state_, connection = std::move(connection)] { state->begin(connection); });
}

void TransferServer::State::begin(TransferConnection connection) {
  asio::error_code error;
  asio::ip::tcp::socket socket{loop};
  if (connections < limits.connections_max) {
    socket.assign(connection.protocol, connection.descriptor, error);
  }
  if (error || !socket.is_open()) {
    ::close(connection.descriptor);
    return;
  }
  auto const taken = std::make_shared<PeerSocket>(std::move(socket), std::move(connection.session));
  asio::co_spawn(loop, serve(taken, connection.kind), keeping(shared_from_this()));
}

asio::awaitable<void> TransferServer::State::serve(std::shared_ptr<PeerSocket> socket,
                                                   StreamKind kind) {
  auto const keep = shared_from_this();
  ++connections;
  if (kind == StreamKind::pull) {
    co_await serve_pulls(socket);
  } else {
    co_await serve_push(socket);
  }
  socket->close();
  --connections;
}

// ---- Pull --------------------------------------------------------------------------------------

asio::awaitable<void> TransferServer::State::serve_pulls(std::shared_ptr<PeerSocket> socket) {
  auto const opened = std::make_shared<Opened>();
  std::array<std::byte, pull_request_bytes> bytes;
  std::span<std::byte> const into{bytes};
  for (;;) {
    auto const read = co_await socket->read(into, limits.idle_timeout);
    if (!read) co_return;
    PullRequest const request = parse_pull_request(bytes);
    bool const answered = co_await answer_pull(socket, request, opened);
    if (!answered) co_return;
  }
}

asio::awaitable<bool> TransferServer::State::answer_pull(std::shared_ptr<PeerSocket> socket,
                                                         PullRequest request,
                                                         std::shared_ptr<Opened> opened) {
  auto const found = co_await open(request.digest, opened);
  PullAnswer answer;
  if (!found) {
    answer.fault = found.error().fault;
    if (found.error().fault == Fault::corrupt) host.on_corrupt(request.digest);
  } else if (request.offset.value() > opened->file->size().value()) {
    answer.fault = Fault::invalid;
  } else {
    answer.size = opened->file->size();
    ByteCount const rest = answer.size - ByteCount{request.offset.value()};
    answer.length = std::min(request.length, rest);
    auto const right = co_await verify(opened->file, request.offset, answer.length);
    if (!right) answer = {right.error().fault, {}, {}};
    if (!right && right.error().fault == Fault::corrupt) host.on_corrupt(request.digest);
  }
  auto const head = encode(answer);
  std::span<std::byte const> const head_bytes{head};
  std::span<std::byte const> const nothing;
  auto const written = co_await socket->write(head_bytes, nothing, limits.progress_timeout);
  if (!written) co_return false;
  FAILPOINT("pulled.begun");
  if (answer.length.value() == 0) co_return true;
  auto const file = opened->file;
  auto const sent = co_await send(socket, file, request.offset, answer.length);
  if (!sent && sent.error().fault == Fault::corrupt) host.on_corrupt(request.digest);
  FAILPOINT("pulled.sent");
  if (sent) host.on_sent(answer.length);
  co_return sent.has_value();
}

// The first of so many bytes, which must not leave if they rotted.
asio::awaitable<Result<void>> TransferServer::State::verify(std::shared_ptr<ObjectFile const> file,
                                                            ByteOffset offset, ByteCount length) {
  ByteCount const first = std::min(length, verified_at_once);
  if (file->is_trusted(offset, first)) co_return Result<void>{};
  auto const job = [file, offset, first] { return file->verify(offset, first); };
  co_return co_await on_disk(&host.disk, job);
}

asio::awaitable<Result<void>> TransferServer::State::send(std::shared_ptr<PeerSocket> socket,
                                                          std::shared_ptr<ObjectFile const> file,
                                                          ByteOffset offset, ByteCount length) {
  while (length.value() > 0) {
    auto const right = co_await verify(file, offset, length);
    if (!right) co_return right;
    ByteCount const step = std::min(length, verified_at_once);
    auto const sent =
        co_await socket->send_file(file->descriptor(), offset, step, limits.progress_timeout);
    if (!sent) co_return sent;
    offset = offset + step;
    length -= step;
  }
  co_return Result<void>{};
}

asio::awaitable<Result<void>> TransferServer::State::open(Digest digest,
                                                          std::shared_ptr<Opened> opened) {
  if (opened->file && opened->digest == digest) co_return Result<void>{};
  auto const job = [objects = &host.objects, digest] { return objects->open_object(digest); };
  auto file = co_await on_disk(&host.disk, job);
  if (!file) co_return tl::unexpected(file.error());
  opened->digest = digest;
  opened->file = std::move(*file);
  co_return Result<void>{};
}

// ---- Push --------------------------------------------------------------------------------------

asio::awaitable<void> TransferServer::State::serve_push(std::shared_ptr<PeerSocket> socket) {
  auto const stored = co_await receive_push(socket);
  PushAnswer answer;
  if (stored) {
    FAILPOINT("pushed.committed");
    co_await tell_stored(*stored);
    FAILPOINT("pushed.told");
  } else {
    answer.fault = stored.error().fault;
  }
  auto const bytes = encode(answer);
  std::span<std::byte const> const head{bytes};
  std::span<std::byte const> const nothing;
  auto const written = co_await socket->write(head, nothing, limits.progress_timeout);
  FAILPOINT("pushed.answered");
  if (written) co_await socket->close_gently(closing_time);
}

// Continues, on this loop, when the host knows of the object.
asio::awaitable<void> TransferServer::State::tell_stored(StoredObject object) {
  auto const initiate = [this, object](auto&& handler) {
    using Handler = std::decay_t<decltype(handler)>;
    auto const waiting = std::make_shared<Handler>(std::forward<decltype(handler)>(handler));
    host.on_stored(object, [waiting, &on = loop] {
      asio::post(on, [waiting] {
        Handler resumed = std::move(*waiting);
        resumed();
      });
    });
  };
  co_await asio::async_initiate<asio::use_awaitable_t<> const, void()>(initiate,
                                                                       asio::use_awaitable);
}

asio::awaitable<Result<StoredObject>> TransferServer::State::receive_push(
    std::shared_ptr<PeerSocket> socket) {
  std::array<std::byte, push_begin_bytes> bytes;
  std::span<std::byte> const into{bytes};
  auto const read = co_await socket->read(into, limits.progress_timeout);
  if (!read) co_return tl::unexpected(read.error());
  auto const begin = parse_push_begin(bytes);
  if (!begin) co_return fail(Fault::invalid, "a push begins with bytes that are none");

  auto const lane = std::make_shared<DiskPool::Lane>(host.disk);
  auto const stage = [objects = &host.objects, size = begin->size] { return objects->stage(size); };
  auto opened = co_await on_disk(lane, stage);
  if (!opened) co_return tl::unexpected(opened.error());
  auto const staged = std::make_shared<StagingFile>(std::move(*opened));
  FAILPOINT("pushed.begun");
  auto const end = co_await receive_chunks(socket, staged, lane);
  if (!end) co_return tl::unexpected(end.error());
  FAILPOINT("pushed.received");
  auto const commit = [objects = &host.objects, staged, end = *end]() -> Result<StoredObject> {
    if (staged->size() != end.size) {
      return fail(Fault::incomplete, "a push had another size than its end said");
    }
    return objects->commit(std::move(*staged), end.digest);
  };
  co_return co_await on_disk(lane, commit);
}

// Appends what arrives; nothing more is read until the disk took it.
asio::awaitable<Result<PushEnd>> TransferServer::State::receive_chunks(
    std::shared_ptr<PeerSocket> socket, std::shared_ptr<StagingFile> staged,
    std::shared_ptr<DiskPool::Lane> lane) {
  auto const buffer = std::make_shared<std::vector<std::byte>>(push_buffer_bytes);
  std::span<std::byte> const into{*buffer};
  PushParser parser;
  for (;;) {
    // A client may be slow for long: the pushing node, which sees it, decides when that is enough.
    auto const count = co_await socket->read_some(into, limits.idle_timeout);
    if (!count) co_return tl::unexpected(count.error());
    std::span<std::byte const> rest = into.first(*count);
    while (!rest.empty()) {
      auto const progress = parser.feed(rest);
      rest = rest.subspan(progress.consumed);
      if (progress.state == PushParser::State::end) co_return progress.end;
      if (progress.state == PushParser::State::bad) {
        co_return fail(Fault::invalid, "a pushed chunk is too long");
      }
      if (progress.state == PushParser::State::more) continue;
      auto const append = [staged, buffer, data = progress.data] { return staged->append(data); };
      auto const appended = co_await on_disk(lane, append);
      if (!appended) co_return tl::unexpected(appended.error());
    }
  }
}

}  // namespace chisme::node
