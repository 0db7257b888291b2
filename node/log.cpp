#include "node/log.hpp"

#include <spdlog/async.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include <memory>
#include <mutex>

namespace chisme::node::log {
namespace {

constexpr std::size_t lines_max = 8192;

// The process's one log: standard error is one too.
struct Log {
  std::mutex mutex;
  std::shared_ptr<spdlog::details::thread_pool> pool;
  std::shared_ptr<spdlog::async_logger> logger;
};

Log& the_log() {
  static Log log;
  return log;
}

spdlog::level::level_enum spdlog_level(LogLevel level) {
  switch (level) {
    case LogLevel::debug:
      return spdlog::level::debug;
    case LogLevel::info:
      return spdlog::level::info;
    case LogLevel::warning:
      return spdlog::level::warn;
    case LogLevel::error:
      return spdlog::level::err;
  }
  return spdlog::level::info;
}

void write(spdlog::level::level_enum level, std::string_view line) {
  std::shared_ptr<spdlog::async_logger> logger;
  {
    std::lock_guard const lock{the_log().mutex};
    logger = the_log().logger;
  }
  if (logger) logger->log(level, spdlog::string_view_t{line.data(), line.size()});
}

}  // namespace

void start(LogLevel level) {
  std::lock_guard const lock{the_log().mutex};
  the_log().pool = std::make_shared<spdlog::details::thread_pool>(lines_max, 1);
  the_log().logger = std::make_shared<spdlog::async_logger>(
      "chisme", std::make_shared<spdlog::sinks::stderr_sink_mt>(), the_log().pool,
      spdlog::async_overflow_policy::overrun_oldest);
  the_log().logger->set_level(spdlog_level(level));
  the_log().logger->set_pattern("%Y-%m-%dT%H:%M:%S.%e%z %l %v");
}

void set_level(LogLevel level) {
  std::lock_guard const lock{the_log().mutex};
  if (the_log().logger) the_log().logger->set_level(spdlog_level(level));
}

void stop() {
  std::lock_guard const lock{the_log().mutex};
  the_log().logger.reset();
  the_log().pool.reset();  // waits until the queue is written
}

void debug(std::string_view line) {
  write(spdlog::level::debug, line);
}
void info(std::string_view line) {
  write(spdlog::level::info, line);
}
void warning(std::string_view line) {
  write(spdlog::level::warn, line);
}
void error(std::string_view line) {
  write(spdlog::level::err, line);
}

std::uint64_t dropped() {
  std::lock_guard const lock{the_log().mutex};
  return the_log().pool ? the_log().pool->overrun_counter() : 0;
}

}  // namespace chisme::node::log
