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
  Progress& progress = progress_of(dot.writer, log);
  Place const place{dot.epoch, dot.sequence};
  if (place <= progress.contiguous) return;
  if (follows(progress.contiguous, place)) return move(progress, place);
  auto const at = std::ranges::lower_bound(progress.early, place);
  if (at == progress.early.end() || *at != place) progress.early.insert(at, place);
  // The last are the least likely to become contiguous soon.
  if (progress.early.size() > early_max) progress.early.pop_back();
}

void LogPositions::raise(LogPosition const& position) {
  Progress& progress = progress_of(position.writer, position.log);
  Place const place{position.epoch, position.sequence};
  if (place > progress.contiguous) move(progress, place);
}

void LogPositions::move(Progress& progress, Place place) {
  auto next = progress.early.begin();
  while (next != progress.early.end() && (*next <= place || follows(place, *next))) {
    place = std::max(place, *next++);
  }
  progress.early.erase(progress.early.begin(), next);
  progress.contiguous = place;
  progress.moved = true;
}

LogPositions::Progress& LogPositions::progress_of(NodeId writer, LogKind log) {
  auto const at = std::ranges::lower_bound(logs_, std::pair{writer, log}, {}, &Progress::key);
  bool const known = at != logs_.end() && at->key() == std::pair{writer, log};
  return known ? *at : *logs_.insert(at, Progress{.writer = writer, .log = log});
}

void LogPositions::forget(NodeId writer, LogKind log) {
  auto const at = std::ranges::lower_bound(logs_, std::pair{writer, log}, {}, &Progress::key);
  if (at == logs_.end() || at->key() != std::pair{writer, log}) return;
  logs_.erase(at);
  forgotten_.push_back({.writer = writer, .log = log, .epoch = {}, .sequence = 0});
}

std::vector<LogPosition> LogPositions::take_moved() {
  std::vector<LogPosition> positions;
  for (LogPosition const& gone : std::exchange(forgotten_, {})) {
    // It may be known again, and may not have moved since.
    LogPosition const now = at(gone.writer, gone.log);
    if (now.sequence == 0) positions.push_back(now);
  }
  for (Progress& progress : logs_) {
    if (std::exchange(progress.moved, false)) positions.push_back(progress.position());
  }
  return positions;
}

LogPosition LogPositions::at(NodeId writer, LogKind log) const {
  auto const at = std::ranges::lower_bound(logs_, std::pair{writer, log}, {}, &Progress::key);
  bool const known = at != logs_.end() && at->key() == std::pair{writer, log};
  return known ? at->position()
               : LogPosition{.writer = writer, .log = log, .epoch = {}, .sequence = 0};
}

std::vector<LogPosition> LogPositions::list() const {
  std::vector<LogPosition> positions;
  positions.reserve(logs_.size());
  for (Progress const& progress : logs_) positions.push_back(progress.position());
  return positions;
}

}  // namespace chisme::cluster
