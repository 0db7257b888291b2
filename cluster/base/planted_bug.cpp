#include "cluster/base/planted_bug.hpp"

namespace chisme {
namespace {

PlantedBug in_force = PlantedBug::none;

}  // namespace

bool planted(PlantedBug bug) {
  return bug == in_force;
}

void plant(PlantedBug bug) {
  in_force = bug;
}

}  // namespace chisme
