#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "cluster/base/check.hpp"
#include "cluster/base/expiry.hpp"
#include "tests/fuzz/markup.hpp"
#include "web/file_page.hpp"
#include "web/problem.hpp"
#include "web/problem_page.hpp"
#include "web/trash_page.hpp"

// Pages of HTML: whatever a file is called, a person typed or an error says, it is no markup.
using namespace chisme;
using namespace chisme::web;

namespace {

std::string list_with(std::string const& text) {
  FileInfo file;
  file.name = text;
  FoundFiles const found{.files = {file}, .total = 1, .more = true};
  std::vector<IncompleteFile> const incomplete{{text, text, ByteCount{7}, {}}};
  FileQuery const query{.prefix = text, .words = {text}, .sort = FileSort::size};
  return to_html({.found = found,
                  .incomplete = incomplete,
                  .query = query,
                  .search = text,
                  .next = "7:" + text,
                  .first = false,
                  .style = text});
}

std::string trash_with(std::string const& text) {
  FileInfo file;
  file.name = std::string{trash_prefix} + to_trash_id({{}, {}, 1, text});
  Listing const listing{.files = {file}, .next = file.name};
  return to_html({.listing = listing, .first = false, .style = text});
}

std::string problem_with(std::string const& text) {
  return problem_page({}, problem(404, text), {}).body;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
  static auto const plain_list = markup_of(list_with("a"));
  static auto const plain_problem = markup_of(problem_with("a"));
  static auto const plain_trash = markup_of(trash_with("a"));
  CHECK(plain_list && plain_problem && plain_trash);
  std::string const text{reinterpret_cast<char const*>(data), size};
  if (text.empty()) return 0;
  CHECK(markup_of(list_with(text)) == plain_list);
  CHECK(markup_of(problem_with(text)) == plain_problem);
  CHECK(markup_of(trash_with(text)) == plain_trash);
  return 0;
}
