#include "node/cli/up_protocol.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <utility>

namespace chisme::node::cli {
namespace {

std::vector<std::string_view> words_of(std::string_view line) {
  constexpr std::string_view blanks = " \t\r";
  std::vector<std::string_view> words;
  for (;;) {
    std::size_t const begin = line.find_first_not_of(blanks);
    if (begin == std::string_view::npos) return words;
    line.remove_prefix(begin);
    words.push_back(line.substr(0, line.find_first_of(blanks)));
    line.remove_prefix(words.back().size());
  }
}

struct Word {
  std::string_view text;
  Order order;
  bool names_node;
};
constexpr std::array<Word, 6> vocabulary{{{"kill", Order::kill, true},
                                          {"start", Order::start, true},
                                          {"stop", Order::stop, true},
                                          {"cont", Order::resume, true},
                                          {"status", Order::status, false},
                                          {"quit", Order::quit, false}}};

}  // namespace

Result<std::optional<UpCommand>> parse_up_command(std::string_view line, unsigned nodes) {
  auto const words = words_of(line);
  if (words.empty()) return std::nullopt;
  auto const word = std::find_if(vocabulary.begin(), vocabulary.end(),
                                 [&](Word const& w) { return w.text == words[0]; });
  if (word == vocabulary.end() || words.size() != (word->names_node ? 2u : 1u)) {
    return fail(Fault::invalid, "\"" + std::string(line) +
                                    "\" is not understood: try kill K, start K, stop K, cont K, "
                                    "status or quit");
  }
  if (!word->names_node) return UpCommand{word->order, 0};
  unsigned node = 0;
  char const* const last = words[1].data() + words[1].size();
  auto const [end, fault] = std::from_chars(words[1].data(), last, node);
  if (fault != std::errc{} || end != last || node < 1 || node > nodes) {
    return fail(Fault::invalid, "there is no node " + std::string(words[1]) +
                                    ": they are numbered from 1 to " + std::to_string(nodes));
  }
  return UpCommand{word->order, node};
}

std::string node_line(unsigned number, std::string const& url, long pid) {
  return "node " + std::to_string(number) + " " + url + " pid " + std::to_string(pid);
}

std::vector<std::string> Lines::feed(std::string_view bytes) {
  std::vector<std::string> lines;
  for (char const c : bytes) {
    if (c == '\n') {
      if (!std::exchange(dropping_, false)) lines.push_back(begun_);
      begun_.clear();
    } else if (!dropping_) {
      begun_ += c;
      if (begun_.size() > line_bytes_max) {
        dropping_ = true;
        begun_.clear();
      }
    }
  }
  return lines;
}

}  // namespace chisme::node::cli
