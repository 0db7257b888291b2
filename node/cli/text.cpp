#include "node/cli/text.hpp"

#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <iostream>
#include <utility>

namespace chisme::node::cli {
namespace {

// Columns on a terminal, about: one per code point.
std::size_t columns_of(std::string const& text) {
  return static_cast<std::size_t>(std::count_if(text.begin(), text.end(), [](char c) {
    return (static_cast<unsigned char>(c) & 0xc0) != 0x80;
  }));
}

// At most `columns` code points, the last ones replaced by an ellipsis.
std::string shortened(std::string const& text, std::size_t columns) {
  if (columns_of(text) <= columns) return text;
  std::string out;
  std::size_t taken = 0;
  for (char const c : text) {
    bool const begins = (static_cast<unsigned char>(c) & 0xc0) != 0x80;
    if (begins && ++taken >= columns) break;
    out += c;
  }
  return out + "…";
}

std::size_t terminal_width() {
  winsize size{};
  if (::ioctl(STDERR_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_col == 0) return 80;
  return size.ws_col;
}

}  // namespace

std::string format_bytes(std::uint64_t bytes) {
  constexpr std::array<char const*, 6> units{"KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
  if (bytes < 1024) return std::to_string(bytes) + " B";
  double value = static_cast<double>(bytes) / 1024;
  std::size_t unit = 0;
  // 1023.95 would be rounded to 1024.0 of the smaller unit.
  for (; value >= 1023.95 && unit + 1 < units.size(); ++unit) value /= 1024;
  std::array<char, 32> text{};
  std::snprintf(text.data(), text.size(), "%.1f %s", value, units[unit]);
  return text.data();
}

std::string counted(std::uint64_t count, std::string_view noun) {
  return std::to_string(count) + " " + std::string{noun} + (count == 1 ? "" : "s");
}

std::string format_progress(Progress const& progress, std::size_t width) {
  double const part =
      progress.total == 0
          ? 1.0
          : std::min(1.0, static_cast<double>(progress.done) / static_cast<double>(progress.total));
  auto const ms = static_cast<std::uint64_t>(std::max<std::int64_t>(progress.elapsed.count(), 1));
  auto const speed = static_cast<std::uint64_t>(static_cast<double>(progress.done) * 1000 /
                                                static_cast<double>(ms));
  std::string const percent = std::to_string(static_cast<int>(part * 100)) + " %";
  std::string const figures = std::string(5 - std::min<std::size_t>(5, percent.size()), ' ') +
                              percent + "  " + format_bytes(progress.done) + " of " +
                              format_bytes(progress.total) + "  " + format_bytes(speed) + "/s";
  std::size_t const room = width > figures.size() + 2 ? width - figures.size() - 2 : 0;
  std::string const name = shortened(printable(progress.name), std::max<std::size_t>(room / 2, 8));
  std::size_t const used = columns_of(name) + 6;
  if (room < used + 5) return name + "  " + figures;
  std::size_t const cells = std::min<std::size_t>(room - used, 40);
  auto const full = static_cast<std::size_t>(part * static_cast<double>(cells));
  std::string bar(full, '=');
  if (full < cells) bar += '>' + std::string(cells - full - 1, ' ');
  return name + "  [" + bar + "]  " + figures;
}

std::string format_table(std::vector<std::vector<std::string>> const& rows) {
  std::vector<std::size_t> widths;
  for (auto const& row : rows) {
    widths.resize(std::max(widths.size(), row.size()));
    for (std::size_t i = 0; i < row.size(); ++i)
      widths[i] = std::max(widths[i], columns_of(row[i]));
  }
  std::string out;
  for (auto const& row : rows) {
    std::string line;
    for (std::size_t i = 0; i < row.size(); ++i) {
      line += row[i] + std::string(widths[i] - columns_of(row[i]) + 2, ' ');
    }
    line.erase(line.find_last_not_of(' ') + 1);
    out += line + "\n";
  }
  return out;
}

std::string printable(std::string const& text) {
  std::string out = text;
  for (std::size_t i = 0; i < out.size(); ++i) {
    auto const byte = static_cast<unsigned char>(out[i]);
    if (byte < 0x20 || byte == 0x7f) out[i] = '?';
    // C1 controls (U+0080 to U+009F) are C2 80 to C2 9F in UTF-8.
    if (byte == 0xc2 && i + 1 < out.size() && static_cast<unsigned char>(out[i + 1]) < 0xa0) {
      out.replace(i, 2, "?");
    }
  }
  return out;
}

ProgressLine::ProgressLine(std::string name, std::uint64_t total, bool wanted)
    : name_(std::move(name)),
      total_(total),
      drawing_(wanted && ::isatty(STDERR_FILENO) == 1),
      began_(std::chrono::steady_clock::now()) {}

ProgressLine::~ProgressLine() {
  if (drawing_) std::cerr << "\r\x1b[K" << std::flush;
}

void ProgressLine::show(std::uint64_t done) {
  if (!drawing_) return;
  auto const now = std::chrono::steady_clock::now();
  if (now - drawn_ < std::chrono::milliseconds{100} && done < total_) return;
  drawn_ = now;
  Progress const progress{name_, done, total_,
                          std::chrono::duration_cast<std::chrono::milliseconds>(now - began_)};
  std::cerr << "\r" << format_progress(progress, terminal_width() - 1) << "\x1b[K" << std::flush;
}

}  // namespace chisme::node::cli
