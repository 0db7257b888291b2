#include "node/peer/transfer_client.hpp"

#include <algorithm>
#include <asio/co_spawn.hpp>
#include <asio/post.hpp>
#include <atomic>
#include <cstddef>
#include <iterator>
#include <map>
#include <vector>

#include "node/failpoint.hpp"
#include "node/keeping.hpp"
#include "node/on_disk.hpp"
#include "node/peer/pull.hpp"

namespace chisme::node {
namespace {

constexpr std::size_t receive_buffer_bytes = 256u << 10;

// One transfer that is under way.
struct Running {
  cluster::StartTransfer what;
  std::size_t source = 0;            // the one in use
  std::vector<NodeId> contributors;  // gave the bytes that are staged
  std::vector<NodeId> corrupt;
  std::shared_ptr<DiskPool::Lane> lane;
  std::shared_ptr<StagingFile> staged;
  std::shared_ptr<PullConnection> connection;
  std::shared_ptr<std::vector<std::byte>> buffer;
  bool cancelled = false;
};

}  // namespace

struct TransferClient::State : std::enable_shared_from_this<TransferClient::State> {
  State(asio::io_context& its_loop, Host its_host, Duration its_limit)
      : loop{its_loop}, host{std::move(its_host)}, limit{its_limit} {}

  void start(cluster::StartTransfer what);
  asio::awaitable<void> run(std::shared_ptr<Running> transfer);
  asio::awaitable<Result<StoredObject>> fetch(std::shared_ptr<Running> transfer);
  asio::awaitable<Result<StoredObject>> fetch_once(std::shared_ptr<Running> transfer);
  asio::awaitable<Result<void>> pull(std::shared_ptr<Running> transfer);

  asio::io_context& loop;
  Host host;
  Duration limit;
  std::map<cluster::TransferId, std::shared_ptr<Running>> running;
  std::atomic<std::size_t> running_count = 0;
};

TransferClient::TransferClient(asio::io_context& loop, Host host, Duration limit)
    : state_{std::make_shared<State>(loop, std::move(host), limit)} {}

TransferClient::~TransferClient() = default;

void TransferClient::start(cluster::StartTransfer transfer) {
  asio::post(state_->loop, [state = state_, what = std::move(transfer)] { state->start(what); });
}

void TransferClient::cancel(cluster::TransferId transfer) {
  asio::post(state_->loop, [state = state_, transfer] {
    auto const found = state->running.find(transfer);
    if (found == state->running.end()) return;
    found->second->cancelled = true;
    if (found->second->connection) found->second->connection->close();
    state->running.erase(found);
    state->running_count = state->running.size();
  });
}

std::size_t TransferClient::running() const {
  return state_->running_count;
}

void TransferClient::State::start(cluster::StartTransfer what) {
  auto const transfer = std::make_shared<Running>();
  transfer->what = std::move(what);
  transfer->lane = std::make_shared<DiskPool::Lane>(host.disk);
  transfer->buffer = std::make_shared<std::vector<std::byte>>(receive_buffer_bytes);
  running[transfer->what.transfer] = transfer;
  running_count = running.size();
  asio::co_spawn(loop, run(transfer), keeping(shared_from_this()));
}

asio::awaitable<void> TransferClient::State::run(std::shared_ptr<Running> transfer) {
  auto const keep = shared_from_this();
  auto const fetched = co_await fetch(transfer);
  FAILPOINT("pull.committed");
  if (fetched) host.on_stored(*fetched);
  if (transfer->cancelled) co_return;
  running.erase(transfer->what.transfer);
  running_count = running.size();
  host.on_finished({transfer->what.transfer, fetched, transfer->corrupt});
  FAILPOINT("pull.told");
}

// Tries again, from the next source, for as long as sources remain.
asio::awaitable<Result<StoredObject>> TransferClient::State::fetch(
    std::shared_ptr<Running> transfer) {
  Result<StoredObject> fetched = fail(Fault::unavailable, "no node has a copy to fetch");
  while (transfer->source < transfer->what.sources.size() && !transfer->cancelled) {
    fetched = co_await fetch_once(transfer);
    if (fetched || fetched.error().fault != Fault::digest_mismatch) break;
    std::ranges::copy(transfer->contributors, std::back_inserter(transfer->corrupt));
    ++transfer->source;
  }
  co_return fetched;
}

asio::awaitable<Result<StoredObject>> TransferClient::State::fetch_once(
    std::shared_ptr<Running> transfer) {
  auto const stage = [objects = &host.objects, size = transfer->what.size] {
    return objects->stage(size);
  };
  auto opened = co_await on_disk(transfer->lane, stage);
  if (!opened) co_return tl::unexpected(opened.error());
  transfer->staged = std::make_shared<StagingFile>(std::move(*opened));
  transfer->contributors.clear();
  Result<void> pulled = fail(Fault::unavailable, "no node has a copy to fetch");
  for (; transfer->source < transfer->what.sources.size(); ++transfer->source) {
    if (transfer->cancelled) co_return fail(Fault::cancelled, "cancelled");
    pulled = co_await pull(transfer);
    if (pulled || transfer->cancelled || pulled.error().fault == Fault::no_space) break;
  }
  transfer->connection.reset();
  if (!pulled) co_return tl::unexpected(pulled.error());
  if (transfer->cancelled) co_return fail(Fault::cancelled, "cancelled");
  FAILPOINT("pull.received");
  auto const commit = [objects = &host.objects, staged = transfer->staged,
                       digest = transfer->what.digest] {
    return objects->commit(std::move(*staged), digest);
  };
  co_return co_await on_disk(transfer->lane, commit);
}

// Appends all that is missing, from the source in use.
asio::awaitable<Result<void>> TransferClient::State::pull(std::shared_ptr<Running> transfer) {
  ByteCount const size = transfer->what.size;
  ByteCount const present = transfer->staged->size();
  Endpoint const holder = transfer->what.sources[transfer->source].peer;
  FAILPOINT("pull.begun");
  auto const connection = std::make_shared<PullConnection>(loop, host.caller, holder, limit);
  transfer->connection = connection;
  PullRequest const request{transfer->what.digest, ByteOffset{present.value()}, size - present};
  auto const answer = co_await connection->request(request);
  if (!answer) co_return tl::unexpected(answer.error());
  if (answer->size != size || answer->length != request.length) {
    co_return fail(Fault::corrupt, "a holder's copy has another size");
  }
  transfer->contributors.push_back(transfer->what.sources[transfer->source].node);
  std::span<std::byte> const into{*transfer->buffer};
  while (connection->left().value() > 0) {
    auto const count = co_await connection->read(into);
    if (!count) co_return tl::unexpected(count.error());
    auto const append = [staged = transfer->staged, buffer = transfer->buffer, size_read = *count] {
      return staged->append(std::span<std::byte const>{*buffer}.first(size_read));
    };
    auto const appended = co_await on_disk(transfer->lane, append);
    if (!appended) co_return tl::unexpected(appended.error());
    FAILPOINT("pull.appended");
  }
  co_return Result<void>{};
}

}  // namespace chisme::node
