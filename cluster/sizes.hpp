#pragma once

#include <cstddef>
#include <string_view>
#include <vector>

namespace chisme::cluster {

// TableSize says how much a bounded table or queue holds, and how much it may. `most` is the
// declared bound; of tables that follow another one, what that holds now.
struct TableSize {
  std::string_view name;
  std::size_t size = 0;
  std::size_t most = 0;
  bool is_work = false;  // what is in it waits to be done: it is empty in a cluster that is at rest
};
using TableSizes = std::vector<TableSize>;

inline constexpr bool is_work = true;  // the last word of a TableSize

}  // namespace chisme::cluster
