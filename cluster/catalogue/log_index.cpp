#include "cluster/catalogue/log_index.hpp"

#include <algorithm>

#include "cluster/base/check.hpp"

namespace chisme::cluster {

std::size_t LogIndex::Part::find_after(std::uint64_t sequence) const {
  auto const found = std::upper_bound(
      items.begin(), items.end(), sequence,
      [](std::uint64_t wanted, Item const& item) { return wanted < item.sequence; });
  return static_cast<std::size_t>(found - items.begin());
}

void LogIndex::add(LogPosition const& at, std::uint64_t record) {
  CHECK(at.sequence >> 63 == 0);
  Part& part = parts_[{at.writer, at.log, at.epoch}];
  ++size_;
  Item const item{at.sequence, 1, record};
  if (part.items.empty() || is_loading_ || part.items.back().sequence < at.sequence) {
    part.items.push_back(item);
    return;
  }
  std::size_t const place = part.find_after(at.sequence);
  if (place > 0 && part.items[place - 1].sequence == at.sequence &&
      part.items[place - 1].live == 0) {
    part.items[place - 1] = item;
    --part.holes;
    return;
  }
  part.items.insert(part.items.begin() + static_cast<std::ptrdiff_t>(place), item);
}

void LogIndex::settle() {
  is_loading_ = false;
  for (auto& [key, part] : parts_) {
    std::ranges::sort(part.items, [](Item const& a, Item const& b) {
      return std::uint64_t{a.sequence} < std::uint64_t{b.sequence};
    });
    part.items.shrink_to_fit();
  }
}

void LogIndex::remove(LogPosition const& at, std::uint64_t record) {
  auto const found = parts_.find({at.writer, at.log, at.epoch});
  CHECK(found != parts_.end());
  Part& part = found->second;
  std::size_t place = part.find_after(at.sequence);
  do {
    CHECK(place > 0 && part.items[place - 1].sequence == at.sequence);
    --place;
  } while (part.items[place].live == 0 || part.items[place].record != record);
  part.items[place].live = 0;
  --size_;
  ++part.holes;
  if (part.holes == part.items.size()) {
    parts_.erase(found);
  } else if (part.holes > part.items.size() / 2) {
    std::erase_if(part.items, [](Item const& one) { return one.live == 0; });
    part.holes = 0;
  }
}

bool LogIndex::has(NodeId writer, LogKind log) const {
  auto const part = parts_.lower_bound({writer, log, Epoch{}});
  return part != parts_.end() && part->first.writer == writer && part->first.log == log;
}

}  // namespace chisme::cluster
