#pragma once

#include <cstddef>
#include <functional>
#include <memory>

namespace chisme::node {

// DiskPool runs jobs that block on the disk, on a few threads, in order of arrival. A job owns what
// it works on and posts its result to whoever waits. Jobs of one `Lane` run one at a time, in
// order.
//
// Bounded: `post` returns false, and runs nothing, when `jobs_max` jobs wait. Thread-safe. The
// destructor finishes what was posted.
class DiskPool {
 public:
  explicit DiskPool(unsigned threads, std::size_t jobs_max = 4096);
  ~DiskPool();

  [[nodiscard]] bool post(std::function<void()> job);

  // Lane keeps its jobs in order. May be destroyed before its jobs ran; they run all the same.
  class Lane {
   public:
    explicit Lane(DiskPool& pool);
    [[nodiscard]] bool post(std::function<void()> job);

   private:
    struct State;
    std::shared_ptr<State> state_;
  };

 private:
  struct State;
  std::shared_ptr<State> state_;
};

}  // namespace chisme::node
