#include "node/cli/client_token.hpp"

#include <cstdlib>

#include "node/security/access_token.hpp"
#include "node/security/private_file.hpp"

namespace chisme::node::cli {
namespace {

std::string without_spaces_around(std::string const& text) {
  constexpr char spaces[] = " \t\r\n";
  std::size_t const begin = text.find_first_not_of(spaces);
  if (begin == std::string::npos) return {};
  return text.substr(begin, text.find_last_not_of(spaces) - begin + 1);
}

}  // namespace

Result<std::string> client_token(std::string const& file) {
  std::string text;
  std::string where = "CHISME_TOKEN";
  if (!file.empty()) {
    auto read = read_private_file(file, "token file");
    if (!read) return tl::unexpected<Error>(read.error());
    text = *read;
    where = file;
  } else if (char const* const variable = std::getenv("CHISME_TOKEN")) {
    text = variable;
  }
  text = without_spaces_around(text);
  if (text.empty() && file.empty()) return text;
  if (read_token(text)) return text;
  return fail(Fault::invalid, where + " has no token: one is a line as chisme token new prints it");
}

}  // namespace chisme::node::cli
