#include "node/cli/http_client.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>

namespace chisme::node::cli {
namespace {

constexpr std::size_t block_bytes = std::size_t{256} << 10;

bool is_redirect(unsigned status) {
  return status == 301 || status == 302 || status == 303 || status == 307 || status == 308;
}

std::string head_of(Origin const& origin, HttpRequest const& request) {
  std::string head = request.method + " " + request.target + " HTTP/1.1\r\n" +
                     "Host: " + to_string(origin).substr(std::string("http://").size()) + "\r\n" +
                     "User-Agent: chisme\r\n";
  for (web::Header const& header : request.headers) {
    head += header.name + ": " + header.value + "\r\n";
  }
  if (request.open_body) {
    head += "Content-Length: " + std::to_string(request.body_size.value()) + "\r\n";
  }
  return head + "\r\n";
}

HttpRequest with_token(HttpRequest request, std::string const& token) {
  if (!token.empty()) request.headers.push_back({"Authorization", "Bearer " + token});
  return request;
}

tl::unexpected<Error> broke_off(Origin const& origin, std::string const& what) {
  return fail(Fault::unavailable, to_string(origin) + " " + what);
}

}  // namespace

Error problem_of(HttpAnswer const& answer) {
  std::string detail = "status " + std::to_string(answer.head.status);
  auto const problem = nlohmann::json::parse(answer.body, nullptr, false);
  if (problem.is_object() && problem.contains("detail") && problem["detail"].is_string()) {
    detail = problem["detail"].get<std::string>();
  }
  Fault fault = Fault::io;
  switch (answer.head.status) {
    case 400:
      fault = Fault::invalid;
      break;
    case 404:
      fault = Fault::not_found;
      break;
    case 410:
      fault = Fault::lost;
      break;
    case 412:
      fault = Fault::precondition_failed;
      break;
    case 413:
      fault = Fault::too_large;
      break;
    case 503:
      fault = Fault::unavailable;
      break;
    case 507:
      fault = Fault::no_space;
      break;
    default:
      break;
  }
  return Error{fault, to_string(answer.origin) + ": " + detail, 0};
}

// One request and its answer on one connection.
struct HttpClient::Attempt {
  Connection& connection;
  HttpRequest const& request;
  BodySink const& sink;
  web::ResponseParser parser{};
  HttpAnswer answer{};
  bool answer_began = false;

  // The body as far as the node wants it: an early answer ends it. So does a broken connection,
  // which may still hold an answer; reading will tell.
  Result<void> send() {
    if (request.method == "HEAD") parser.expect_no_body();
    std::string const head = head_of(connection.origin(), request);
    auto wrote = connection.write_all(std::as_bytes(std::span(head)));
    if (!wrote || !request.open_body) return wrote;
    auto source = request.open_body();
    if (!source) return tl::unexpected<Error>(source.error());
    std::vector<std::byte> block(block_bytes);
    for (std::uint64_t left = request.body_size.value(); left > 0;) {
      std::size_t const room = std::min<std::uint64_t>(left, block.size());
      auto const got = (*source)(std::span(block).first(room));
      if (!got) return tl::unexpected<Error>(got.error());
      if (*got == 0) return fail(Fault::io, "the file became shorter while it was read");
      auto const all = connection.write_unless_answered(std::span(block).first(*got));
      if (!all || !*all) return {};
      left -= *got;
    }
    return {};
  }

  Result<void> take(std::span<std::byte const> body) {
    if (body.empty()) return {};
    if (sink && answer.head.status / 100 == 2) return sink(answer.head, body);
    if (answer.body.size() + body.size() > body_bytes_max) {
      return fail(Fault::too_large, to_string(connection.origin()) + " answers with too much");
    }
    answer.body.append(reinterpret_cast<char const*>(body.data()), body.size());
    return {};
  }

  // Feeds until the bytes are used up or the answer is complete.
  Result<web::ParseState> feed(std::span<std::byte const> bytes) {
    for (;;) {
      auto const progress = parser.feed(bytes);
      if (progress.state == web::ParseState::failed) {
        return broke_off(connection.origin(),
                         "does not speak HTTP as a node does: " + parser.failure().message);
      }
      bytes = bytes.subspan(progress.consumed);
      if (progress.state != web::ParseState::head) {
        if (!std::exchange(answer_began, true)) answer.head = parser.response();
        if (auto taken = take(progress.body); !taken) return tl::unexpected<Error>(taken.error());
      }
      if (progress.state == web::ParseState::complete || bytes.empty()) return progress.state;
      if (progress.consumed == 0) return progress.state;
    }
  }

  Result<void> receive() {
    std::vector<std::byte> block(block_bytes);
    for (;;) {
      auto const got = connection.read_some(block);
      if (!got) return tl::unexpected<Error>(got.error());
      if (*got == 0) {
        if (answer_began && parser.finish()) return {};
        return broke_off(connection.origin(),
                         "closed the connection before its answer was complete");
      }
      auto const state = feed(std::span(block).first(*got));
      if (!state) return tl::unexpected<Error>(state.error());
      if (*state == web::ParseState::complete) return {};
    }
  }
};

HttpClient::HttpClient(std::vector<Origin> nodes, std::chrono::milliseconds patience)
    : nodes_(std::move(nodes)), patience_(patience) {}

// A kept connection may have been closed meanwhile: then once more on a new one.
Result<HttpAnswer> HttpClient::ask(Origin const& origin, HttpRequest const& request,
                                   BodySink const& sink) {
  for (;;) {
    auto kept = idle_.extract(origin);
    bool const reused = !kept.empty();
    auto connection = reused ? Result<Connection>(std::move(kept.mapped()))
                             : Connection::open(origin, std::min(connect_patience, patience_));
    if (!connection) return tl::unexpected<Error>(connection.error());
    connection->set_patience(patience_);
    Attempt attempt{*connection, request, sink};
    attempt.answer.origin = origin;
    auto done = attempt.send();
    bool const source_failed = !done && done.error().fault != Fault::unavailable;
    if (!source_failed) done = attempt.receive();
    if (done) {
      // After an early answer the rest of the body is still owed: such a connection is not kept.
      bool const whole = !request.open_body || attempt.answer.is_success();
      if (whole && attempt.answer.head.keep_alive) idle_.emplace(origin, std::move(*connection));
      return std::move(attempt.answer);
    }
    if (reused && !attempt.answer_began && !source_failed) continue;
    return tl::unexpected<Error>(done.error());
  }
}

Result<HttpAnswer> HttpClient::send_to(Origin const& origin, HttpRequest const& request,
                                       BodySink const& sink) {
  Location at{origin, request.target};
  HttpRequest current = with_token(request, token_);
  for (int redirects = 0; redirects <= redirects_max; ++redirects) {
    auto answer = ask(at.origin, current, sink);
    if (!answer || !is_redirect(answer->head.status)) return answer;
    auto const location = answer->head.header("Location");
    if (!location) return broke_off(at.origin, "redirects to nowhere");
    if (location->starts_with("/")) {
      at.target = *location;
    } else {
      auto const next = parse_location(*location);
      if (!next) return broke_off(at.origin, "redirects to " + std::string(*location));
      at = *next;
    }
    if (at.origin != origin) current = request;
    current.target = at.target;
  }
  return broke_off(origin, "redirects in a circle");
}

Result<HttpAnswer> HttpClient::send(HttpRequest const& request, BodySink const& sink) {
  Result<HttpAnswer> last = fail(Fault::invalid, "no node was named");
  for (std::size_t i = 0; i < nodes_.size(); ++i) {
    std::size_t const chosen = (preferred_ + i) % nodes_.size();
    bool delivered = false;
    BodySink const counting = [&](web::Response const& head, std::span<std::byte const> bytes) {
      delivered = true;
      return sink(head, bytes);
    };
    last = send_to(nodes_[chosen], request, sink ? counting : BodySink{});
    bool const may_go_on =
        last ? last->head.status == 503 : last.error().fault == Fault::unavailable && !delivered;
    if (!may_go_on) {
      preferred_ = chosen;
      return last;
    }
  }
  return last;
}

}  // namespace chisme::node::cli
