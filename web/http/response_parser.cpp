#include "web/http/response_parser.hpp"

#include <utility>

#include "cluster/base/check.hpp"
#include "web/http/characters.hpp"
#include "web/http/message_reader.hpp"

namespace chisme::web {

std::optional<std::string_view> Response::header(std::string_view name) const {
  for (Header const& header : headers) {
    if (equal_without_case(header.name, name)) return header.value;
  }
  return std::nullopt;
}

struct ResponseParser::State {
  explicit State(ParserLimits limits)
      : reader(MessageReader::Kind::response, limits, [this] { return judge_head(); }) {}

  MessageReader::Verdict judge_head() {
    llhttp_t const& raw = reader.raw();
    response = Response{};
    response.status = raw.status_code;
    response.headers = reader.headers();
    response.chunked = reader.chunked();
    response.content_length = reader.content_length();
    response.keep_alive = llhttp_should_keep_alive(&raw) != 0;
    if (raw.http_major != 1 || raw.http_minor > 1) {
      return {ParseFailure{505, "The answer is not in HTTP/1.1 or HTTP/1.0."}, false};
    }
    if (response.status < 100) return {ParseFailure{400, "The answer has no valid status."}, false};
    bool const interim = response.status < 200;
    return {reader.framing_failure(), interim || without_body};
  }
  [[nodiscard]] bool is_interim() const {
    return reader.state() == ParseState::complete && response.status < 200 &&
           response.status != 101;
  }

  Response response;
  bool without_body = false;
  MessageReader reader;
};

ResponseParser::ResponseParser(ParserLimits limits) : state_(std::make_unique<State>(limits)) {}
ResponseParser::~ResponseParser() = default;
ResponseParser::ResponseParser(ResponseParser&&) noexcept = default;
ResponseParser& ResponseParser::operator=(ResponseParser&&) noexcept = default;

ResponseParser::Progress ResponseParser::feed(std::span<std::byte const> bytes) {
  std::size_t skipped = 0;
  Progress progress = state_->reader.feed(bytes);
  while (state_->is_interim()) {
    skipped += progress.consumed;
    state_->reader.restart();
    progress = state_->reader.feed(bytes.subspan(skipped));
  }
  progress.consumed += skipped;
  return progress;
}

void ResponseParser::expect_no_body() {
  state_->without_body = true;
}

bool ResponseParser::finish() {
  return state_->reader.finish();
}

Response const& ResponseParser::response() const {
  return state_->response;
}

ParseFailure const& ResponseParser::failure() const {
  return state_->reader.failure();
}

void ResponseParser::next() {
  CHECK(state_->reader.state() == ParseState::complete);
  state_->without_body = false;
  state_->reader.restart();
}

}  // namespace chisme::web
