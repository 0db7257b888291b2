#include "node/parent_link.hpp"

#include <poll.h>
#include <sys/socket.h>

#include <array>
#include <charconv>
#include <utility>

namespace chisme::node {
namespace {

using Clock = std::chrono::steady_clock;
constexpr std::array orders{web::LocalOrder::kill, web::LocalOrder::start, web::LocalOrder::stop,
                            web::LocalOrder::resume};

tl::unexpected<Error> no_answer() {
  return fail(Fault::unavailable, "the process that started this node does not answer");
}

// "NUMBER REST" in two.
std::optional<std::pair<std::uint64_t, std::string_view>> numbered(std::string_view packet) {
  std::uint64_t number = 0;
  char const* const end = packet.data() + packet.size();
  auto const read = std::from_chars(packet.data(), end, number);
  if (read.ec != std::errc{} || read.ptr == end || *read.ptr != ' ') return std::nullopt;
  return std::pair{number, std::string_view(read.ptr + 1, end)};
}

Result<void> meaning_of(std::string_view answer) {
  if (answer == "ok") return {};
  if (answer == "unknown") {
    return fail(Fault::not_found, "no node of this local cluster has that address");
  }
  return fail(Fault::precondition_failed, std::string{answer});
}

}  // namespace

char const* to_string(web::LocalOrder order) {
  switch (order) {
    case web::LocalOrder::kill:
      return "kill";
    case web::LocalOrder::start:
      return "start";
    case web::LocalOrder::stop:
      return "stop";
    case web::LocalOrder::resume:
      return "cont";
  }
  return "cont";
}

std::optional<ParentRequest> parse_parent_request(std::string_view packet) {
  auto const request = numbered(packet);
  if (!request) return std::nullopt;
  std::string_view const text = request->second;
  std::size_t const space = text.find(' ');
  if (space == std::string_view::npos) return std::nullopt;
  for (web::LocalOrder const order : orders) {
    if (text.substr(0, space) != to_string(order)) continue;
    return ParentRequest{request->first, order, std::string{text.substr(space + 1)}};
  }
  return std::nullopt;
}

std::string parent_answer(std::uint64_t number, Result<void> const& result) {
  std::string const head = std::to_string(number) + " ";
  if (result) return head + "ok";
  if (result.error().fault == Fault::not_found) return head + "unknown";
  return (head + result.error().message).substr(0, parent_packet_bytes_max);
}

std::optional<ParentAnswer> parse_parent_answer(std::string_view packet) {
  auto const answer = numbered(packet);
  if (!answer) return std::nullopt;
  return ParentAnswer{answer->first, meaning_of(answer->second)};
}

Result<void> ParentLink::ask(web::LocalOrder order, std::string url, Answer answer) {
  auto const busy = [] { return fail(Fault::busy, "too many nodes are being killed or started"); };
  {
    std::lock_guard const lock{mutex_};
    if (waiting_ == waiting_max) return busy();
    ++waiting_;
  }
  auto const done = [this] {
    std::lock_guard const lock{mutex_};
    --waiting_;
  };
  auto const job = [this, done, order, url = std::move(url), answer = std::move(answer)] {
    auto result = ask_now(order, url);
    done();
    answer(std::move(result));
  };
  if (lane_.post(job)) return {};
  done();
  return busy();
}

Result<void> ParentLink::ask_now(web::LocalOrder order, std::string const& url) {
  std::uint64_t const number = ++asked_;
  std::string const packet = std::to_string(number) + " " + to_string(order) + " " + url;
  if (packet.size() > parent_packet_bytes_max) return meaning_of("unknown");
  auto const sent = ::send(socket_, packet.data(), packet.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
  if (!std::cmp_equal(sent, packet.size())) return no_answer();
  return await_answer(number);
}

// Answers to earlier questions, which came too late, are passed over.
Result<void> ParentLink::await_answer(std::uint64_t number) const {
  auto const end = Clock::now() + patience;
  for (;;) {
    auto const left = std::chrono::ceil<std::chrono::milliseconds>(end - Clock::now());
    pollfd watched{socket_, POLLIN, 0};
    if (left.count() <= 0 || ::poll(&watched, 1, static_cast<int>(left.count())) <= 0) {
      return no_answer();
    }
    std::array<char, parent_packet_bytes_max> block{};
    ssize_t const got = ::recv(socket_, block.data(), block.size(), MSG_DONTWAIT);
    if (got <= 0) return no_answer();
    auto const answer =
        parse_parent_answer(std::string_view(block.data(), static_cast<std::size_t>(got)));
    if (answer && answer->number == number) return answer->result;
  }
}

bool is_parent_socket(int descriptor) {
  int type = 0;
  socklen_t size = sizeof type;
  return ::getsockopt(descriptor, SOL_SOCKET, SO_TYPE, &type, &size) == 0 && type == SOCK_SEQPACKET;
}

}  // namespace chisme::node
