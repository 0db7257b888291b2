#include "cluster/catalogue/range_sync.hpp"

#include <algorithm>
#include <set>

#include "cluster/catalogue/name_record.hpp"

namespace chisme::cluster {
namespace {

bool is_range(RangeSync::Range const& range) {
  return range.level < slot_level && range.index < 1u << 4 * range.level;
}

// Fills an answer up to its bounds.
class Answer {
 public:
  Answer(RangeSync const& question, Catalogue const& catalogue) : catalogue_(catalogue) {
    answer_.horizon = catalogue.horizon().id;
    answer_.from = question.from;
  }

  void compare(RangeSync::Range const& range) {
    auto const ours = parts(range.level, range.index);
    for (unsigned i = 0; i < 16; ++i) {
      if (ours[i] == range.parts[i]) continue;
      auto const part = static_cast<std::uint16_t>(range.index * 16u + i);
      if (range.level + 1u == slot_level) {
        list(part);
      } else if (answer_.ranges.size() < RangeSync::ranges_max) {
        auto const level = static_cast<std::uint8_t>(range.level + 1u);
        answer_.ranges.push_back({level, part, parts(level, part)});
      }
    }
  }

  void compare(RangeSync::Marks const& theirs) {
    std::set<std::uint64_t> lacking{theirs.records.begin(), theirs.records.end()};
    catalogue_.tables().walk_slot(theirs.slot, [&](CatalogueRecord const& record) {
      if (lacking.erase(mark_of(record)) == 0) send(record);
    });
    if (!lacking.empty()) answer_.wanted.push_back({theirs.slot, {lacking.begin(), lacking.end()}});
  }

  void fetch(RangeSync::Marks const& wanted) {
    std::set<std::uint64_t> const marks{wanted.records.begin(), wanted.records.end()};
    catalogue_.tables().walk_slot(wanted.slot, [&](CatalogueRecord const& record) {
      if (marks.contains(mark_of(record))) send(record);
    });
  }

  RangeSync take() { return std::move(answer_); }
  [[nodiscard]] std::vector<Digest> const& to_say_again() const { return to_say_again_; }

 private:
  [[nodiscard]] std::array<std::uint64_t, 16> parts(unsigned level, std::size_t index) const {
    return catalogue_.tables().fingerprints().parts(level, index);
  }

  // A list that is cut costs only that the other side sends what is known here.
  void list(std::uint16_t slot) {
    if (answer_.slots.size() == RangeSync::slots_max || marks_ == RangeSync::marks_max) return;
    RangeSync::Marks marks{slot, {}};
    catalogue_.tables().walk_slot(slot, [&](CatalogueRecord const& record) {
      if (marks_ == RangeSync::marks_max || !catalogue_.may_be_shown(record)) return;
      marks.records.push_back(mark_of(record));
      ++marks_;
    });
    answer_.slots.push_back(std::move(marks));
  }

  void send(CatalogueRecord const& record) {
    if (!catalogue_.may_be_shown(record)) return;
    if (catalogue_.is_forgotten_by_others(record)) {
      return to_say_again_.push_back(digest_of(record));
    }
    bytes_ += size_bound(record);
    if (bytes_ <= delta_bytes_max) answer_.records.push_back(record);
  }

  Catalogue const& catalogue_;
  RangeSync answer_;
  std::vector<Digest> to_say_again_;
  std::size_t marks_ = 0;
  std::size_t bytes_ = 0;
};

}  // namespace

RangeSync open_range_sync(Catalogue const& catalogue, std::uint16_t from) {
  RangeSync opening;
  opening.horizon = catalogue.horizon().id;
  opening.from = from;
  opening.ranges.push_back({0, 0, catalogue.tables().fingerprints().parts(0, 0)});
  return opening;
}

RangeSync answer_to(RangeSync const& message, Catalogue& catalogue) {
  Answer answer{message, catalogue};
  // A range that holds `from` comes first too: what is before `from` in it costs a little.
  auto const is_late = [&](RangeSync::Range const& range) {
    unsigned const width = slot_count >> 4 * range.level;
    return (range.index + 1u) * width > message.from;
  };
  for (bool const late : {true, false}) {
    for (RangeSync::Range const& range : message.ranges) {
      if (is_range(range) && is_late(range) == late) answer.compare(range);
    }
  }
  for (RangeSync::Marks const& slot : message.slots) {
    if (slot.slot < slot_count) answer.compare(slot);
  }
  for (RangeSync::Marks const& wanted : message.wanted) {
    if (wanted.slot < slot_count) answer.fetch(wanted);
  }
  for (Digest const& digest : answer.to_say_again()) catalogue.say_again(digest);
  return answer.take();
}

bool says_nothing(RangeSync const& message) {
  return message.ranges.empty() && message.slots.empty() && message.wanted.empty() &&
         message.records.empty();
}

}  // namespace chisme::cluster
