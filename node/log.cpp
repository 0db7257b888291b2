#include "node/log.hpp"

#include <spdlog/async.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include <array>
#include <atomic>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "node/clock.hpp"
#include "node/log_repeats.hpp"

namespace chisme::node::log {
namespace {

constexpr std::size_t lines_max = 8192;
constexpr int nothing_shown = static_cast<int>(LogLevel::error) + 1;

// The process's one log: standard error is one too.
struct Log {
  Log() {
    for (auto& level : least) level = nothing_shown;
  }

  void show(LogSettings const& settings);
  void tell(LogRecord const& record);
  void tell_of(std::vector<LogRepeats::LeftOut> const& left_out);

  std::array<std::atomic<int>, log_components> least;  // LogLevel, by component
  std::mutex mutex;
  std::shared_ptr<spdlog::details::thread_pool> pool;
  std::shared_ptr<spdlog::async_logger> logger;
  LogFormat format = LogFormat::text;
  LogRepeats repeats;
};

Log& the_log() {
  static Log log;
  return log;
}

// The line is made here, whatever the library would add.
void Log::tell(LogRecord const& record) {
  std::string const line = format == LogFormat::json ? json_line(record) : text_line(record);
  logger->log(spdlog::level::err, spdlog::string_view_t{line.data(), line.size()});
}

void Log::tell_of(std::vector<LogRepeats::LeftOut> const& left_out) {
  for (LogRepeats::LeftOut const& one : left_out) {
    tell({wall_now(), one.level, one.component, one.message});
  }
}

int least_of(LogSettings const& settings, LogComponent component) {
  auto const own = settings.of.find(component);
  if (own != settings.of.end()) return static_cast<int>(own->second);
  return component == LogComponent::access ? nothing_shown : static_cast<int>(settings.level);
}

void Log::show(LogSettings const& settings) {
  for (std::size_t i = 0; i < log_components; ++i) {
    least[i] = least_of(settings, static_cast<LogComponent>(i));
  }
}

}  // namespace

void start(LogSettings const& settings) {
  Log& log = the_log();
  std::lock_guard const lock{log.mutex};
  log.pool = std::make_shared<spdlog::details::thread_pool>(lines_max, 1);
  log.logger = std::make_shared<spdlog::async_logger>(
      "chisme", std::make_shared<spdlog::sinks::stderr_sink_mt>(), log.pool,
      spdlog::async_overflow_policy::overrun_oldest);
  log.logger->set_pattern("%v");
  log.format = settings.format;
  log.repeats = {};
  log.show(settings);
}

void set_levels(LogSettings const& settings) {
  Log& log = the_log();
  std::lock_guard const lock{log.mutex};
  if (log.logger) log.show(settings);
}

void stop() {
  Log& log = the_log();
  std::lock_guard const lock{log.mutex};
  for (auto& level : log.least) level = nothing_shown;
  if (log.logger) log.tell_of(log.repeats.all());
  log.logger.reset();
  log.pool.reset();  // waits until the queue is written
}

bool shows(LogComponent component, LogLevel level) {
  auto const& least = the_log().least[static_cast<std::size_t>(component)];
  return static_cast<int>(level) >= least.load(std::memory_order_relaxed);
}

void write(LogComponent component, LogLevel level, std::string_view line,
           std::span<Field const> fields) {
  if (!shows(component, level)) return;
  Log& log = the_log();
  std::lock_guard const lock{log.mutex};
  if (!log.logger) return;
  Instant const now = steady_now();
  log.tell_of(log.repeats.ended(now));
  // Of requests each is told of: who asked for them wants to count.
  bool const shown =
      component == LogComponent::access || log.repeats.admit(component, level, line, now);
  if (shown) log.tell({wall_now(), level, component, line, fields});
}

void debug(std::string_view line) {
  write(LogComponent::node, LogLevel::debug, line);
}
void info(std::string_view line) {
  write(LogComponent::node, LogLevel::info, line);
}
void warning(std::string_view line) {
  write(LogComponent::node, LogLevel::warning, line);
}
void error(std::string_view line) {
  write(LogComponent::node, LogLevel::error, line);
}
void debug(LogComponent component, std::string_view line) {
  write(component, LogLevel::debug, line);
}
void info(LogComponent component, std::string_view line) {
  write(component, LogLevel::info, line);
}
void warning(LogComponent component, std::string_view line) {
  write(component, LogLevel::warning, line);
}
void error(LogComponent component, std::string_view line) {
  write(component, LogLevel::error, line);
}

void sum_up() {
  Log& log = the_log();
  std::lock_guard const lock{log.mutex};
  if (log.logger) log.tell_of(log.repeats.ended(steady_now()));
}

std::uint64_t dropped() {
  Log& log = the_log();
  std::lock_guard const lock{log.mutex};
  return log.pool ? log.pool->overrun_counter() : 0;
}

std::uint64_t left_out() {
  Log& log = the_log();
  std::lock_guard const lock{log.mutex};
  return log.repeats.left_out();
}

}  // namespace chisme::node::log
