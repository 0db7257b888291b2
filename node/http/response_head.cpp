#include "node/http/response_head.hpp"

#include <algorithm>
#include <array>
#include <iterator>
#include <utility>

namespace chisme::node {

namespace {
// RFC 9110, 15; RFC 6585; RFC 4918.
constexpr std::pair<unsigned, char const*> reasons[] = {
    {200, "OK"},
    {201, "Created"},
    {204, "No Content"},
    {206, "Partial Content"},
    {303, "See Other"},
    {304, "Not Modified"},
    {307, "Temporary Redirect"},
    {400, "Bad Request"},
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
    {431, "Request Header Fields Too Large"},
    {500, "Internal Server Error"},
    {501, "Not Implemented"},
    {502, "Bad Gateway"},
    {503, "Service Unavailable"},
    {505, "HTTP Version Not Supported"},
    {507, "Insufficient Storage"},
};
}  // namespace

char const* reason_phrase(unsigned status) {
  auto const found = std::find_if(std::begin(reasons), std::end(reasons),
                                  [status](auto const& it) { return it.first == status; });
  return found == std::end(reasons) ? "" : found->second;
}

std::string http_date(std::time_t time) {
  // Not strftime: its names follow the locale.
  static constexpr std::array days{"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
  static constexpr std::array months{"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                     "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  std::tm parts{};
  gmtime_r(&time, &parts);
  auto const two = [](int number) {
    return std::string{static_cast<char>('0' + number / 10), static_cast<char>('0' + number % 10)};
  };
  return std::string(days[static_cast<std::size_t>(parts.tm_wday)]) + ", " + two(parts.tm_mday) +
         " " + months[static_cast<std::size_t>(parts.tm_mon)] + " " +
         std::to_string(parts.tm_year + 1900) + " " + two(parts.tm_hour) + ":" + two(parts.tm_min) +
         ":" + two(parts.tm_sec) + " GMT";
}

std::string response_head(web::Reply const& reply, HeadFacts const& facts) {
  std::string head;
  head.reserve(512);
  head += "HTTP/1.1 ";
  head += std::to_string(reply.status);
  head += ' ';
  head += reason_phrase(reply.status);
  head += "\r\nDate: ";
  head += facts.date;
  for (auto const& header : reply.headers) {
    head += "\r\n";
    head += header.name;
    head += ": ";
    head += header.value;
  }
  if (facts.content_length) {
    head += "\r\nContent-Length: ";
    head += std::to_string(*facts.content_length);
  }
  if (!facts.keep_alive) {
    head += "\r\nConnection: close";
  } else if (facts.http_1_0) {
    head += "\r\nConnection: keep-alive";
  }
  head += "\r\n\r\n";
  return head;
}

bool has_content(unsigned status) {
  return status >= 200 && status != 204 && status != 304;
}

}  // namespace chisme::node
