#pragma once

#include <exception>
#include <memory>
#include <utility>

namespace chisme::node {

// The completion of a spawned member coroutine: keeps its object alive from the spawning on, for a
// coroutine starts later and may find its owner gone. Our coroutines return errors as values.
template <class T>
auto keeping(std::shared_ptr<T> object) {
  return [kept = std::move(object)](std::exception_ptr const&) {};
}

// The same for a coroutine whose result nobody needs.
template <class T>
auto keeping_result(std::shared_ptr<T> object) {
  return [kept = std::move(object)](std::exception_ptr const&, auto const&) {};
}

}  // namespace chisme::node
