#include "web/problem.hpp"

#include <array>

#include "web/json.hpp"

namespace chisme::web {
namespace {

struct Phrase {
  unsigned status;
  std::string_view text;
};
constexpr std::array phrases = std::to_array<Phrase>({
    {100, "Continue"},
    {101, "Switching Protocols"},
    {200, "OK"},
    {201, "Created"},
    {204, "No Content"},
    {206, "Partial Content"},
    {207, "Multi-Status"},
    {303, "See Other"},
    {304, "Not Modified"},
    {307, "Temporary Redirect"},
    {308, "Permanent Redirect"},
    {400, "Bad Request"},
    {401, "Unauthorized"},
    {403, "Forbidden"},
    {404, "Not Found"},
    {405, "Method Not Allowed"},
    {408, "Request Timeout"},
    {409, "Conflict"},
    {410, "Gone"},
    {411, "Length Required"},
    {412, "Precondition Failed"},
    {413, "Content Too Large"},
    {414, "URI Too Long"},
    {415, "Unsupported Media Type"},
    {416, "Range Not Satisfiable"},
    {417, "Expectation Failed"},
    {421, "Misdirected Request"},
    {426, "Upgrade Required"},
    {429, "Too Many Requests"},
    {423, "Locked"},
    {424, "Failed Dependency"},
    {460, "Checksum Mismatch"},
    {431, "Request Header Fields Too Large"},
    {500, "Internal Server Error"},
    {501, "Not Implemented"},
    {502, "Bad Gateway"},
    {503, "Service Unavailable"},
    {505, "HTTP Version Not Supported"},
    {507, "Insufficient Storage"},
});

struct Meaning {
  unsigned status;
  std::string_view advice;  // what to do about it
};
Meaning meaning_of(Fault fault) {
  switch (fault) {
    case Fault::invalid:
      return {400, ""};
    case Fault::not_found:
      return {404, ""};
    case Fault::precondition_failed:
      return {412, "Read the file's state again, then decide."};
    case Fault::digest_mismatch:
      return {400, "Nothing was stored; send the file again."};
    case Fault::incomplete:
      return {400, "Nothing was stored; send the file again."};
    case Fault::too_large:
      return {413, ""};
    case Fault::no_space:
      return {507, "Nothing was stored; delete files or add a disk."};
    case Fault::no_quorum:
      return {503, "Nothing was changed; try again when more nodes are up."};
    case Fault::unknown_outcome:
      return {0, ""};
    case Fault::unavailable:
      return {503, "Try again shortly."};
    case Fault::lost:
      return {410, ""};
    case Fault::corrupt:
      return {500, "Another copy may be intact; try again."};
    case Fault::busy:
      return {503, "Try again shortly."};
    case Fault::cancelled:
      return {0, ""};
    case Fault::io:
      return {500, "The node's log says more."};
  }
  return {500, ""};
}

// An error's message as a sentence.
std::string sentence(std::string text) {
  if (text.empty()) text = "something went wrong";
  if (text.front() >= 'a' && text.front() <= 'z') {
    text.front() = static_cast<char>(text.front() - 'a' + 'A');
  }
  if (!text.ends_with('.')) text += '.';
  return text;
}

}  // namespace

std::string_view reason_phrase(unsigned status) {
  for (Phrase const& phrase : phrases) {
    if (phrase.status == status) return phrase.text;
  }
  return "Status";
}

Reply problem(unsigned status, std::string const& detail) {
  Reply reply{.status = status,
              .headers = {{"Content-Type", "application/problem+json"},
                          {"Cache-Control", "no-store"},
                          {"X-Content-Type-Options", "nosniff"}},
              .body = R"({"type":"about:blank","title":)" + json_string(reason_phrase(status)) +
                      ",\"status\":" + std::to_string(status) +
                      ",\"detail\":" + json_string(detail) + "}\n",
              .sentence = detail};
  if (status == 503) reply.headers.add("Retry-After", "2");
  return reply;
}

void add_request_id(Reply& reply, std::string_view id) {
  constexpr std::string_view end = "}\n";
  bool const is_problem =
      !reply.sentence.empty() && reply.body.starts_with('{') && reply.body.ends_with(end);
  if (!is_problem) return;
  reply.body.insert(reply.body.size() - end.size(), ",\"request_id\":\"" + std::string{id} + '"');
}

Reply problem_of(Error const& error) {
  Meaning const meaning = meaning_of(error.fault);
  if (meaning.status == 0) return Reply{.status = 0, .headers = {}, .body = {}, .close = true};
  std::string detail = sentence(error.message);
  if (!meaning.advice.empty()) detail += " " + std::string{meaning.advice};
  return problem(meaning.status, detail);
}

}  // namespace chisme::web
