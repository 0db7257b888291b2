#include <asio/redirect_error.hpp>
#include <asio/use_awaitable.hpp>
#include <utility>

#include "cluster/base/overloaded.hpp"
#include "node/http/connection.hpp"
#include "node/http/resumable_uploads.hpp"
#include "web/problem.hpp"

// tus: uploads that may be interrupted and gone on with.
namespace chisme::node {

namespace {
// Nobody is there to be answered.
web::Reply client_left() {
  return web::tus::failed({Fault::cancelled, "the client went away"});
}
}  // namespace

asio::awaitable<HttpConnection::After> HttpConnection::resume(web::tus::Wanted wanted) {
  auto work = std::visit(
      Overloaded{[this](web::tus::Create& it) { return create_upload(std::move(it)); },
                 [this](web::tus::Patch& it) { return patch_upload(std::move(it)); },
                 [this](web::tus::Ask& it) { return ask_upload(std::move(it)); },
                 [this](web::tus::Terminate& it) { return terminate_upload(std::move(it)); }},
      wanted);
  auto answer = co_await std::move(work);
  co_return co_await reply(host_->service.resumed(parser_.request(), std::move(answer)));
}

asio::awaitable<web::Reply> HttpConnection::create_upload(web::tus::Create create) {
  auto const uploads = host_->resumable;
  auto upload = co_await uploads->create(create);
  if (!upload) co_return web::tus::failed(upload.error());
  if (create.has_body) {
    web::tus::Patch patch{.id = upload->id,
                          .offset = ByteOffset{0},
                          .length = {},
                          .body_size = parser_.request().content_length,
                          .checksum = create.checksum};
    auto const writer = co_await take_bytes(std::move(patch));
    if (!writer) co_return writer.error();
    if (!(*writer)->is_complete()) co_return web::tus::created((*writer)->told());
    upload = co_await uploads->finish(upload->id);
    if (!upload) co_return web::tus::failed(upload.error());
  }
  co_return web::tus::created(uploads->told(*upload));
}

asio::awaitable<web::Reply> HttpConnection::patch_upload(web::tus::Patch patch) {
  auto const uploads = host_->resumable;
  auto const writer = co_await take_bytes(patch);
  if (!writer) co_return writer.error();
  if (!(*writer)->is_complete()) co_return web::tus::patched((*writer)->told());
  auto const upload = co_await uploads->finish(patch.id);
  if (!upload) co_return web::tus::failed(upload.error());
  co_return web::tus::patched(uploads->told(*upload));
}

asio::awaitable<web::Reply> HttpConnection::ask_upload(web::tus::Ask ask) {
  auto const uploads = host_->resumable;
  auto const upload = co_await uploads->ask(ask.id, ask.shown);
  if (!upload) co_return web::tus::failed(upload.error());
  co_return web::tus::asked(uploads->told(*upload));
}

asio::awaitable<web::Reply> HttpConnection::terminate_upload(web::tus::Terminate terminate) {
  auto const ended = co_await host_->resumable->terminate(terminate.id);
  co_return ended ? web::tus::terminated() : web::tus::failed(ended.error());
}

// What came before the client went away, or before an error, is kept too.
asio::awaitable<tl::expected<HttpConnection::Writer, web::Reply>> HttpConnection::take_bytes(
    web::tus::Patch patch) {
  auto const writer = co_await host_->resumable->begin(std::move(patch));
  if (!writer) co_return writer;
  bool const going = co_await continue_expected();
  if (!going) co_return tl::unexpected(client_left());
  auto const written = co_await write_parts(*writer);
  bool const whole = state_ == web::ParseState::complete;
  auto const finished = co_await (*writer)->finish(whole);
  if (!written) co_return tl::unexpected(web::tus::failed(written.error()));
  if (state_ == web::ParseState::failed) {
    co_return tl::unexpected(host_->service.malformed(parser_.failure()));
  }
  if (!whole) co_return tl::unexpected(client_left());
  if (!finished) co_return tl::unexpected(web::tus::failed(finished.error()));
  co_return writer;
}

// When the client pauses, what it sent does not wait for more.
asio::awaitable<Result<void>> HttpConnection::write_parts(Writer writer) {
  while (state_ == web::ParseState::body) {
    if (writer->can_settle() && input_.unread().empty()) {
      bool const more = co_await is_readable_within(writer->patience());
      auto const settled = more ? Result<void>{} : co_await writer->settle();
      if (!settled) co_return settled;
    }
    auto const run = co_await next_body_run();
    if (run.empty()) break;
    auto const written = co_await writer->write(run);
    if (!written) co_return written;
  }
  co_return Result<void>{};
}

asio::awaitable<bool> HttpConnection::is_readable_within(std::chrono::milliseconds patience) {
  // A timer that ran out while the socket became readable must cancel nothing that comes later.
  auto const waits = std::make_shared<bool>(true);
  asio::steady_timer timer(host_->loop, patience);
  timer.async_wait([self = shared_from_this(), waits](asio::error_code cancelled) {
    asio::error_code ignored;
    if (!cancelled && *waits) self->socket_.tcp().cancel(ignored);
  });
  asio::error_code error;
  auto token = asio::redirect_error(asio::use_awaitable, error);
  moving_ = Moving::in;
  // Of a secure one bytes may come that are no part of the body, or wait here already.
  while (!(socket_.is_secure() && socket_.is_open() && socket_.is_readable())) {
    co_await socket_.tcp().async_wait(asio::ip::tcp::socket::wait_read, token);
    if (error || !socket_.is_secure()) break;
  }
  moving_ = Moving::nowhere;
  *waits = false;
  co_return !error;
}

}  // namespace chisme::node
