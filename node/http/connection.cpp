#include "node/http/connection.hpp"

#include <algorithm>
#include <asio/buffer.hpp>
#include <asio/redirect_error.hpp>
#include <asio/use_awaitable.hpp>
#include <exception>
#include <random>
#include <utility>

#include "cluster/base/overloaded.hpp"
#include "node/http/await.hpp"
#include "node/http/response_head.hpp"
#include "node/http/socket_stream.hpp"
#include "node/trash.hpp"
#include "web/http_date.hpp"
#include "web/problem.hpp"

namespace chisme::node {

namespace {
// A request's unread body up to this size is read and dropped, to keep the connection.
constexpr std::uint64_t dropped_body_bytes_max = 64 << 10;
// After an answer that ends the connection, the client's further bytes are dropped so long and so
// many, so that it can read the answer: unread bytes would make the kernel reset the connection.
constexpr auto linger_time = std::chrono::milliseconds(3000);
constexpr std::uint64_t linger_bytes_max = 256 << 20;
constexpr auto watch_period = std::chrono::milliseconds(3000);
// The first byte of TLS (a handshake, RFC 8446, 5.1), which begins no request.
constexpr std::byte tls_hello{0x16};

// Counts a request for the load that the node gossips, also when its coroutine is destroyed.
class CountedRequest {
 public:
  CountedRequest(web::Gateway& gateway, bool const& own_fault)
      : gateway_(gateway), own_fault_(own_fault) {
    gateway_.request_began();
  }
  ~CountedRequest() { gateway_.request_ended(own_fault_); }
  CountedRequest(CountedRequest const&) = delete;
  CountedRequest& operator=(CountedRequest const&) = delete;

 private:
  web::Gateway& gateway_;
  bool const& own_fault_;
};
}  // namespace

HttpHost::HttpHost(asio::io_context& io, web::Gateway& node, HttpSettings chosen)
    : loop(io),
      gateway(node),
      settings(chosen),
      service(node, chosen.service),
      websockets(node),
      resumable(std::make_shared<ResumableUploads>(
          io, node,
          ResumableUploads::Limits{chosen.service.max_file_size, chosen.uploads_kept,
                                   chosen.assemblies})),
      request_ids_seed((std::uint64_t{std::random_device{}()} << 32) | std::random_device{}()),
      dav(io, node),
      s3(std::make_shared<S3Store>(io, node, chosen.assemblies)) {}

std::string const& HttpHost::date() {
  std::time_t const now = std::time(nullptr);
  if (now != date_second_) {
    date_second_ = now;
    date_text_ = web::http_date(WallTime{std::chrono::seconds{now}});
  }
  return date_text_;
}

HttpConnection::HttpConnection(std::shared_ptr<HttpHost> host, asio::ip::tcp::socket socket,
                               std::shared_ptr<Clients::Place> place, bool late)
    : host_(std::move(host)),
      socket_(std::move(socket)),
      timer_(host_->loop),
      pace_(host_->settings.pace),
      place_(std::move(place)),
      late_(late),
      parser_(host_->settings.head),
      input_(host_->buffers) {
  host_->connections.insert(this);
  ++host_->open;
}

HttpConnection::~HttpConnection() {
  host_->connections.erase(this);
  --host_->open;
}

void HttpConnection::close() {
  socket_.close();
  timer_.cancel();
}

void HttpConnection::close_if_idle() {
  if (idle_) close();
}

void HttpConnection::expect_within(std::chrono::milliseconds patience) {
  deadline_ = std::chrono::steady_clock::now() + patience;
}

void HttpConnection::expect_nothing() {
  deadline_.reset();
  moving_ = Moving::nowhere;
}

// Starts the watch over `deadline_`. Moving the deadline costs nothing; the timer follows lazily,
// so that a deadline set meanwhile is noticed at most `watch_period` (or the shortest timeout)
// late.
void HttpConnection::start_watch() {
  auto const& settings = host_->settings;
  auto const period = std::min(
      {watch_period, settings.head_timeout, settings.idle_timeout, settings.progress_timeout,
       std::chrono::duration_cast<std::chrono::milliseconds>(settings.pace.window) / 4});
  looked_at_ = std::chrono::steady_clock::now();
  auto const at_least = looked_at_ + period;
  timer_.expires_at(deadline_ ? std::min(*deadline_, at_least) : at_least);
  timer_.async_wait([weak = weak_from_this()](asio::error_code error) {
    auto const self = weak.lock();
    if (self && !error) self->watch();
  });
}

void HttpConnection::watch() {
  if (!socket_.is_open()) return;
  auto const now = std::chrono::steady_clock::now();
  if (is_too_slow(now - looked_at_)) {
    host_->settings.counters->refuse(Refused::slow);
    return close();
  }
  if (deadline_ && *deadline_ <= now) {
    if (!idle_) host_->settings.counters->refuse(Refused::timeout);
    return close();
  }
  start_watch();
}

asio::awaitable<void> HttpConnection::run(std::shared_ptr<HttpConnection> self) {
  asio::error_code ignored;
  self->socket_.tcp().set_option(asio::ip::tcp::no_delay(true), ignored);
  self->socket_.tcp().non_blocking(true, ignored);
  self->start_watch();
  bool met = true;
  if (self->host_->settings.tls) met = co_await self->meet_client();
  After after = met ? After::next_request : After::linger;
  while (after == After::next_request && co_await self->read_head()) {
    after = co_await self->serve();
    self->end_request();
    if (after == After::next_request) {
      self->parser_.next();
      self->state_ = web::ParseState::head;
      self->input_.shrink();
    }
  }
  if (after == After::linger) co_await self->linger();
  self->timer_.cancel();
  if (after != After::handed_over) self->close();
}

// Reads until a request's head is complete or cannot become one; false when the client left, was
// too slow, or the node is draining.
asio::awaitable<bool> HttpConnection::read_head() {
  idle_ = input_.unread().empty();
  if (!idle_) expect_within(host_->settings.head_timeout);
  while (true) {
    if (!input_.unread().empty()) {
      bool const says_hello = std::exchange(fresh_, false) && input_.unread().front() == tls_hello;
      if (says_hello && !socket_.is_secure()) {
        co_await refuse_tls();
        co_return false;
      }
      auto const progress = parser_.feed(input_.unread());
      input_.consume(progress.consumed);
      state_ = progress.state;
      if (state_ != web::ParseState::head) break;
    }
    if (idle_ && host_->ending) co_return false;
    // The whole head has one deadline, so that a byte now and then does not hold a connection.
    if (idle_) expect_within(host_->settings.idle_timeout);
    bool const more = co_await read_more(std::chrono::milliseconds(0));
    if (!more) co_return false;
    if (std::exchange(idle_, false)) expect_within(host_->settings.head_timeout);
  }
  idle_ = false;
  expect_nothing();
  co_return true;
}

// With patience 0 the deadline stays as it is.
asio::awaitable<bool> HttpConnection::read_more(std::chrono::milliseconds patience) {
  auto const room = input_.room();
  if (room.empty() || !socket_.is_open()) co_return false;
  if (patience.count() > 0) expect_progress(Moving::in);
  asio::error_code error;
  auto token = asio::redirect_error(asio::use_awaitable, error);
  auto const buffer = asio::buffer(room.data(), room.size());
  std::size_t count = 0;
  if (socket_.is_secure()) {
    count = co_await receive_secure(room);
  } else {
    count = co_await socket_.tcp().async_read_some(buffer, token);
  }
  if (patience.count() > 0) expect_nothing();
  if (error || count == 0) co_return false;
  input_.filled(count);
  // Who sends faster than this gets a large buffer; who sends a body slowly holds no more memory
  // than who sends none.
  if (patience.count() > 0 && count == room.size()) input_.grow();
  co_return true;
}

asio::awaitable<bool> HttpConnection::write_all(std::string_view head, std::string_view body) {
  asio::error_code error;
  auto token = asio::redirect_error(asio::use_awaitable, error);
  while (!(head.empty() && body.empty()) && socket_.is_open() && !error) {
    // Most answers fit what the socket takes: to wait for it first would be a turn of the loop.
    Sent const sent = socket_.send(head, body);
    if (sent == Sent::failed) break;
    if (sent != Sent::full) continue;
    expect_progress(Moving::out);
    co_await socket_.tcp().async_wait(asio::ip::tcp::socket::wait_write, token);
    expect_nothing();
  }
  co_return head.empty() && body.empty();
}

asio::awaitable<HttpConnection::After> HttpConnection::serve() {
  begin_request();
  if (state_ == web::ParseState::failed) {
    auto answer = host_->service.malformed(parser_.failure());
    answer.close = true;
    head_only_ = false;
    co_return co_await reply(std::move(answer));
  }
  head_only_ = parser_.request().method == web::Method::head;
  own_fault_ = false;
  if (plain_refused_) {
    host_->settings.counters->refuse(Refused::unencrypted);
    auto answer = host_->service.plain_refused(parser_.request());
    co_return co_await reply(std::move(answer));
  }
  if (auto refusal = refusal_by_limits()) co_return co_await reply(std::move(*refusal));
  CountedRequest const counted(host_->gateway, own_fault_);
  auto plan = host_->service.plan(parser_.request());
  co_return co_await carry_out(std::move(plan));
}

asio::awaitable<HttpConnection::After> HttpConnection::carry_out(web::Plan plan) {
  auto work =
      std::visit(Overloaded{
                     [this](web::Reply& it) { return reply(std::move(it)); },
                     [this](web::SendObject& it) { return send_object(std::move(it)); },
                     [this](web::RelayObject& it) { return relay_object(std::move(it)); },
                     [this](web::FollowUpload& it) { return follow_upload(std::move(it)); },
                     [this](web::ReceiveFile& it) {
                       return it.live ? receive_live(std::move(it)) : receive_file(std::move(it));
                     },
                     [this](web::ReceiveForm& it) { return receive_form(std::move(it)); },
                     [this](web::RemoveFile& it) { return remove_file(std::move(it)); },
                     [this](web::RestoreFile& it) { return restore_file(std::move(it)); },
                     [this](web::AskOthers& it) { return ask_others(std::move(it)); },
                     [this](web::SearchFiles& it) { return search_files(std::move(it)); },
                     [this](web::CountFiles& it) { return count_files(it); },
                     [this](web::OrderLocal& it) { return order_local(std::move(it)); },
                     [this](web::ReceiveShare& it) { return receive_share(it); },
                     [this](web::RevokeCredential& it) { return revoke_credential(it); },
                     [this](web::AnswerDav& it) { return serve_dav(std::move(it)); },
                     [this](web::s3::Wanted& it) { return serve_s3(std::move(it)); },
                     [this](web::tus::Wanted& it) { return resume(std::move(it)); },
                     [this](web::AcceptWebSocket& it) { return accept_websocket(std::move(it)); },
                 },
                 plan);
  co_return co_await std::move(work);
}

bool HttpConnection::keeps_alive(web::Reply const& answer) const {
  if (answer.close || host_->draining || state_ == web::ParseState::failed) return false;
  auto const& request = parser_.request();
  if (!request.keep_alive) return false;
  if (state_ == web::ParseState::complete) return true;
  // The rest of a body must be read before the next request; a client that waits for a 100 that
  // it does not get may send the body or not (RFC 9110, 10.1.1), so its end would be unknown.
  return !request.expect_continue && request.content_length &&
         request.content_length->value() <= dropped_body_bytes_max;
}

std::string HttpConnection::head_of(web::Reply const& answer,
                                    std::optional<std::uint64_t> content_length) {
  keep_alive_ = keeps_alive(answer);
  HeadFacts facts;
  if (has_content(answer.status)) facts.content_length = content_length;
  facts.keep_alive = keep_alive_;
  facts.http_1_0 = state_ != web::ParseState::failed && parser_.request().http_1_0;
  facts.date = host_->date();
  facts.request_id = request_id_.text();
  count_answer(answer.status);
  return response_head(answer, facts);
}

asio::awaitable<HttpConnection::After> HttpConnection::reply(web::Reply answer) {
  if (answer.status == 0) co_return After::close;
  if (answer.status >= 500) own_fault_ = true;
  log_failure(answer);
  web::add_request_id(answer, request_id_.text());
  if (answer.status == 307) name_request_in_redirect(answer);
  auto const head = head_of(answer, answer.body.size());
  std::string_view const body = answer.body;
  bool const with_body = !head_only_ && has_content(answer.status);
  bool const written = co_await write_all(head, with_body ? body : std::string_view{});
  if (!written) co_return After::close;
  co_return co_await settle_body(After::linger);
}

// What follows an answer: the rest of the request's body is read, or the connection ends.
asio::awaitable<HttpConnection::After> HttpConnection::settle_body(After otherwise) {
  if (!keep_alive_) co_return otherwise;
  while (state_ == web::ParseState::body) {
    auto const run = co_await next_body_run();
    if (run.empty() && state_ != web::ParseState::complete) co_return After::close;
  }
  co_return state_ == web::ParseState::complete ? After::next_request : After::close;
}

asio::awaitable<void> HttpConnection::linger() {
  asio::error_code error;
  socket_.end_sending(error);
  if (error) co_return;
  expect_within(linger_time);
  auto token = asio::redirect_error(asio::use_awaitable, error);
  std::uint64_t dropped = 0;
  input_.consume(input_.unread().size());
  while (!error && dropped < linger_bytes_max) {
    auto const room = input_.room();
    auto const buffer = asio::buffer(room.data(), room.size());
    dropped += co_await socket_.tcp().async_read_some(buffer, token);
  }
}

asio::awaitable<HttpConnection::After> HttpConnection::remove_file(web::RemoveFile plan) {
  auto start = [this, &plan](web::Done<web::RemovedFile> done) {
    if (plan.for_good) {
      host_->gateway.remove_for_good(plan.name, plan.condition, std::move(done));
    } else {
      host_->gateway.remove(plan.name, plan.condition, std::move(done));
    }
  };
  auto const removed = co_await await_done<web::RemovedFile>(host_->loop, start);
  auto answer = host_->service.removed(parser_.request(), removed);
  co_return co_await reply(std::move(answer));
}

asio::awaitable<HttpConnection::After> HttpConnection::restore_file(web::RestoreFile plan) {
  auto start = [this, &plan](web::Done<web::StoredFile> done) {
    restore_from_trash(host_->gateway, plan.file, plan.request, std::move(done));
  };
  auto const restored = co_await await_done<web::StoredFile>(host_->loop, start);
  auto answer = host_->service.restored(parser_.request(), restored);
  co_return co_await reply(std::move(answer));
}

asio::awaitable<HttpConnection::After> HttpConnection::ask_others(web::AskOthers plan) {
  auto start = [this, &plan](web::Done<web::Lookup> done) {
    host_->gateway.lookup_everywhere(plan.name, std::move(done));
  };
  auto const found = co_await await_done<web::Lookup>(host_->loop, start);
  auto next = host_->service.plan_with(parser_.request(), found);
  co_return co_await carry_out(std::move(next));
}

asio::awaitable<HttpConnection::After> HttpConnection::search_files(web::SearchFiles plan) {
  auto start = [this, &plan](web::Done<web::FoundFiles> done) {
    host_->gateway.search(plan.query, plan.page, std::move(done));
  };
  auto const found = co_await await_done<web::FoundFiles>(host_->loop, start);
  auto answer = host_->service.listed(parser_.request(), found);
  co_return co_await reply(std::move(answer));
}

asio::awaitable<HttpConnection::After> HttpConnection::count_files(web::CountFiles) {
  auto start = [this](web::Done<void> done) { host_->gateway.count_files(std::move(done)); };
  auto const counted = co_await await_done<void>(host_->loop, start);
  auto answer = counted ? host_->service.counted(parser_.request())
                        : host_->service.failed(parser_.request(), counted.error());
  co_return co_await reply(std::move(answer));
}

asio::awaitable<HttpConnection::After> HttpConnection::order_local(web::OrderLocal plan) {
  auto start = [this, &plan](web::Done<void> done) {
    host_->gateway.order_local(plan.order, plan.http, std::move(done));
  };
  auto const done = co_await await_done<void>(host_->loop, start);
  auto answer = host_->service.ordered(parser_.request(), done);
  co_return co_await reply(std::move(answer));
}

asio::awaitable<HttpConnection::After> HttpConnection::revoke_credential(
    web::RevokeCredential plan) {
  auto start = [this, &plan](web::Done<void> done) {
    host_->gateway.credentials()->revoke(plan.kind, plan.id, std::move(done));
  };
  auto const done = co_await await_done<void>(host_->loop, start);
  auto answer = host_->service.revoked(parser_.request(), done);
  co_return co_await reply(std::move(answer));
}

asio::awaitable<HttpConnection::After> HttpConnection::accept_websocket(web::AcceptWebSocket plan) {
  auto const rest = input_.unread();
  std::string already_read(reinterpret_cast<char const*>(rest.data()), rest.size());
  count_answer(101);
  auto stream = std::make_unique<SocketStream>(host_->loop, std::move(socket_));
  ++host_->open;
  host_->websockets.serve(std::move(stream), parser_.request(), std::move(already_read),
                          std::move(plan), [weak = std::weak_ptr(host_), place = place_] {
                            if (auto const host = weak.lock()) --host->open;
                          });
  co_return After::handed_over;
}

}  // namespace chisme::node
