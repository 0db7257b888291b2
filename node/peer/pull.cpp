#include "node/peer/pull.hpp"

#include <algorithm>
#include <array>

namespace chisme::node {

PullConnection::PullConnection(asio::io_context& loop, Caller caller, Endpoint holder,
                               Duration limit)
    : socket_{std::make_shared<PeerSocket>(loop, caller, StreamKind::pull)},
      holder_{holder},
      limit_{limit} {}

PullConnection::~PullConnection() {
  socket_->close();
}

asio::awaitable<Result<PullAnswer>> PullConnection::request(PullRequest wanted) {
  auto const socket = socket_;
  if (!socket->is_open()) {
    auto const connected = co_await socket->connect(holder_, limit_);
    if (!connected) co_return tl::unexpected(connected.error());
  }
  auto const request_bytes = encode(wanted);
  std::span<std::byte const> const head{request_bytes};
  std::span<std::byte const> const nothing;
  auto const written = co_await socket->write(head, nothing, limit_);
  if (!written) co_return tl::unexpected(written.error());
  std::array<std::byte, pull_answer_bytes> answer_bytes;
  std::span<std::byte> const into{answer_bytes};
  auto const read = co_await socket->read(into, limit_);
  if (!read) co_return tl::unexpected(read.error());
  auto const answer = parse_pull_answer(answer_bytes);
  if (!answer || answer->length > wanted.length) {
    co_return fail(Fault::invalid, "a holder's answer is malformed");
  }
  if (answer->fault) co_return fail(*answer->fault, "a holder could not open its copy");
  left_ = answer->length;
  co_return *answer;
}

asio::awaitable<Result<std::size_t>> PullConnection::read(std::span<std::byte> into) {
  auto const socket = socket_;
  auto const wanted = into.first(std::min<std::uint64_t>(into.size(), left_.value()));
  auto const count = co_await socket->read_some(wanted, limit_);
  if (count) left_ -= ByteCount{*count};
  // The answer's short head came, and then nothing.
  if (socket->is_timed_out()) socket->note_narrow_path();
  co_return count;
}

}  // namespace chisme::node
