#pragma once

namespace chisme {

// Overloaded makes one visitor of many lambdas. It has no default, so a forgotten case of a variant
// does not compile.
template <class... Cases>
struct Overloaded : Cases... {
  using Cases::operator()...;
};
template <class... Cases>
Overloaded(Cases...) -> Overloaded<Cases...>;

}  // namespace chisme
