#include "web/page/assets.hpp"

namespace chisme::web {

std::span<Asset const> assets() {
  return {};
}

}  // namespace chisme::web
