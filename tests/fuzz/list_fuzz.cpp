#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <variant>

#include "cluster/base/check.hpp"
#include "tests/fuzz/markup.hpp"
#include "tests/web/memory_gateway.hpp"
#include "web/negotiation.hpp"
#include "web/s3/address.hpp"
#include "web/service.hpp"
#include "web/target.hpp"

// The list of files: what is asked for, and in which form. The first line is Accept, the second
// what follows the `?` of `GET /files?`, the third the name of a file that is there.
using namespace chisme;
using namespace chisme::web;

namespace {

std::string take_line(std::string_view& rest) {
  std::string const line{rest.substr(0, rest.find('\n'))};
  rest.remove_prefix(std::min(rest.size(), line.size() + 1));
  return line;
}

Reply answer_to(Service& service, MemoryGateway& gateway, Request const& request) {
  Plan const plan = service.plan(request);
  if (auto const* const reply = std::get_if<Reply>(&plan)) return *reply;
  auto const& wanted = std::get<SearchFiles>(plan);
  CHECK(wanted.page.limit >= 1 && wanted.page.limit <= 1000);
  Reply answer;
  gateway.search(wanted.query, wanted.page,
                 [&](Result<FoundFiles> const& found) { answer = service.listed(request, found); });
  return answer;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
  std::string_view rest{reinterpret_cast<char const*>(data), size};
  Request request;
  std::string const accept = take_line(rest);
  request.headers = {{"Host", "localhost"}, {"Accept", accept}};
  request.target = "/files?" + take_line(rest);
  MemoryGateway gateway;
  FileInfo& file = gateway.files[std::string{rest.empty() ? "a" : rest}];
  file.name = rest.empty() ? "a" : rest;
  Service service{gateway, {}};
  Reply const reply = answer_to(service, gateway, request);
  CHECK(reply.status == 200 || reply.status == 400);
  // Who asks for S3 gets XML, whatever else is asked for.
  auto const target = parse_target(request.target);
  bool const html = prefers_html(request) && !(target && s3::is_asked(request, *target));
  std::string const type = reply.headers.values("Content-Type");
  CHECK(type.starts_with("text/html") == html);
  if (html) CHECK(markup_of(reply.body));
  return 0;
}
