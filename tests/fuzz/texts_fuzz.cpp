#include <array>
#include <cstddef>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "cluster/base/check.hpp"
#include "cluster/base/identity.hpp"
#include "node/cli/origin.hpp"
#include "node/cli/text.hpp"
#include "node/cli/up_protocol.hpp"
#include "node/http/request_id.hpp"
#include "node/log_line.hpp"
#include "node/security/join_token.hpp"
#include "node/security/secret.hpp"

// Small texts that people and other processes give: ids, addresses, secrets, tokens, orders, URLs.
// What is taken is written again as it was.
using namespace chisme;
using namespace chisme::node;

namespace {

void check_values(std::string_view text) {
  if (auto const id = parse_node_id(text)) CHECK(to_string(*id) == text);
  if (auto const digest = parse_digest(text)) CHECK(to_hex(*digest) == text);
  if (auto const version = parse_version(text)) CHECK(to_string(*version) == text);
  if (auto const secret = parse_secret(text)) CHECK(to_text(*secret) == text);
  if (auto const at = parse_endpoint(text)) {
    CHECK(parse_endpoint(to_string(*at)) == at);
    static_cast<void>(is_loopback(*at));
  }
  if (auto const token = parse_join_token(text)) {
    CHECK(!token->peers.empty() && token->peers.size() <= JoinToken::peers_max);
    CHECK(parse_join_token(to_text(*token)) == token);
  }
}

void check_location(std::string_view text) {
  auto const location = cli::parse_location(text);
  if (!location) {
    CHECK(!location.error().message.empty());
    return;
  }
  CHECK(!location->target.empty() && location->target.front() == '/');
  auto const again = cli::parse_location(to_string(location->origin));
  CHECK(again && again->origin == location->origin);
}

// Lines do not depend on how they come.
void check_lines(std::string_view text) {
  cli::Lines at_once;
  cli::Lines by_byte;
  auto const lines = at_once.feed(text);
  std::vector<std::string> same;
  for (char const c : text) {
    for (std::string& line : by_byte.feed({&c, 1})) same.push_back(std::move(line));
  }
  CHECK(lines == same);
  for (std::string const& line : lines) {
    CHECK(line.size() <= cli::Lines::line_bytes_max && line.find('\n') == std::string::npos);
    auto const order = cli::parse_up_command(line, 5);
    if (order && *order) CHECK((*order)->node <= 5);
  }
}

// Whatever is told of in the log: a line is one line, or one object of JSON. Names of requests are
// taken as they are or not at all.
void check_log(std::string_view text) {
  std::array<LogField, 1> const fields{{{"path", text}}};
  LogRecord const record{.message = text, .fields = fields};
  for (char const c : text_line(record)) CHECK(static_cast<unsigned char>(c) >= 0x20 && c != 0x7f);
  CHECK(nlohmann::json::parse(json_line(record), nullptr, false).size() == 5);
  if (auto const id = RequestId::parse(text)) CHECK(id->text() == text && text.size() <= 64);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
  std::string_view const text{reinterpret_cast<char const*>(data), size};
  check_values(text);
  check_location(text);
  check_lines(text);
  check_log(text);
  for (char const c : cli::printable(std::string{text})) {
    CHECK(static_cast<unsigned char>(c) >= 0x20 && c != 0x7f);
  }
  return 0;
}
