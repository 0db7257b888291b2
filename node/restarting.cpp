#include "node/restarting.hpp"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstdlib>
#include <cstring>
#include <iostream>
#include <sstream>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "node/storage/posix.hpp"

namespace chisme::node {
namespace {

using namespace std::chrono_literals;

// The next program inherits the environment: it says how many starts in a row this was.
constexpr char const* in_a_row_variable = "CHISME_RESTARTS_IN_A_ROW";

}  // namespace

unsigned restarts_in_a_row() {
  char const* const text = std::getenv(in_a_row_variable);
  std::string_view const digits = text == nullptr ? "" : text;
  unsigned count = 0;
  std::from_chars(digits.data(), digits.data() + digits.size(), count);
  return std::min(count, 100u);
}

Duration pause_before_restart(unsigned in_a_row) {
  constexpr Duration longest = 30s;
  if (in_a_row == 0) return 0s;
  return std::min<Duration>(longest, 100ms * (1u << std::min(in_a_row, 10u)));
}

std::vector<std::string> own_command_line() {
  std::vector<std::string> words;
  std::istringstream lines{read_file("/proc/self/cmdline").value_or("")};
  for (std::string word; std::getline(lines, word, '\0');) words.push_back(word);
  return words;
}

void start_again(std::vector<std::string> command_line, Duration ran) {
  if (command_line.empty()) {
    std::cerr << "chisme: the node cannot start again: its command line is not known" << std::endl;
    return;
  }
  std::vector<char*> arguments;
  for (std::string& word : command_line) arguments.push_back(word.data());
  arguments.push_back(nullptr);
  unsigned const in_a_row = ran < lasting_run ? restarts_in_a_row() : 0;
  ::setenv(in_a_row_variable, std::to_string(in_a_row + 1).c_str(), 1);
  std::this_thread::sleep_for(pause_before_restart(in_a_row));
  ::execv("/proc/self/exe", arguments.data());
  std::cerr << "chisme: the node cannot start again: " << std::strerror(errno) << std::endl;
}

}  // namespace chisme::node
