#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

// How numbers and tables look on a terminal.
namespace chisme::node::cli {

// "0 B", "999 B", "1.5 KiB", "24.0 MiB".
[[nodiscard]] std::string format_bytes(std::uint64_t bytes);
// "1 file", "2 files": the noun's plural is its singular with an s.
[[nodiscard]] std::string counted(std::uint64_t count, std::string_view noun);
// "movie.mp4  [=====>    ]  52 %  12.5 MiB of 24.0 MiB  6.2 MiB/s", at most `width` columns wide
// if that is at all possible.
struct Progress {
  std::string name;
  std::uint64_t done = 0;
  std::uint64_t total = 0;
  std::chrono::milliseconds elapsed{0};
};
[[nodiscard]] std::string format_progress(Progress const& progress, std::size_t width);

// Columns as wide as their widest cell, two spaces between; no space at a line's end. The first row
// is the heading.
[[nodiscard]] std::string format_table(std::vector<std::vector<std::string>> const& rows);

// `text` with control characters replaced: names come from strangers and must not steer a terminal.
[[nodiscard]] std::string printable(std::string const& text);

// ProgressLine redraws one line on standard error, at most ten times a second, if that is a
// terminal; else it prints nothing. One thread.
class ProgressLine {
 public:
  ProgressLine(std::string name, std::uint64_t total, bool wanted);
  ~ProgressLine();
  ProgressLine(ProgressLine const&) = delete;
  ProgressLine& operator=(ProgressLine const&) = delete;
  void show(std::uint64_t done);

 private:
  std::string name_;
  std::uint64_t total_;
  bool drawing_;
  std::chrono::steady_clock::time_point began_;
  std::chrono::steady_clock::time_point drawn_{};
};

}  // namespace chisme::node::cli
