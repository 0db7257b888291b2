#include "node/storage/disk_pool.hpp"

#include <condition_variable>
#include <deque>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

namespace chisme::node {

struct DiskPool::State {
  explicit State(std::size_t max) : jobs_max(max) {}

  std::mutex mutex;
  std::condition_variable changed;
  std::deque<std::function<void()>> jobs;
  std::size_t waiting = 0;  // jobs not begun, those in lanes included
  std::size_t jobs_max;
  bool stopping = false;
  std::vector<std::thread> threads;

  // Counts a job in; false when there is no room for it.
  bool admit() {
    std::lock_guard const lock(mutex);
    if (stopping || waiting >= jobs_max) return false;
    ++waiting;
    return true;
  }

  void enqueue(std::function<void()> job) {
    {
      std::lock_guard const lock(mutex);
      jobs.push_back(std::move(job));
    }
    changed.notify_one();
  }

  void begun() {
    std::lock_guard const lock(mutex);
    if (--waiting == 0 && stopping) changed.notify_all();
  }

  void work() {
    std::unique_lock lock(mutex);
    for (;;) {
      // A job of a lane may wait while `jobs` is empty: its turn is about to be queued.
      changed.wait(lock, [&] { return !jobs.empty() || (stopping && waiting == 0); });
      if (jobs.empty()) return;
      std::function<void()> job = std::move(jobs.front());
      jobs.pop_front();
      lock.unlock();
      job();
      job = nullptr;  // what the job owned ends outside the lock
      lock.lock();
    }
  }
};

DiskPool::DiskPool(unsigned threads, std::size_t jobs_max)
    : state_(std::make_shared<State>(jobs_max)) {
  for (unsigned i = 0; i < threads; ++i) {
    state_->threads.emplace_back([state = state_.get()] { state->work(); });
  }
}

DiskPool::~DiskPool() {
  {
    std::lock_guard const lock(state_->mutex);
    state_->stopping = true;
  }
  state_->changed.notify_all();
  for (std::thread& thread : state_->threads) thread.join();
}

bool DiskPool::post(std::function<void()> job) {
  if (!state_->admit()) return false;
  // The state outlives its threads, and this runs on one of them.
  state_->enqueue([state = state_.get(), run = std::move(job)] {
    state->begun();
    run();
  });
  return true;
}

// A lane puts at most one turn into the pool's queue; each turn runs one job and, if more wait,
// queues the next turn, so that a long lane does not starve the others.
struct DiskPool::Lane::State : std::enable_shared_from_this<DiskPool::Lane::State> {
  explicit State(std::shared_ptr<DiskPool::State> its_pool) : pool(std::move(its_pool)) {}

  std::shared_ptr<DiskPool::State> pool;
  std::mutex mutex;
  std::deque<std::function<void()>> jobs;
  bool turn_queued = false;

  void queue_turn() {
    pool->enqueue([self = shared_from_this()] { self->turn(); });
  }

  void turn() {
    std::function<void()> job;
    {
      std::lock_guard const lock(mutex);
      job = std::move(jobs.front());
      jobs.pop_front();
    }
    pool->begun();
    job();
    job = nullptr;
    {
      std::lock_guard const lock(mutex);
      turn_queued = !jobs.empty();
      if (!turn_queued) return;
    }
    queue_turn();
  }
};

DiskPool::Lane::Lane(DiskPool& pool) : state_(std::make_shared<State>(pool.state_)) {}

bool DiskPool::Lane::post(std::function<void()> job) {
  if (!state_->pool->admit()) return false;
  {
    std::lock_guard const lock(state_->mutex);
    state_->jobs.push_back(std::move(job));
    if (std::exchange(state_->turn_queued, true)) return true;
  }
  state_->queue_turn();
  return true;
}

}  // namespace chisme::node
