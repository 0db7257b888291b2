#include "node/peer/push.hpp"

#include <array>
#include <asio/awaitable.hpp>
#include <asio/co_spawn.hpp>
#include <asio/redirect_error.hpp>
#include <asio/steady_timer.hpp>
#include <asio/use_awaitable.hpp>
#include <deque>

#include "cluster/base/check.hpp"
#include "node/failpoint.hpp"
#include "node/keeping.hpp"
#include "node/peer/socket.hpp"

namespace chisme::node {

struct PushConnection::Work : std::enable_shared_from_this<PushConnection::Work> {
  Work(asio::io_context& loop, Caller caller, std::function<void()> changed, Limits its_limits)
      : socket{std::make_shared<PeerSocket>(loop, caller, StreamKind::push)},
        wake{loop},
        on_change{std::move(changed)},
        limits{its_limits} {}

  asio::awaitable<void> run(Endpoint to, PushBegin begin);
  asio::awaitable<Result<void>> deliver(Endpoint to, PushBegin begin);
  asio::awaitable<Result<void>> send_front();
  asio::awaitable<Result<void>> finish();
  // A copy is called, for the call may end this push.
  void changed() const {
    if (auto const call = on_change) call();
  }

  std::shared_ptr<PeerSocket> socket;
  asio::steady_timer wake;
  std::function<void()> on_change;
  Limits limits;
  std::deque<Chunk> queue;
  std::size_t queued_bytes = 0;
  std::optional<PushEnd> end;
  State state = State::sending;
  Error error;
};

PushConnection::PushConnection(asio::io_context& loop, Caller caller, Endpoint to, PushBegin begin,
                               std::function<void()> on_change, Limits limits)
    : work_{std::make_shared<Work>(loop, caller, std::move(on_change), limits)} {
  asio::co_spawn(loop, work_->run(to, begin), keeping(work_));
}

PushConnection::~PushConnection() {
  abandon(Error{Fault::cancelled, "cancelled"});
}

void PushConnection::send(Chunk chunk) {
  CHECK(!chunk->empty() && chunk->size() <= push_chunk_bytes_max);
  if (work_->state != State::sending) return;
  work_->queued_bytes += chunk->size();
  work_->queue.push_back(std::move(chunk));
  work_->wake.cancel();
}

void PushConnection::end(PushEnd end) {
  work_->end = end;
  work_->wake.cancel();
}

void PushConnection::abandon(Error why) {
  work_->on_change = nullptr;
  if (work_->state == State::sending) {
    work_->state = State::failed;
    work_->error = std::move(why);
  }
  work_->queue.clear();
  work_->socket->close();
  work_->wake.cancel();
}

PushConnection::State PushConnection::state() const {
  return work_->state;
}
std::size_t PushConnection::queued_bytes() const {
  return work_->queued_bytes;
}
Error const& PushConnection::error() const {
  return work_->error;
}

asio::awaitable<void> PushConnection::Work::run(Endpoint to, PushBegin begin) {
  auto const keep = shared_from_this();
  auto const result = co_await deliver(to, begin);
  socket->close();
  if (state != State::sending) co_return;  // abandoned meanwhile
  state = result ? State::stored : State::failed;
  if (!result) error = result.error();
  queue.clear();
  queued_bytes = 0;
  changed();
}

asio::awaitable<Result<void>> PushConnection::Work::deliver(Endpoint to, PushBegin begin) {
  auto const connected = co_await socket->connect(to, limits.connect_timeout);
  if (!connected) co_return connected;
  FAILPOINT("push.connected");
  auto const begin_bytes = encode(begin);
  std::span<std::byte const> const head{begin_bytes};
  std::span<std::byte const> const nothing;
  auto const begun = co_await socket->write(head, nothing, limits.stall_timeout);
  if (!begun) co_return begun;
  asio::error_code woken;
  auto token = asio::redirect_error(asio::use_awaitable, woken);
  while (state == State::sending) {
    if (!queue.empty()) {
      auto const sent = co_await send_front();
      if (!sent) co_return sent;
    } else if (end) {
      co_return co_await finish();
    } else {
      wake.expires_at(asio::steady_timer::time_point::max());
      co_await wake.async_wait(token);
    }
  }
  co_return fail(Fault::cancelled, "cancelled");
}

asio::awaitable<Result<void>> PushConnection::Work::send_front() {
  Chunk const chunk = queue.front();
  queue.pop_front();
  auto const head_bytes = encode_chunk_head(static_cast<std::uint32_t>(chunk->size()));
  std::span<std::byte const> const head{head_bytes};
  std::span<std::byte const> const body{*chunk};
  auto const sent = co_await socket->write(head, body, limits.stall_timeout);
  if (!sent) co_return sent;
  FAILPOINT("push.chunk_sent");
  queued_bytes -= chunk->size();
  changed();
  co_return sent;
}

asio::awaitable<Result<void>> PushConnection::Work::finish() {
  auto const end_bytes = encode(*end);
  std::span<std::byte const> const head{end_bytes};
  std::span<std::byte const> const nothing;
  auto const sent = co_await socket->write(head, nothing, limits.stall_timeout);
  if (!sent) co_return sent;
  FAILPOINT("push.ended");
  std::array<std::byte, push_answer_bytes> bytes;
  std::span<std::byte> const into{bytes};
  auto const read = co_await socket->read(into, limits.answer_timeout);
  if (!read) co_return read;
  FAILPOINT("push.answered");
  auto const answer = parse_push_answer(bytes);
  if (!answer) co_return fail(Fault::invalid, "a node's answer to a push is malformed");
  if (answer->fault) co_return fail(*answer->fault, "a node could not store its copy");
  co_return Result<void>{};
}

}  // namespace chisme::node
