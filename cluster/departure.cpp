#include "cluster/departure.hpp"

#include <algorithm>
#include <set>
#include <utility>
#include <vector>

#include "cluster/base/planted_bug.hpp"

namespace chisme::cluster {
namespace {

// Others that are in `state` and do not drain.
std::set<NodeId> others(ClusterView const& view, MemberState state) {
  std::set<NodeId> found;
  for (MemberView const& member : view.members) {
    bool const counts = member.state == state && !member.alive.draining;
    if (counts && !member.self) found.insert(member.alive.id);
  }
  return found;
}

// `places`: how many nodes could have a copy.
bool is_handed_over(FileEntry const& file, NodeId self, std::set<NodeId> const& staying,
                    std::size_t places, std::size_t wanted) {
  auto const& holders = file.holders;
  if (std::find(holders.begin(), holders.end(), self) == holders.end()) return true;
  auto const copies = std::count_if(holders.begin(), holders.end(),
                                    [&](NodeId holder) { return staying.contains(holder); });
  return static_cast<std::size_t>(copies) >= std::min(wanted, places);
}

}  // namespace

void Departure::begin(Instant now) {
  if (begun_) return;
  begun_ = true;
  next_ = now + notice;
  last_progress_ = *next_;
  next_report_ = now + report_period;
}

void Departure::hurry(Instant now) {
  if (!next_) return;
  hurries_ = true;
  begin_walk("");
  next_ = now;
}

bool Departure::tick(ClusterView const& view, Effects& out) {
  if (!next_ || view.at < *next_) return false;
  next_ = view.at + period;
  if (planted(PlantedBug::nothing_is_handed_over)) return true;
  bool const whole = walk(view);
  if (whole && count_ == 0 && is_full_) {
    next_.reset();
    return true;
  }
  if (whole) finish_walk(view.at);
  if (hurries_ || view.at >= last_progress_ + patience_) return give_up(out);
  if (left_ && view.at >= next_report_) {
    next_report_ = view.at + report_period;
    out.push_back(Announce{DepartureReport{*left_, false}});
  }
  return false;
}

bool Departure::walk(ClusterView const& view) {
  std::set<NodeId> const before = std::exchange(staying_, others(view, MemberState::alive));
  if (staying_ != before) begin_walk("");
  std::size_t const places = staying_.size() + others(view, MemberState::suspect).size();
  std::vector<FileEntry> const files = view.catalogue.list("", cursor_, slice);
  for (FileEntry const& file : files) {
    cursor_ = file.put.name;
    if (!is_handed_over(file, view.self, staying_, places, view.copies_wanted)) {
      ++count_;
    } else if (count_ == 0) {
      passed_ = cursor_;
    }
  }
  return files.size() < slice;
}

void Departure::finish_walk(Instant now) {
  if (left_ && count_ < *left_) last_progress_ = now;
  left_ = count_;
  begin_walk(count_ == 0 ? "" : passed_);
}

void Departure::begin_walk(std::string after) {
  is_full_ = after.empty();
  count_ = 0;
  passed_ = after;
  cursor_ = std::move(after);
}

bool Departure::give_up(Effects& out) {
  next_.reset();
  // A walk that was cut short counts for as much as it saw.
  std::uint64_t const left = std::max(left_.value_or(0), count_);
  if (left > 0) out.push_back(Announce{DepartureReport{left, true}});
  return true;
}

}  // namespace chisme::cluster
