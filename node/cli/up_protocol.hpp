#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "cluster/base/result.hpp"

// What `chisme up` says and is told, line by line.
namespace chisme::node::cli {

enum class Order { kill, start, stop, resume, status, quit };
struct UpCommand {
  Order order = Order::status;
  unsigned node = 0;  // from 1; 0 for orders that name none
  friend bool operator==(UpCommand const&, UpCommand const&) = default;
};

// "kill 2", "start 2", "stop 2", "cont 2", "status", "quit"; nullopt for an empty line. Fault:
// invalid, with a sentence that says what is understood.
[[nodiscard]] Result<std::optional<UpCommand>> parse_up_command(std::string_view line,
                                                                unsigned nodes);

// "node 2 http://127.0.0.1:7702 pid 4711"
[[nodiscard]] std::string node_line(unsigned number, std::string const& url, long pid);

// Cuts what is read into lines. A line longer than `line_bytes_max` is dropped.
class Lines {
 public:
  static constexpr std::size_t line_bytes_max = 1024;
  // The lines that these bytes complete, without their ends.
  [[nodiscard]] std::vector<std::string> feed(std::string_view bytes);

 private:
  std::string begun_;
  bool dropping_ = false;
};

}  // namespace chisme::node::cli
