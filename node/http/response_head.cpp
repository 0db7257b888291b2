#include "node/http/response_head.hpp"

#include "web/problem.hpp"

namespace chisme::node {

std::string response_head(web::Reply const& reply, HeadFacts const& facts) {
  std::string head;
  head.reserve(1024);
  head += "HTTP/1.1 ";
  head += std::to_string(reply.status);
  head += ' ';
  head += web::reason_phrase(reply.status);
  head += "\r\nDate: ";
  head += facts.date;
  if (!facts.request_id.empty()) head.append("\r\nX-Request-Id: ").append(facts.request_id);
  head += "\r\n";
  head += reply.headers.text();
  if (facts.content_length) {
    head += "Content-Length: ";
    head += std::to_string(*facts.content_length);
    head += "\r\n";
  }
  if (!facts.keep_alive) {
    head += "Connection: close\r\n";
  } else if (facts.http_1_0) {
    head += "Connection: keep-alive\r\n";
  }
  head += "\r\n";
  return head;
}

bool has_content(unsigned status) {
  return status >= 200 && status != 204 && status != 304;
}

}  // namespace chisme::node
