#include <algorithm>
#include <utility>
#include <vector>

#include "node/http/await.hpp"
#include "node/http/connection.hpp"
#include "web/shares.hpp"

// Bodies that come in: a file, or a form with files.
namespace chisme::node {

namespace {
Error ended_early() {
  return Error{Fault::incomplete, "the upload ended before all of its bytes had come"};
}
}  // namespace

// Sends the 100 that the client waits for, unless it has begun to send the body already.
asio::awaitable<bool> HttpConnection::continue_expected() {
  bool const waits = parser_.request().expect_continue && input_.unread().empty() &&
                     state_ == web::ParseState::body;
  if (!waits) co_return true;
  co_return co_await write_all("HTTP/1.1 100 Continue\r\n\r\n");
}

asio::awaitable<std::span<std::byte const>> HttpConnection::next_body_run() {
  while (state_ == web::ParseState::body) {
    if (input_.unread().empty()) {
      bool const more = co_await read_more(host_->settings.progress_timeout);
      if (!more) break;
    }
    auto const progress = parser_.feed(input_.unread());
    input_.consume(progress.consumed);
    state_ = progress.state;
    // `consume` moves no bytes, so the run stays where it is until the next read.
    if (!progress.body.empty()) co_return progress.body;
    if (progress.consumed == 0 && state_ == web::ParseState::body) {
      bool const more = co_await read_more(host_->settings.progress_timeout);
      if (!more) break;
    }
  }
  co_return std::span<std::byte const>{};
}

asio::awaitable<Result<void>> HttpConnection::read_body_into(std::shared_ptr<web::Upload> upload) {
  std::span<std::byte const> run;
  auto write = [&](web::Done<void> done) { upload->write(run, std::move(done)); };
  while (state_ == web::ParseState::body) {
    run = co_await next_body_run();
    if (run.empty()) break;
    auto const written = co_await await_done<void>(host_->loop, write);
    if (!written) co_return written;
  }
  if (state_ == web::ParseState::complete) co_return Result<void>{};
  co_return tl::unexpected(ended_early());
}

asio::awaitable<HttpConnection::After> HttpConnection::receive_share(web::ReceiveShare) {
  bool const going = co_await continue_expected();
  if (!going) co_return After::close;
  std::string body;
  while (state_ == web::ParseState::body && body.size() <= web::share_wish_bytes_max) {
    auto const run = co_await next_body_run();
    if (run.empty()) break;
    body.append(reinterpret_cast<char const*>(run.data()), run.size());
  }
  if (state_ == web::ParseState::failed) {
    auto answer = host_->service.malformed(parser_.failure());
    co_return co_await reply(std::move(answer));
  }
  if (state_ == web::ParseState::body && body.size() <= web::share_wish_bytes_max) {
    co_return After::close;  // the client left
  }
  if (body.size() > web::share_wish_bytes_max) body.clear();  // no description is so long
  auto answer = host_->service.shared(parser_.request(), body);
  co_return co_await reply(std::move(answer));
}

asio::awaitable<HttpConnection::After> HttpConnection::receive_file(web::ReceiveFile plan) {
  using Stored = Result<web::StoredFile>;
  auto begun = co_await begin_upload(host_->loop, host_->gateway, plan.upload);
  if (!begun) {
    auto answer = host_->service.stored(parser_.request(), Stored(tl::unexpected(begun.error())));
    co_return co_await reply(std::move(answer));
  }
  auto const upload = std::move(*begun);
  bool const going = co_await continue_expected();
  if (!going) co_return After::close;
  auto const received = co_await read_body_into(upload);
  if (state_ == web::ParseState::failed) {
    auto answer = host_->service.malformed(parser_.failure());
    co_return co_await reply(std::move(answer));
  }
  if (!received && received.error().fault == Fault::incomplete) co_return After::close;
  Stored stored = tl::unexpected(Error{});
  if (received) {
    auto finish = [&](web::Done<web::StoredFile> done) { upload->finish(std::move(done)); };
    stored = co_await await_done<web::StoredFile>(host_->loop, finish);
  } else {
    stored = tl::unexpected(received.error());
  }
  auto answer = host_->service.stored(parser_.request(), stored);
  co_return co_await reply(std::move(answer));
}

// A form on its way in.
struct HttpConnection::Form {
  Form(std::string const& boundary, std::optional<web::TimeToLive> its_ttl)
      : reader(boundary), ttl(its_ttl) {}
  web::MultipartReader reader;
  std::shared_ptr<web::Upload> upload;  // of the file part under way
  std::vector<Result<web::StoredFile>> results;
  std::optional<web::TimeToLive> ttl;
  std::optional<std::string> field;  // the value of the field `ttl` under way
  bool ended = false;
};

asio::awaitable<HttpConnection::After> HttpConnection::receive_form(web::ReceiveForm plan) {
  auto const form = std::make_shared<Form>(plan.boundary, plan.ttl);
  bool going = co_await continue_expected();
  if (!going) co_return After::close;
  while (going && state_ == web::ParseState::body) {
    auto const run = co_await next_body_run();
    if (run.empty()) break;
    going = co_await feed_form(form, run);
  }
  if (state_ == web::ParseState::failed) {
    auto answer = host_->service.malformed(parser_.failure());
    co_return co_await reply(std::move(answer));
  }
  if (going && state_ != web::ParseState::complete) co_return After::close;
  if (going && !form->reader.finish_cleanly()) {
    form->results.push_back(
        tl::unexpected(Error{Fault::invalid, "the form ended before its closing boundary"}));
  }
  auto answer = host_->service.form_stored(parser_.request(), plan, form->results);
  co_return co_await reply(std::move(answer));
}

// False when the form cannot go on; its last result says why.
asio::awaitable<bool> HttpConnection::feed_form(std::shared_ptr<Form> form,
                                                std::span<std::byte const> run) {
  while (true) {
    auto const progress = form->reader.feed(run);
    run = run.subspan(progress.consumed);
    if (progress.event == web::MultipartReader::Event::need_more) co_return true;
    if (progress.event == web::MultipartReader::Event::end) co_return true;
    bool const going = co_await handle_form_event(form, progress);
    if (!going) co_return false;
  }
}

asio::awaitable<bool> HttpConnection::handle_form_event(std::shared_ptr<Form> form,
                                                        web::MultipartReader::Progress progress) {
  using Event = web::MultipartReader::Event;
  if (progress.event == Event::failed) {
    form->results.push_back(tl::unexpected(form->reader.error()));
    co_return false;
  }
  if (progress.event == Event::part_begin) co_return co_await begin_part(form);
  if (progress.event == Event::part_end) co_return co_await end_part(form);
  if (!form->upload) {  // an ordinary field
    auto const* const text = reinterpret_cast<char const*>(progress.data.data());
    bool const is_short = form->field && form->field->size() <= web::ttl_bytes_max;
    if (is_short) form->field->append(text, std::min(progress.data.size(), web::ttl_bytes_max + 1));
    co_return true;
  }
  auto write = [&](web::Done<void> done) { form->upload->write(progress.data, std::move(done)); };
  auto const written = co_await await_done<void>(host_->loop, write);
  if (!written) form->results.push_back(tl::unexpected(written.error()));
  co_return written.has_value();
}

asio::awaitable<bool> HttpConnection::begin_part(std::shared_ptr<Form> form) {
  auto const part = form->reader.part();
  // A browser sends a file field that was left empty as a part without a file name.
  if (!part.filename || part.filename->empty()) {
    if (!part.filename && part.name == "ttl") form->field.emplace();
    co_return true;
  }
  auto request = host_->service.form_upload(part);
  if (!request) {
    form->results.push_back(tl::unexpected(request.error()));
    co_return false;
  }
  request->ttl = form->ttl;
  auto begun = co_await begin_upload(host_->loop, host_->gateway, *request);
  if (begun) {
    form->upload = std::move(*begun);
  } else {
    form->results.push_back(tl::unexpected(begun.error()));
  }
  co_return begun.has_value();
}

// An empty one is a form's that nobody filled in.
bool HttpConnection::end_field(Form& form) {
  auto const field = std::exchange(form.field, std::nullopt);
  if (!field || field->empty()) return true;
  auto const ttl = web::parse_ttl(*field);
  if (ttl) form.ttl = *ttl;
  if (!ttl) form.results.push_back(tl::unexpected(ttl.error()));
  return ttl.has_value();
}

asio::awaitable<bool> HttpConnection::end_part(std::shared_ptr<Form> form) {
  auto const upload = std::exchange(form->upload, nullptr);
  if (!upload) co_return end_field(*form);
  auto finish = [&](web::Done<web::StoredFile> done) { upload->finish(std::move(done)); };
  auto stored = co_await await_done<web::StoredFile>(host_->loop, finish);
  bool const going = stored.has_value();
  form->results.push_back(std::move(stored));
  co_return going;
}

}  // namespace chisme::node
