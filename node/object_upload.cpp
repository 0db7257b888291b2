#include "node/object_upload.hpp"

#include <unistd.h>

#include <algorithm>
#include <asio/awaitable.hpp>
#include <asio/co_spawn.hpp>
#include <asio/detached.hpp>
#include <asio/post.hpp>
#include <asio/redirect_error.hpp>
#include <asio/steady_timer.hpp>
#include <asio/use_awaitable.hpp>
#include <cerrno>
#include <string>
#include <utility>
#include <vector>

#include "cluster/placement/rendezvous.hpp"
#include "node/ask_core.hpp"
#include "node/core_driver.hpp"
#include "node/failpoint.hpp"
#include "node/log.hpp"
#include "node/on_disk.hpp"
#include "node/peer/push.hpp"
#include "node/storage/disk_pool.hpp"
#include "node/storage/fence.hpp"
#include "node/storage/object_store.hpp"
#include "node/view_queries.hpp"

namespace chisme::node {
namespace {

constexpr std::size_t push_queue_bytes = 1u << 20;
// How often the members' states are looked at while pushes are waited for.
constexpr Duration look_period = std::chrono::milliseconds{200};
// A node may need this long to sync what it was pushed: a slow disk's 20 MB/s, and ten seconds.
constexpr std::uint64_t slow_disk_bytes_per_second = 20'000'000;
constexpr std::chrono::seconds answer_time{10};
// How many more nodes are given the bytes when holders refuse the record: each costs a transfer,
// and where this node's own clock is wrong all refuse.
constexpr unsigned further_holders_max = 2;

using Chunk = PushConnection::Chunk;
using Chunks = std::vector<Chunk>;

// One other node that is being given the bytes.
struct Target {
  NodeId node;
  std::unique_ptr<PushConnection> push;
};

Chunks copy_in_chunks(std::span<std::byte const> bytes) {
  Chunks chunks;
  while (!bytes.empty()) {
    auto const part = bytes.first(std::min(bytes.size(), push_chunk_bytes_max));
    chunks.push_back(std::make_shared<std::vector<std::byte> const>(part.begin(), part.end()));
    bytes = bytes.subspan(part.size());
  }
  return chunks;
}

Result<void> append_all(StagingFile& staged, Chunks const& chunks) {
  for (Chunk const& chunk : chunks) {
    if (auto appended = staged.append(*chunk); !appended) return appended;
  }
  return {};
}

Result<Chunk> read_chunk(ObjectFile const& file, std::uint64_t offset) {
  std::vector<std::byte> bytes(
      std::min<std::uint64_t>(push_chunk_bytes_max, file.size().value() - offset));
  ssize_t const got =
      ::pread(file.descriptor(), bytes.data(), bytes.size(), static_cast<off_t>(offset));
  if (got < 0) return tl::unexpected(system_failure(errno, "reading a copy to push it"));
  if (got == 0) return fail(Fault::corrupt, "a copy is shorter than it was");
  bytes.resize(static_cast<std::size_t>(got));
  return std::make_shared<std::vector<std::byte> const>(std::move(bytes));
}

std::string quorum_sentence(std::size_t have, std::size_t need) {
  return "only " + std::to_string(have) + " of the " + std::to_string(need) +
         " nodes that must store a file are in reach";
}

}  // namespace

struct ObjectUpload::State : std::enable_shared_from_this<ObjectUpload::State> {
  State(asio::io_context& its_loop, NodeParts const& its_parts, web::UploadRequest its_request)
      : loop{its_loop},
        parts{its_parts},
        request{std::move(its_request)},
        lane{std::make_shared<DiskPool::Lane>(its_parts.disk)},
        wake{loop} {}

  Result<void> choose_targets();
  void push_to(NodeId node, Endpoint peer, std::optional<ByteCount> announced);
  std::vector<NodeId> other_nodes() const;
  void write(std::span<std::byte const> bytes, web::Done<void> done);
  void taken(Result<void> const& appended);
  void advance();
  void drop_failed();
  void drop_dead();
  asio::awaitable<Result<web::StoredFile>> finish();
  asio::awaitable<Result<StoredObject>> commit();
  asio::awaitable<void> await_pushes();
  asio::awaitable<Result<void>> replace_failed(StoredObject object, std::size_t wanted);
  asio::awaitable<Result<cluster::WriteOutcome>> record(StoredObject object);
  asio::awaitable<void> push_copy(std::shared_ptr<ObjectFile const> file, Digest digest);
  std::vector<NodeId> durable() const;

  asio::io_context& loop;
  NodeParts const& parts;
  web::UploadRequest request;
  std::shared_ptr<DiskPool::Lane> lane;
  std::shared_ptr<StagingFile> staged;
  asio::steady_timer wake;
  std::vector<Target> targets;
  std::vector<NodeId> tried;  // this node included
  ByteCount received;
  web::Done<void> write_done;  // of the write that is pending
  std::optional<Result<void>> append_result;
  bool ended = false;  // the upload was destroyed: nobody waits any more
};

// ---- Beginning ---------------------------------------------------------------------------------

void ObjectUpload::begin(asio::io_context& loop, NodeParts const& parts, web::UploadRequest request,
                         web::Done<std::unique_ptr<web::Upload>> done) {
  if (request.size && *request.size > parts.max_file_size) {
    return done(fail(Fault::too_large, "the file is larger than this cluster takes"));
  }
  if (auto const open = parts.fence.check(); !open) return done(tl::unexpected(open.error()));
  auto const state = std::make_shared<State>(loop, parts, std::move(request));
  if (auto const chosen = state->choose_targets(); !chosen) {
    return done(tl::unexpected(chosen.error()));
  }
  auto const run = [](std::shared_ptr<State> opening,
                      web::Done<std::unique_ptr<web::Upload>> tell) -> asio::awaitable<void> {
    std::unique_ptr<ObjectUpload> upload{new ObjectUpload{opening}};
    auto const stage = [objects = &opening->parts.objects, size = opening->request.size] {
      return objects->stage(size);
    };
    auto opened = co_await on_disk(opening->lane, stage);
    if (!opened) {
      tell(tl::unexpected(opened.error()));
      co_return;
    }
    opening->staged = std::make_shared<StagingFile>(std::move(*opened));
    FAILPOINT("upload.begun");
    tell(std::move(upload));
  };
  asio::co_spawn(loop, run(state, std::move(done)), asio::detached);
}

ObjectUpload::ObjectUpload(std::shared_ptr<State> state) : state_{std::move(state)} {
  ++state_->parts.counters.uploads;
}

ObjectUpload::~ObjectUpload() {
  state_->ended = true;
  state_->write_done = nullptr;
  state_->targets.clear();
  state_->wake.cancel();
}

std::vector<NodeId> ObjectUpload::State::other_nodes() const {
  auto const view = parts.core.view();
  return cluster::place(cluster::placement_key(request.name), view->members, view->members.size(),
                        tried);
}

Result<void> ObjectUpload::State::choose_targets() {
  auto const view = parts.core.view();
  tried.push_back(parts.self);
  cluster::MemberView const* const self = member_of(*view, parts.self);
  if (self != nullptr && self->alive.draining) {
    return fail(Fault::unavailable, "this node is leaving the cluster; ask another one");
  }
  std::size_t const needed = view->copies_durable;
  auto const others = other_nodes();
  if (others.size() + 1 < needed) {
    return fail(Fault::no_quorum, quorum_sentence(others.size() + 1, needed));
  }
  for (std::size_t i = 0; i + 1 < needed; ++i) {
    push_to(others[i], member_of(*view, others[i])->alive.peer, request.size);
  }
  return {};
}

void ObjectUpload::State::push_to(NodeId node, Endpoint peer, std::optional<ByteCount> announced) {
  auto const on_change = [weak = weak_from_this()] {
    if (auto const self = weak.lock()) self->advance();
  };
  PushConnection::Limits limits;
  std::uint64_t const bytes = announced ? announced->value() : received.value();
  limits.answer_timeout = answer_time + std::chrono::seconds{bytes / slow_disk_bytes_per_second};
  tried.push_back(node);
  targets.push_back({node, std::make_unique<PushConnection>(
                               loop, parts.self, peer, PushBegin{announced}, on_change, limits)});
}

// ---- Receiving ---------------------------------------------------------------------------------

void ObjectUpload::write(std::span<std::byte const> bytes, web::Done<void> done) {
  state_->write(bytes, std::move(done));
}

void ObjectUpload::State::write(std::span<std::byte const> bytes, web::Done<void> done) {
  if (bytes.empty()) return done({});
  received += ByteCount{bytes.size()};
  parts.counters.bytes_received += bytes.size();
  if (received > parts.max_file_size) {
    return done(fail(Fault::too_large, "the file is larger than this cluster takes"));
  }
  write_done = std::move(done);
  append_result.reset();
  auto const chunks = copy_in_chunks(bytes);
  for (Target const& target : targets) {
    for (Chunk const& chunk : chunks) target.push->send(chunk);
  }
  // The job has no share in the state, whose sockets belong to the loop's thread.
  bool const posted = lane->post([weak = weak_from_this(), to = staged, chunks, &on = loop] {
    auto appended = append_all(*to, chunks);
    asio::post(on, [weak, appended = std::move(appended)] {
      if (auto const self = weak.lock()) self->taken(appended);
    });
  });
  if (!posted) taken(fail(Fault::busy, "the disk has too much to do"));
}

void ObjectUpload::State::taken(Result<void> const& appended) {
  FAILPOINT("upload.taken");
  append_result = appended;
  advance();
}

// Ends the pending write once everybody kept up; wakes whoever waits for the pushes.
void ObjectUpload::State::advance() {
  wake.cancel();
  drop_failed();
  if (!write_done || !append_result) return;
  bool const kept_up = std::ranges::all_of(targets, [](Target const& target) {
    return target.push->queued_bytes() <= push_queue_bytes;
  });
  if (*append_result && !kept_up) return;
  auto const done = std::exchange(write_done, nullptr);
  done(*append_result);
}

void ObjectUpload::State::drop_failed() {
  std::erase_if(targets, [](Target const& target) {
    if (target.push->state() != PushConnection::State::failed) return false;
    log::info("an upload goes on without node " + chisme::to_string(target.node) + ": " +
              target.push->error().message);
    return true;
  });
}

// A node that the cluster knows to be dead need not be waited for.
void ObjectUpload::State::drop_dead() {
  auto const view = parts.core.view();
  for (Target const& target : targets) {
    cluster::MemberView const* const member = member_of(*view, target.node);
    if (member != nullptr && is_live(*member)) continue;
    target.push->abandon(Error{Fault::unavailable, "it is dead"});
  }
  drop_failed();
}

// ---- Finishing ---------------------------------------------------------------------------------

void ObjectUpload::finish(web::Done<web::StoredFile> done) {
  auto const run = [](std::shared_ptr<State> state,
                      web::Done<web::StoredFile> tell) -> asio::awaitable<void> {
    auto const stored = co_await state->finish();
    if (!stored) ++state->parts.counters.uploads_failed;
    if (!state->ended) tell(stored);
    FAILPOINT("upload.answered");
  };
  asio::co_spawn(state_->loop, run(state_, std::move(done)), asio::detached);
}

asio::awaitable<Result<web::StoredFile>> ObjectUpload::State::finish() {
  auto const object = co_await commit();
  if (!object) co_return tl::unexpected(object.error());
  co_await await_pushes();
  auto const replaced = co_await replace_failed(*object, parts.core.view()->copies_durable);
  if (!replaced) co_return tl::unexpected(replaced.error());
  if (ended) co_return fail(Fault::cancelled, "the client went away");
  FAILPOINT("upload.durable");
  auto const outcome = co_await record(*object);
  if (!outcome) co_return tl::unexpected(outcome.error());
  FAILPOINT("upload.recorded");
  web::StoredFile stored{.name = request.name,
                         .version = to_string(outcome->version),
                         .size = object->size,
                         .digest = object->digest,
                         .copies = {},
                         .wanted = parts.core.view()->copies_wanted,
                         .created = outcome->created};
  for (NodeId const node : outcome->copies) stored.copies.push_back(chisme::to_string(node));
  co_return stored;
}

// A holder may refuse the record although it has the bytes, as one whose clock is far behind does:
// then others are tried.
asio::awaitable<Result<cluster::WriteOutcome>> ObjectUpload::State::record(StoredObject object) {
  for (unsigned further = 0;; ++further) {
    cluster::WriteRequested write;
    write.name = request.name;
    write.what = cluster::StoreFile{object.digest, object.size, request.type};
    write.stored_on = durable();
    std::size_t const wanted = write.stored_on.size() + 1;
    write.condition = {request.condition.must_be_absent, request.condition.must_exist,
                       request.condition.must_match, request.condition.must_not_match};
    auto const outcome = co_await ask_core(&parts.core, std::move(write));
    bool const refused = !outcome && outcome.error().fault == Fault::no_quorum;
    if (!refused || further == further_holders_max) co_return outcome;
    auto const added = co_await replace_failed(object, wanted);
    if (!added) co_return outcome;
  }
}

// Makes the local copy durable while the other nodes do the same with theirs.
asio::awaitable<Result<StoredObject>> ObjectUpload::State::commit() {
  auto const summing = [to = staged]() -> Result<Digest> { return to->digest(); };
  auto const digest = co_await on_disk(lane, summing);
  if (!digest) co_return tl::unexpected(digest.error());
  if (request.expected && *request.expected != *digest) {
    co_return fail(Fault::digest_mismatch,
                   "the bytes have the SHA-256 " + to_hex(*digest) + ", not the announced one");
  }
  if (ended) co_return fail(Fault::cancelled, "the client went away");
  FAILPOINT("upload.hashed");
  for (Target const& target : targets) target.push->end(PushEnd{*digest, received});
  auto const committing = [objects = &parts.objects, to = staged, expected = *digest] {
    return objects->commit(std::move(*to), expected);
  };
  auto const object = co_await on_disk(lane, committing);
  FAILPOINT("upload.committed");
  if (object) parts.core.post(cluster::ObjectStored{object->digest, object->size});
  co_return object;
}

asio::awaitable<void> ObjectUpload::State::await_pushes() {
  asio::error_code ignored;
  auto token = asio::redirect_error(asio::use_awaitable, ignored);
  auto const sending = [](Target const& target) {
    return target.push->state() == PushConnection::State::sending;
  };
  for (;;) {
    drop_dead();
    if (std::ranges::none_of(targets, sending)) co_return;
    wake.expires_after(look_period);
    co_await wake.async_wait(token);
  }
}

// Gives the whole object to further nodes, in placement order, until `wanted` have it.
asio::awaitable<Result<void>> ObjectUpload::State::replace_failed(StoredObject object,
                                                                  std::size_t wanted) {
  for (;;) {
    if (ended) co_return fail(Fault::cancelled, "the client went away");
    auto const view = parts.core.view();
    std::size_t const have = durable().size();
    if (have >= wanted) co_return Result<void>{};
    auto const others = other_nodes();
    if (others.empty()) co_return fail(Fault::no_quorum, quorum_sentence(have, wanted));
    auto const opened = parts.objects.open_object(object.digest);
    if (!opened) co_return fail(Fault::unavailable, "this node's own copy is gone; send it again");
    auto const file = *opened;
    FAILPOINT("upload.replacing");
    push_to(others.front(), member_of(*view, others.front())->alive.peer, object.size);
    co_await push_copy(file, object.digest);
    co_await await_pushes();
  }
}

// Feeds the newest push from the local copy. If that fails it is given up.
asio::awaitable<void> ObjectUpload::State::push_copy(std::shared_ptr<ObjectFile const> file,
                                                     Digest digest) {
  asio::error_code ignored;
  auto token = asio::redirect_error(asio::use_awaitable, ignored);
  NodeId const node = targets.back().node;
  auto const push = [&]() -> PushConnection* {
    return !targets.empty() && targets.back().node == node ? targets.back().push.get() : nullptr;
  };
  std::uint64_t offset = 0;
  while (push() != nullptr && offset < file->size().value()) {
    auto const job = [file, offset] { return read_chunk(*file, offset); };
    auto const chunk = co_await on_disk(&parts.disk, job);
    if (push() == nullptr) co_return;
    if (!chunk) co_return push()->abandon(chunk.error());
    offset += (*chunk)->size();
    push()->send(*chunk);
    while (push() != nullptr && push()->queued_bytes() > push_queue_bytes) {
      wake.expires_after(look_period);
      co_await wake.async_wait(token);
      drop_dead();
    }
  }
  if (push() != nullptr) push()->end(PushEnd{digest, file->size()});
}

std::vector<NodeId> ObjectUpload::State::durable() const {
  std::vector<NodeId> nodes{parts.self};
  for (Target const& target : targets) {
    if (target.push->state() == PushConnection::State::stored) nodes.push_back(target.node);
  }
  return nodes;
}

}  // namespace chisme::node
