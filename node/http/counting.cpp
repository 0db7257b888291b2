#include <array>
#include <string>
#include <string_view>
#include <utility>

#include "cluster/base/random.hpp"
#include "node/http/connection.hpp"
#include "node/log.hpp"
#include "node/peer/address.hpp"
#include "web/problem.hpp"

// What is counted and logged of requests.
namespace chisme::node {

namespace {
using RequestClock = std::chrono::steady_clock;

double seconds_in(RequestClock::duration duration) {
  return std::chrono::duration<double>{duration}.count();
}

// The path as it was sent, without what lets somebody in: the query, in which share links are, and
// the names of resumable uploads, who knows which may go on with them.
std::string loggable_path(std::string_view target) {
  std::string_view const path = target.substr(0, target.find_first_of("?#"));
  constexpr std::string_view uploads = "/uploads/";
  std::size_t const at = path.find(uploads);
  if (at == path.npos) return std::string{path};
  return std::string{path.substr(0, at + uploads.size())} + "...";
}
}  // namespace

void HttpConnection::begin_request() {
  begun_ = RequestClock::now();
  status_ = 0;
  std::optional<RequestId> said;
  if (state_ != web::ParseState::failed) said = said_request_id(parser_.request());
  request_id_said_ = said.has_value();
  request_id_ = said ? *said : RequestId{mix(host_->request_ids_seed + ++host_->requests)};
}

void HttpConnection::count_answer(unsigned status) {
  status_ = status;
  first_byte_after_ = RequestClock::now() - begun_;
  bool const understood = state_ != web::ParseState::failed;
  auto const route = understood ? web::class_of(parser_.request().target) : web::RouteClass::page;
  auto const method = understood ? parser_.request().method : web::Method::other;
  host_->settings.counters->answered(route, method, status, first_byte_after_);
}

void HttpConnection::end_request() {
  if (status_ == 0) count_answer(0);
  if (state_ == web::ParseState::failed) return;
  if (!log::shows(LogComponent::access, LogLevel::info)) return;
  asio::error_code gone;
  auto const remote = socket_.tcp().remote_endpoint(gone);
  std::string const client = gone ? "" : address_text(from_tcp(remote));
  std::string const path = loggable_path(parser_.request().target);
  std::string_view const method = parser_.request().method_text;
  std::array<log::Field, 7> const fields{{{"request_id", request_id_.text()},
                                          {"client", client},
                                          {"method", method},
                                          {"path", path},
                                          {"status", std::uint64_t{status_}},
                                          {"first_byte_seconds", seconds_in(first_byte_after_)},
                                          {"seconds", seconds_in(RequestClock::now() - begun_)}}};
  log::write(LogComponent::access, LogLevel::info, "request", fields);
}

// Redirects to nodes, not those to pages, count their hops. An id that was made here is not told
// so: addresses of one file would be many, which caches and players take for many files.
void HttpConnection::name_request_in_redirect(web::Reply& answer) const {
  if (!request_id_said_) return;
  std::string const location = answer.headers.values("Location");
  if (location.find("?hop=") == location.npos) return;
  answer.headers.remove("Location");
  answer.headers.add("Location", with_request_id(location, request_id_));
}

// Failures of this node, not of its clients. By what they have in common, so that many of one kind
// are few lines.
void HttpConnection::log_failure(web::Reply const& answer) const {
  if (answer.status < 500 || !log::shows(LogComponent::http, LogLevel::info)) return;
  bool const understood = state_ != web::ParseState::failed;
  std::string_view const method =
      understood ? std::string_view{parser_.request().method_text} : std::string_view{};
  std::string_view const route =
      understood ? web::to_string(web::class_of(parser_.request().target)) : "";
  std::array<log::Field, 4> const fields{{{"request_id", request_id_.text()},
                                          {"method", method},
                                          {"route", route},
                                          {"status", std::uint64_t{answer.status}}}};
  auto const level = answer.status == 500 ? LogLevel::warning : LogLevel::info;
  std::string_view const sentence = answer.sentence;
  log::write(LogComponent::http, level,
             sentence.empty() ? web::reason_phrase(answer.status) : sentence, fields);
}

}  // namespace chisme::node
