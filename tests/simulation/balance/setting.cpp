#include "tests/simulation/balance/setting.hpp"

namespace chisme::simulation::balance {

char const* to_string(Shape shape) {
  switch (shape) {
    case Shape::homogeneous:
      return "homogeneous";
    case Shape::heterogeneous:
      return "heterogeneous";
    case Shape::degraded:
      return "degraded";
  }
  return "";
}

char const* to_string(Policy policy) {
  switch (policy) {
    case Policy::random:
      return "random";
    case Policy::round_robin:
      return "round robin";
    case Policy::least_loaded:
      return "raw least-loaded";
    case Policy::two_choices:
      return "two choices";
    case Policy::fluid:
      return "ours, as a fluid";
    case Policy::ours:
      return "ours";
    case Policy::ideal:
      return "ideal";
  }
  return "";
}

}  // namespace chisme::simulation::balance
