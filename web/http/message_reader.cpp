#include "web/http/message_reader.hpp"

#include <algorithm>
#include <utility>

#include "web/http/characters.hpp"

namespace chisme::web {

MessageReader::MessageReader(Kind kind, ParserLimits limits, std::function<Verdict()> on_head)
    : kind_(kind), limits_(limits), on_head_(std::move(on_head)), inspector_(limits) {
  restart();
}

void MessageReader::restart() {
  llhttp_init(&parser_, kind_ == Kind::request ? HTTP_REQUEST : HTTP_RESPONSE, &callbacks());
  parser_.data = this;
  inspector_ = HeadInspector{limits_};
  trailers_.reset();
  state_ = ParseState::head;
  target_.clear();
  headers_.clear();
  in_value_ = true;
  extra_bytes_ = 0;
  body_ = {};
}

RequestParser::Progress MessageReader::feed(std::span<std::byte const> bytes) {
  if (state_ == ParseState::failed || state_ == ParseState::complete || bytes.empty()) {
    return {state_};
  }
  std::span<std::byte const> run = bytes;
  if (state_ == ParseState::head) {
    run = bytes.first(inspector_.pass(bytes));
    if (inspector_.failure()) return refuse(*inspector_.failure());
  } else if (trailers_) {
    run = bytes.first(trailers_->pass(bytes));
    if (trailers_->failure()) return refuse(*trailers_->failure());
  }
  body_ = {};
  llhttp_resume(&parser_);
  char const* const begin = reinterpret_cast<char const*>(run.data());
  llhttp_errno_t const error = llhttp_execute(&parser_, begin, run.size());
  if (error != HPE_OK && error != HPE_PAUSED) return refuse(described(error));
  std::size_t const consumed =
      error == HPE_PAUSED ? static_cast<std::size_t>(llhttp_get_error_pos(&parser_) - begin)
                          : run.size();
  // llhttp must agree with the inspector about where the head ends. Only to the preface of HTTP/2
  // it does not: that has bytes after its empty line.
  if (state_ == ParseState::head && inspector_.done()) {
    return refuse(described(parser_.method == HTTP_PRI ? HPE_PAUSED_H2_UPGRADE : HPE_INTERNAL));
  }
  return {state_, consumed, body_};
}

bool MessageReader::finish() {
  if (state_ != ParseState::body) return state_ == ParseState::complete || !began();
  llhttp_resume(&parser_);
  llhttp_errno_t const error = llhttp_finish(&parser_);
  return (error == HPE_OK || error == HPE_PAUSED) && state_ == ParseState::complete;
}

RequestParser::Progress MessageReader::refuse(ParseFailure failure) {
  if (state_ != ParseState::failed) failure_ = std::move(failure);
  state_ = ParseState::failed;
  return {ParseState::failed};
}

ParseFailure MessageReader::described(llhttp_errno_t error) const {
  if (state_ == ParseState::failed) return failure_;
  switch (error) {
    case HPE_INVALID_VERSION:
    case HPE_PAUSED_H2_UPGRADE:
      return {505, "Only HTTP/1.1 and HTTP/1.0 are spoken here."};
    case HPE_INVALID_METHOD:
      return {400, "The request has no known method."};
    case HPE_INVALID_URL:
      return {400, "The address has a character that must be percent-encoded."};
    case HPE_UNEXPECTED_CONTENT_LENGTH:
    case HPE_INVALID_CONTENT_LENGTH:
      return {400, "The Content-Length is not one plain number, or is not alone."};
    case HPE_INVALID_TRANSFER_ENCODING:
      return {400, "The Transfer-Encoding is not valid."};
    case HPE_INVALID_CHUNK_SIZE:
      return {400, "The size of a chunk is not a hexadecimal number."};
    default:
      return {400, "The message breaks the rules of HTTP/1.1."};
  }
}

std::optional<ParseFailure> MessageReader::framing_failure() const {
  std::size_t lengths = 0;
  std::size_t encodings = 0;
  std::string_view encoding;
  for (Header const& header : headers_) {
    lengths += equal_without_case(header.name, "content-length") ? 1u : 0u;
    if (!equal_without_case(header.name, "transfer-encoding")) continue;
    ++encodings;
    encoding = header.value;
  }
  if (lengths > 0 && encodings > 0) {
    return ParseFailure{400, "Content-Length and Transfer-Encoding must not come together."};
  }
  if (lengths > 1 || encodings > 1) return ParseFailure{400, "The body's length is given twice."};
  if (encodings == 0) return std::nullopt;
  if (parser_.http_minor == 0) {
    return ParseFailure{400, "HTTP/1.0 has no Transfer-Encoding."};
  }
  if (equal_without_case(trimmed(encoding), "chunked")) return std::nullopt;
  return ParseFailure{501, "The only Transfer-Encoding understood is chunked."};
}

std::optional<ByteCount> MessageReader::content_length() const {
  if ((parser_.flags & F_CONTENT_LENGTH) == 0) return std::nullopt;
  return ByteCount{parser_.content_length};
}

MessageReader& MessageReader::of(llhttp_t* parser) {
  return *static_cast<MessageReader*>(parser->data);
}

llhttp_settings_t const& MessageReader::callbacks() {
  static llhttp_settings_t const settings = [] {
    llhttp_settings_t made;
    llhttp_settings_init(&made);
    made.on_url = on_text;
    made.on_header_field = on_field;
    made.on_header_value = on_value;
    made.on_headers_complete = on_headers;
    made.on_body = on_body;
    made.on_chunk_header = on_chunk;
    made.on_chunk_extension_name = on_extra;
    made.on_chunk_extension_value = on_extra;
    made.on_message_complete = on_complete;
    return made;
  }();
  return settings;
}

int MessageReader::on_text(llhttp_t* parser, char const* at, std::size_t size) {
  of(parser).target_.append(at, size);
  return HPE_OK;
}

int MessageReader::on_field(llhttp_t* parser, char const* at, std::size_t size) {
  MessageReader& self = of(parser);
  if (self.state_ != ParseState::head) return on_extra(parser, at, size);
  if (std::exchange(self.in_value_, false)) self.headers_.emplace_back();
  self.headers_.back().name.append(at, size);
  return HPE_OK;
}

int MessageReader::on_value(llhttp_t* parser, char const* at, std::size_t size) {
  MessageReader& self = of(parser);
  if (self.state_ != ParseState::head) return on_extra(parser, at, size);
  if (self.headers_.empty()) return HPE_USER;
  self.in_value_ = true;
  self.headers_.back().value.append(at, size);
  return HPE_OK;
}

int MessageReader::on_headers(llhttp_t* parser) {
  MessageReader& self = of(parser);
  for (Header& header : self.headers_) header.value = trimmed(header.value);
  // What follows an upgrade is not llhttp's business: the message ends with its head, or has the
  // body that its headers announce.
  parser->upgrade = 0;
  Verdict verdict = self.on_head_();
  if (verdict.failure) {
    self.refuse(std::move(*verdict.failure));
    return -1;
  }
  self.state_ = ParseState::body;
  if (verdict.without_body) return 1;
  bool const body_follows = self.chunked() || parser->content_length > 0;
  return body_follows ? HPE_PAUSED : 0;
}

int MessageReader::on_body(llhttp_t* parser, char const* at, std::size_t size) {
  MessageReader& self = of(parser);
  self.body_ = std::as_bytes(std::span{at, size});
  // Runs of one chunk each: more than the terminator of the last always follows, so that pausing
  // here never leaves a complete message unnoticed.
  return self.chunked() ? HPE_PAUSED : HPE_OK;
}

// Behind the last chunk's header the inspector goes first again.
int MessageReader::on_chunk(llhttp_t* parser) {
  // What no file can be is not waited for.
  if (parser->content_length >> 63 != 0) {
    of(parser).refuse({413, "A chunk is larger than any file."});
    return HPE_USER;
  }
  if (parser->content_length > 0) return HPE_OK;
  of(parser).trailers_ = HeadInspector::of_trailers(of(parser).limits_);
  return HPE_PAUSED;
}

int MessageReader::on_extra(llhttp_t* parser, char const*, std::size_t size) {
  MessageReader& self = of(parser);
  self.extra_bytes_ += size + 1;
  if (self.extra_bytes_ <= self.limits_.headers_bytes_max) return HPE_OK;
  self.refuse({431, "The chunks' extensions and trailers are too long."});
  return HPE_USER;
}

int MessageReader::on_complete(llhttp_t* parser) {
  of(parser).state_ = ParseState::complete;
  return HPE_PAUSED;
}

}  // namespace chisme::web
