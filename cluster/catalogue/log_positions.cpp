#include "cluster/catalogue/log_positions.hpp"

namespace chisme::cluster {

void LogPositions::note(LogKind log, Dot const& dot) {
  Progress& progress = logs_[{dot.writer, log}];
  Place const place{dot.epoch, dot.sequence};
  if (place <= progress.contiguous) return;
  progress.early.insert(place);
  pass_early(progress);
  // The last are the least likely to become contiguous soon.
  if (progress.early.size() > early_max) progress.early.erase(std::prev(progress.early.end()));
}

void LogPositions::raise(LogPosition const& position) {
  Progress& progress = logs_[{position.writer, position.log}];
  Place const place{position.epoch, position.sequence};
  if (place <= progress.contiguous) return;
  progress.contiguous = place;
  pass_early(progress);
}

void LogPositions::pass_early(Progress& progress) {
  auto next = progress.early.begin();
  while (next != progress.early.end()) {
    auto& [epoch, sequence] = progress.contiguous;
    bool const follows = next->first == epoch && next->second == sequence + 1;
    if (follows) ++sequence;
    if (!follows && *next > progress.contiguous) return;
    next = progress.early.erase(next);
  }
}

LogPosition LogPositions::at(NodeId writer, LogKind log) const {
  auto const found = logs_.find({writer, log});
  if (found == logs_.end()) return {.writer = writer, .log = log, .epoch = Epoch{}, .sequence = 0};
  auto const& [epoch, sequence] = found->second.contiguous;
  return {.writer = writer, .log = log, .epoch = epoch, .sequence = sequence};
}

std::vector<LogPosition> LogPositions::list() const {
  std::vector<LogPosition> positions;
  positions.reserve(logs_.size());
  for (auto const& [log, progress] : logs_) positions.push_back(at(log.writer, log.log));
  return positions;
}

}  // namespace chisme::cluster
