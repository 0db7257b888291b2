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
};
using TableSizes = std::vector<TableSize>;

}  // namespace chisme::cluster
