#include "cluster/catalogue/log_positions.hpp"

#include <algorithm>

namespace chisme::cluster {
namespace {

using EpochAndSequence = std::pair<Epoch, std::uint64_t>;

bool follows(EpochAndSequence const& last, EpochAndSequence const& next) {
  return next.first == last.first && next.second == last.second + 1;
}

}  // namespace

void LogPositions::note(LogKind log, Dot const& dot) {
  Log const key{dot.writer, log};
  Progress& progress = logs_[key];
  Place const place{dot.epoch, dot.sequence};
  if (place <= progress.contiguous) return;
  if (follows(progress.contiguous, place)) return move(key, progress, place);
  progress.early.insert(place);
  // The last are the least likely to become contiguous soon.
  if (progress.early.size() > early_max) progress.early.erase(std::prev(progress.early.end()));
}

void LogPositions::raise(LogPosition const& position) {
  Log const key{position.writer, position.log};
  Progress& progress = logs_[key];
  Place const place{position.epoch, position.sequence};
  if (place > progress.contiguous) move(key, progress, place);
}

void LogPositions::move(Log const& log, Progress& progress, Place place) {
  auto next = progress.early.begin();
  while (next != progress.early.end() && (*next <= place || follows(place, *next))) {
    place = std::max(place, *next);
    next = progress.early.erase(next);
  }
  progress.contiguous = place;
  moved_.insert(log);
}

void LogPositions::forget(NodeId writer, LogKind log) {
  Log const key{writer, log};
  if (logs_.erase(key) > 0) moved_.insert(key);
}

std::vector<LogPosition> LogPositions::take_moved() {
  std::vector<LogPosition> positions;
  for (Log const& log : moved_) positions.push_back(at(log.writer, log.log));
  moved_.clear();
  return positions;
}

LogPosition LogPositions::at(NodeId writer, LogKind log) const {
  auto const found = logs_.find({writer, log});
  Place const place = found == logs_.end() ? Place{} : found->second.contiguous;
  auto const& [epoch, sequence] = place;
  return {.writer = writer, .log = log, .epoch = epoch, .sequence = sequence};
}

std::vector<LogPosition> LogPositions::list() const {
  std::vector<LogPosition> positions;
  positions.reserve(logs_.size());
  for (auto const& [log, progress] : logs_) positions.push_back(at(log.writer, log.log));
  return positions;
}

}  // namespace chisme::cluster
