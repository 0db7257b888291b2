#pragma once

#include <cstddef>
#include <vector>

namespace chisme::simulation::balance {

// Server is one node as a queue: every stream runs at its client's rate, until there are more of
// them than the node has capacity for; then all get an equal share (processor sharing).
//
// `capacity` counts streams at full rate, work is seconds at full rate, moments are seconds.
// Moments never go back. All streams run at one rate, so each ends when the common progress has
// grown by its work: a heap keeps them in that order (virtual time, as in fair queueing).
class Server {
 public:
  struct Ended {
    double began = 0;
    double work = 0;
  };

  explicit Server(double capacity) : capacity_{capacity} {}

  void set_capacity(double capacity, double now);
  void begin(double work, double now);
  // When the next stream ends if none begins before; infinity when there is none.
  [[nodiscard]] double next_end() const;
  // REQUIRES: now == next_end().
  Ended end_next(double now);

  [[nodiscard]] std::size_t streams() const { return streams_.size(); }
  [[nodiscard]] double capacity() const { return capacity_; }
  [[nodiscard]] double load() const { return static_cast<double>(streams()) / capacity_; }
  [[nodiscard]] bool is_saturated() const { return load() > 1; }
  // Seconds of work done until `now`, by all streams together.
  [[nodiscard]] double delivered(double now) const;

 private:
  struct Stream {
    double ends_at_progress = 0;
    double began = 0;
    double work = 0;
  };
  [[nodiscard]] double rate() const;
  void advance(double now);

  double capacity_;
  double progress_ = 0;   // of a stream that has been here for ever
  double delivered_ = 0;  // until `at_`
  double at_ = 0;
  std::vector<Stream> streams_;  // a heap, the first to end on top
};

}  // namespace chisme::simulation::balance
