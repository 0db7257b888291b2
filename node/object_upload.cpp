#include "node/object_upload.hpp"

#include <algorithm>
#include <asio/awaitable.hpp>
#include <asio/co_spawn.hpp>
#include <asio/detached.hpp>
#include <asio/post.hpp>
#include <asio/redirect_error.hpp>
#include <asio/steady_timer.hpp>
#include <asio/use_awaitable.hpp>
#include <string>
#include <utility>
#include <vector>

#include "cluster/placement/rendezvous.hpp"
#include "node/ask_core.hpp"
#include "node/clock.hpp"
#include "node/core_driver.hpp"
#include "node/failpoint.hpp"
#include "node/keeping.hpp"
#include "node/log.hpp"
#include "node/on_disk.hpp"
#include "node/peer/narrow_paths.hpp"
#include "node/peer/push.hpp"
#include "node/record_type.hpp"
#include "node/storage/disk_pool.hpp"
#include "node/storage/fence.hpp"
#include "node/storage/object_store.hpp"
#include "node/upload_chunks.hpp"
#include "node/view_queries.hpp"

namespace chisme::node {
namespace {

constexpr std::size_t push_queue_bytes = 1u << 20;
// How often the members' states are looked at while pushes are waited for.
constexpr Duration member_look_period = std::chrono::milliseconds{200};
// A node may need this long to sync what it was pushed: a slow disk's 20 MB/s, and ten seconds.
constexpr std::uint64_t slow_disk_bytes_per_second = 20'000'000;
constexpr std::chrono::seconds answer_time{10};
// How many more nodes are given the bytes when holders refuse the record: each costs a transfer,
// and where this node's own clock is wrong all refuse.
constexpr unsigned further_holders_max = 2;
// After this long another node is given the object too: whoever is first counts.
constexpr Duration hedge_time = std::chrono::seconds{2};

// One other node that is being given the bytes: as they come, once it follows; until then it is fed
// from the staging file.
struct Target {
  NodeId node;
  Endpoint peer;
  std::unique_ptr<PushConnection> push;
  std::shared_ptr<asio::steady_timer> room;  // cancelled when there may be more to do
  bool follows = false;
  bool narrow = false;  // the push has short packets, for long ones got lost before
};

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
        wake{loop},
        watch{loop} {}
  // To remove a large file takes long, and so does to close the last descriptor of a removed one.
  ~State() {
    static_cast<void>(lane->post([file = std::move(staged), reader = std::move(bytes)] {}));
  }

  Result<void> choose_targets();
  void push_to(NodeId node, Endpoint peer, bool follows);
  std::vector<NodeId> other_nodes() const;
  Target* target_of(NodeId node);
  void replace_lost();
  asio::awaitable<void> catch_up(NodeId node);
  void write(std::span<std::byte const> run, web::Done<void> done);
  void taken(Result<void> const& result);
  void advance();
  void watch_targets();
  void drop_failed();
  void drop_dead();
  asio::awaitable<Result<web::StoredFile>> finish();
  asio::awaitable<Result<StoredObject>> commit();
  asio::awaitable<Result<void>> await_durable();
  asio::awaitable<Result<cluster::WriteOutcome>> record(StoredObject object);
  std::vector<NodeId> durable() const;
  // How many holders there must be before the record is written.
  std::size_t wanted() const {
    return std::max<std::size_t>(parts.core.view()->copies_durable, holders_min);
  }

  asio::io_context& loop;
  NodeParts const& parts;
  web::UploadRequest request;
  std::shared_ptr<PrefixQuotas::Claim> claim;  // null: it is under no quota of a prefix
  std::shared_ptr<DiskPool::Lane> lane;
  std::shared_ptr<StagingFile> staged;
  std::shared_ptr<Descriptor const> bytes;  // of `staged`
  asio::steady_timer wake;
  asio::steady_timer watch;
  std::vector<Target> targets;
  std::vector<NodeId> tried;  // this node included
  ByteCount received;
  ByteCount appended;          // of these, what can be read from `bytes`
  Chunks arriving;             // the rest
  web::Done<void> write_done;  // of the write that is pending
  std::optional<Result<void>> append_result;
  std::optional<PushEnd> end;  // there are no more bytes
  Instant looked_at = steady_now();
  WallTime stored_at{};  // from when on it is kept for as long as it is to be
  bool watching = false;
  bool hedging = false;
  std::size_t holders_min = 0;  // more than W when some of them refused the record
  bool ended = false;           // the upload was destroyed: nobody waits any more
};

// ---- Beginning ---------------------------------------------------------------------------------

void ObjectUpload::begin(asio::io_context& loop, NodeParts const& parts, web::UploadRequest request,
                         std::shared_ptr<PrefixQuotas::Claim> claim,
                         web::Done<std::unique_ptr<web::Upload>> done) {
  if (request.size && *request.size > parts.max_file_size) {
    return done(fail(Fault::too_large, "the file is larger than this cluster takes"));
  }
  if (auto const type = record_type(request, wall_now()); !type) {
    return done(tl::unexpected(type.error()));
  }
  if (auto const open = parts.fence.check(); !open) return done(tl::unexpected(open.error()));
  auto const state = std::make_shared<State>(loop, parts, std::move(request));
  state->claim = std::move(claim);
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
    auto const reader = opened->reader();
    if (!reader) {
      tell(tl::unexpected(reader.error()));
      co_return;
    }
    opening->bytes = *reader;
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
  for (Target const& target : state_->targets) target.room->cancel();
  state_->targets.clear();
  state_->wake.cancel();
  state_->watch.cancel();
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
    push_to(others[i], member_of(*view, others[i])->alive.peer, true);
  }
  return {};
}

void ObjectUpload::State::push_to(NodeId node, Endpoint peer, bool follows) {
  auto const on_change = [weak = weak_from_this()] {
    if (auto const self = weak.lock()) self->advance();
  };
  PushConnection::Limits limits;
  auto const announced = end ? std::optional{end->size} : request.size;
  std::uint64_t const bytes_known = announced.value_or(received).value();
  limits.answer_timeout =
      answer_time + std::chrono::seconds{bytes_known / slow_disk_bytes_per_second};
  tried.push_back(node);
  Caller const caller{parts.self, parts.narrow_paths, parts.keys};
  bool const narrow = parts.narrow_paths.contains(peer, steady_now());
  targets.push_back({node, peer,
                     std::make_unique<PushConnection>(loop, caller, peer, PushBegin{announced},
                                                      on_change, limits),
                     std::make_shared<asio::steady_timer>(loop), follows, narrow});
}

// ---- Replacing ---------------------------------------------------------------------------------

Target* ObjectUpload::State::target_of(NodeId node) {
  auto const found = std::ranges::find(targets, node, &Target::node);
  return found == targets.end() ? nullptr : &*found;
}

// Gives the bytes to further nodes, in placement order, for those that were left out.
void ObjectUpload::State::replace_lost() {
  if (ended || !bytes) return;
  auto const view = parts.core.view();
  std::size_t const most = wanted() + (hedging ? 1 : 0);
  while (targets.size() + 1 < most) {
    auto const others = other_nodes();
    if (others.empty()) return;
    FAILPOINT("upload.replacing");
    push_to(others.front(), member_of(*view, others.front())->alive.peer, false);
    asio::co_spawn(loop, catch_up(others.front()), keeping(shared_from_this()));
  }
}

// Feeds a push from the staging file until it has all that came before; from then on it follows. If
// that fails it is given up.
asio::awaitable<void> ObjectUpload::State::catch_up(NodeId node) {
  asio::error_code ignored;
  auto token = asio::redirect_error(asio::use_awaitable, ignored);
  std::uint64_t fed = 0;
  while (Target* const target = target_of(node)) {
    if (target->push->queued_bytes() > push_queue_bytes) {
      auto const room = target->room;
      room->expires_after(member_look_period);
      co_await room->async_wait(token);
      continue;
    }
    if (fed == appended.value()) {
      for (Chunk const& chunk : arriving) target->push->send(chunk);
      if (end) target->push->end(*end);
      target->follows = true;
      co_return;
    }
    auto const job = [file = bytes, fed, until = appended.value()] {
      return read_chunk(*file, fed, until);
    };
    auto const chunk = co_await on_disk(&parts.disk, job);
    Target* const still = target_of(node);
    if (still == nullptr) co_return;
    if (!chunk) {
      still->push->abandon(chunk.error());
      co_return advance();
    }
    fed += (*chunk)->size();
    still->push->send(*chunk);
  }
}

// ---- Receiving ---------------------------------------------------------------------------------

void ObjectUpload::write(std::span<std::byte const> bytes, web::Done<void> done) {
  state_->write(bytes, std::move(done));
}

void ObjectUpload::State::write(std::span<std::byte const> run, web::Done<void> done) {
  if (run.empty()) return done({});
  received += ByteCount{run.size()};
  parts.counters.bytes_received += run.size();
  if (received > parts.max_file_size) {
    return done(fail(Fault::too_large, "the file is larger than this cluster takes"));
  }
  if (auto const fits = claim ? claim->grow(received) : Result<void>{}; !fits) return done(fits);
  if (steady_now() - looked_at >= member_look_period) drop_dead();
  write_done = std::move(done);
  append_result.reset();
  auto const chunks = copy_in_chunks(run);
  arriving = chunks;
  for (Target const& target : targets) {
    if (!target.follows) continue;
    for (Chunk const& chunk : chunks) target.push->send(chunk);
  }
  // The job has no share in the state, whose sockets belong to the loop's thread.
  bool const posted = lane->post([weak = weak_from_this(), to = staged, chunks, &on = loop] {
    auto result = append_all(*to, chunks);
    asio::post(on, [weak, result = std::move(result)] {
      if (auto const self = weak.lock()) self->taken(result);
    });
  });
  if (!posted) taken(fail(Fault::busy, "the disk has too much to do"));
}

void ObjectUpload::State::taken(Result<void> const& result) {
  FAILPOINT("upload.taken");
  append_result = result;
  if (result) appended = received;
  arriving.clear();
  advance();
}

// Ends the pending write once everybody kept up; wakes whoever waits for the pushes.
void ObjectUpload::State::advance() {
  wake.cancel();
  for (Target const& target : targets) target.room->cancel();
  drop_failed();
  replace_lost();
  if (!write_done || !append_result) return;
  bool const kept_up = std::ranges::all_of(targets, [](Target const& target) {
    return !target.follows || target.push->queued_bytes() <= push_queue_bytes;
  });
  if (*append_result && !kept_up) return watch_targets();
  auto const done = std::exchange(write_done, nullptr);
  done(*append_result);
}

// While a write is held back: whether those that hold it back are still there.
void ObjectUpload::State::watch_targets() {
  if (std::exchange(watching, true)) return;
  watch.expires_after(member_look_period);
  watch.async_wait([weak = weak_from_this()](asio::error_code const&) {
    auto const self = weak.lock();
    if (!self) return;
    self->watching = false;
    if (self->ended || !self->write_done) return;
    self->drop_dead();
    self->advance();
  });
}

// Whom long packets did not reach may be tried once more, with short ones.
void ObjectUpload::State::drop_failed() {
  std::erase_if(targets, [this](Target const& target) {
    if (target.push->state() != PushConnection::State::failed) return false;
    log::info(LogComponent::cluster, "an upload goes on without node " +
                                         chisme::to_string(target.node) + ": " +
                                         target.push->error().message);
    bool const narrow = parts.narrow_paths.contains(target.peer, steady_now());
    if (narrow && !target.narrow) std::erase(tried, target.node);
    return true;
  });
}

// A node that the cluster knows to be dead need not be waited for.
void ObjectUpload::State::drop_dead() {
  looked_at = steady_now();
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
    auto& counters = state->parts.counters;
    ++(stored ? counters.uploads_acknowledged : counters.uploads_failed);
    if (!state->ended) tell(stored);
    FAILPOINT("upload.answered");
  };
  asio::co_spawn(state_->loop, run(state_, std::move(done)), asio::detached);
}

void ObjectUpload::retype(std::string type) {
  state_->request.type = std::move(type);
}

asio::awaitable<Result<web::StoredFile>> ObjectUpload::State::finish() {
  auto const object = co_await commit();
  if (!object) co_return tl::unexpected(object.error());
  auto const safe = co_await await_durable();
  if (!safe) co_return tl::unexpected(safe.error());
  FAILPOINT("upload.durable");
  // Begun on a full disk, the record would be answered only once there is room again.
  auto const room = parts.objects.check_catalogue_room();
  if (!room) co_return tl::unexpected(room.error());
  auto const outcome = co_await record(*object);
  if (!outcome) co_return tl::unexpected(outcome.error());
  FAILPOINT("upload.recorded");
  if (claim && !request.part_of) claim->stored(object->size);
  web::StoredFile stored{.name = request.name,
                         .version = to_string(outcome->version),
                         .size = object->size,
                         .digest = object->digest,
                         .copies = {},
                         .wanted = parts.core.view()->copies_wanted,
                         .created = outcome->created,
                         .expires = expiry_of(request, stored_at)};
  for (NodeId const node : outcome->copies) stored.copies.push_back(chisme::to_string(node));
  co_return stored;
}

// A holder may refuse the record although it has the bytes, as one whose clock is far behind does:
// then others are tried.
asio::awaitable<Result<cluster::WriteOutcome>> ObjectUpload::State::record(StoredObject object) {
  stored_at = wall_now();
  auto const type = record_type(request, stored_at);
  if (!type) co_return tl::unexpected(type.error());
  for (unsigned further = 0;; ++further) {
    cluster::WriteRequested write;
    write.name = request.name;
    write.what = cluster::StoreFile{object.digest, object.size, *type};
    write.stored_on = durable();
    std::size_t const refusing = write.stored_on.size();
    write.condition = {request.condition.must_be_absent, request.condition.must_exist,
                       request.condition.must_match, request.condition.must_not_match};
    write.newer_than = request.newer_than;
    if (request.version) write.version = parse_version(*request.version);
    auto const outcome = co_await ask_core(&parts.core, std::move(write));
    bool const refused = !outcome && outcome.error().fault == Fault::no_quorum;
    if (!refused || further == further_holders_max) co_return outcome;
    holders_min = refusing + 1;
    auto const added = co_await await_durable();
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
  end = PushEnd{*digest, received};
  for (Target const& target : targets) {
    if (target.follows) target.push->end(*end);
  }
  auto const committing = [objects = &parts.objects, to = staged, expected = *digest] {
    return objects->commit(std::move(*to), expected);
  };
  auto const object = co_await on_disk(lane, committing);
  FAILPOINT("upload.committed");
  if (object) parts.core.post(cluster::ObjectStored{object->digest, object->size});
  co_return object;
}

// Until W nodes have it.
asio::awaitable<Result<void>> ObjectUpload::State::await_durable() {
  asio::error_code ignored;
  auto token = asio::redirect_error(asio::use_awaitable, ignored);
  auto const sending = [](Target const& target) {
    return target.push->state() == PushConnection::State::sending;
  };
  Instant const since = steady_now();
  for (;;) {
    if (ended) co_return fail(Fault::cancelled, "the client went away");
    drop_dead();
    hedging = steady_now() - since >= hedge_time;
    replace_lost();
    std::size_t const needed = wanted();
    std::size_t const have = durable().size();
    if (have >= needed) co_return Result<void>{};
    if (std::ranges::none_of(targets, sending)) {
      co_return fail(Fault::no_quorum, quorum_sentence(have, needed));
    }
    wake.expires_after(member_look_period);
    co_await wake.async_wait(token);
  }
}

std::vector<NodeId> ObjectUpload::State::durable() const {
  std::vector<NodeId> nodes{parts.self};
  for (Target const& target : targets) {
    if (target.push->state() == PushConnection::State::stored) nodes.push_back(target.node);
  }
  return nodes;
}

}  // namespace chisme::node
