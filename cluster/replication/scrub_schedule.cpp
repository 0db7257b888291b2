#include "cluster/replication/scrub_schedule.hpp"

namespace chisme::cluster {

ScrubSchedule::ScrubSchedule(Duration period, Random random, Instant now)
    : period_(period), random_(random), last_(now), factor_(random_.uniform()) {
  for (std::uint8_t& byte : next_.bytes) byte = static_cast<std::uint8_t>(random_.below(256));
}

std::optional<Digest> ScrubSchedule::take_due(std::map<Digest, ByteCount> const& local, bool busy,
                                              Instant now) {
  auto const due = deadline(local.size(), busy);
  if (!due || now < *due) return std::nullopt;
  auto found = local.lower_bound(next_);
  if (found == local.end()) found = local.begin();
  next_ = found->first;
  // The digest after this one.
  for (std::size_t i = next_.bytes.size(); i > 0 && ++next_.bytes[i - 1] == 0; --i) {
  }
  last_ = now;
  factor_ = 0.75 + 0.5 * random_.uniform();
  return found->first;
}

std::optional<Instant> ScrubSchedule::deadline(std::size_t copies, bool busy) const {
  if (copies == 0) return std::nullopt;
  double const pause = static_cast<double>(period_.count()) / static_cast<double>(copies);
  double const factor = factor_ + (busy ? 1 : 0);
  return last_ + Duration{static_cast<Duration::rep>(pause * factor)};
}

}  // namespace chisme::cluster
