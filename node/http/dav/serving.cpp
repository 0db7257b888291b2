#include <utility>

#include "node/http/connection.hpp"
#include "web/dav/xml.hpp"
#include "web/problem.hpp"

// Requests of WebDAV: their bodies, which are short, and their answers.
namespace chisme::node {

asio::awaitable<HttpConnection::After> HttpConnection::serve_dav(web::AnswerDav plan) {
  web::Request const request = parser_.request();
  if (plan.put) {
    auto refused = co_await host_->dav.refuse_put(request, plan);
    if (refused) {
      auto answer = host_->service.refused(request, std::move(*refused));
      co_return co_await reply(std::move(answer));
    }
    web::ReceiveFile put = std::move(*plan.put);
    co_return co_await receive_file(std::move(put));
  }
  bool const going = co_await continue_expected();
  if (!going) co_return After::close;
  HeldBytes held{host_->buffers};
  auto body = co_await read_short_body(held);
  if (!body) {
    auto answer = host_->service.refused(request, std::move(body.error()));
    co_return co_await reply(std::move(answer));
  }
  auto made = co_await host_->dav.answer(request, std::move(plan), std::move(*body));
  auto answer = host_->service.refused(request, std::move(made));
  co_return co_await reply(std::move(answer));
}

// A reply of status 0: the client is gone.
asio::awaitable<tl::expected<std::string, web::Reply>> HttpConnection::read_short_body(
    HeldBytes& held) {
  std::string body;
  while (state_ == web::ParseState::body && body.size() <= web::dav::xml_bytes_max) {
    auto const run = co_await next_body_run();
    if (run.empty()) break;
    body.append(reinterpret_cast<char const*>(run.data()), run.size());
    held.set(body.size());
  }
  if (state_ == web::ParseState::failed) {
    co_return tl::unexpected(host_->service.malformed(parser_.failure()));
  }
  if (body.size() > web::dav::xml_bytes_max) {
    co_return tl::unexpected(web::problem(413, "The body is longer than 65536 bytes."));
  }
  if (state_ != web::ParseState::complete) {
    co_return tl::unexpected(web::problem_of({Fault::cancelled, "the client went away"}));
  }
  co_return body;
}

}  // namespace chisme::node
