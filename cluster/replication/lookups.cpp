#include "cluster/replication/lookups.hpp"

#include <algorithm>
#include <vector>

#include "cluster/base/planted_bug.hpp"
#include "cluster/catalogue/name_record.hpp"
#include "cluster/placement/rendezvous.hpp"

namespace chisme::cluster {
namespace {

// Beyond a majority, so that a few that do not answer do no harm.
constexpr std::size_t asked_beyond_majority = 4;

std::optional<Version> newest_version(Catalogue const& catalogue, std::string const& name) {
  CatalogueRecord const* const record = catalogue.newest(name);
  return record == nullptr ? std::nullopt : std::optional{version_of(*record)};
}

// The name has a version of which a copy is known here or in reach.
bool is_readable(std::string const& name, Catalogue const& catalogue, Situation const& situation) {
  PutRecord const* const file = catalogue.file(name);
  if (file == nullptr) return false;
  return std::ranges::any_of(catalogue.snapshot().holders(file->digest), [&](NodeId holder) {
    return is_reachable(find_member(situation.members, holder));
  });
}

std::size_t majority_of(std::span<MemberView const> members) {
  return expected_members(members) / 2 + 1;
}

// Likely holders first.
std::vector<MemberView const*> choose(std::string const& name, Situation const& situation) {
  std::vector<NodeId> order =
      place(placement_key(name), situation.members, situation.copies_wanted);
  for (MemberView const& member : situation.members) order.push_back(member.alive.id);
  bool const all = situation.members.size() <= Lookups::ask_all_max;
  std::size_t const most =
      all ? situation.members.size() : majority_of(situation.members) + asked_beyond_majority;
  std::set<NodeId> seen{situation.self};
  std::vector<MemberView const*> chosen;
  for (NodeId const id : order) {
    MemberView const* const member = find_member(situation.members, id);
    if (chosen.size() == most || !is_reachable(member)) continue;
    if (seen.insert(id).second) chosen.push_back(member);
  }
  return chosen;
}

}  // namespace

Lookups::Lookups(std::size_t pending_max, Epoch epoch)
    : pending_max_(pending_max), next_number_(std::uint64_t{epoch.value()} << 32 | 1) {}

void Lookups::handle(LookupRequested const& request, Catalogue const& catalogue,
                     Situation const& situation, Effects& out) {
  if (pending_.size() >= pending_max_) {
    out.push_back(
        LookupFinished{request.lookup, fail(Fault::busy, "too many lookups are under way")});
    return;
  }
  Pending lookup{.id = request.lookup,
                 .name = request.name,
                 .known = newest_version(catalogue, request.name),
                 .was_readable = is_readable(request.name, catalogue, situation),
                 .asked = {},
                 .answered = {},
                 .give_up_at = situation.now + patience};
  auto const members = choose(request.name, situation);
  for (MemberView const* const member : members) lookup.asked.insert(member->alive.id);
  if (conclude(lookup, catalogue, situation, out)) return;  // alone in its cluster
  std::uint64_t const number = next_number_++;
  for (MemberView const* const member : members) {
    out.push_back(Send{member->alive.peer, Channel::stream, LookupName{number, request.name}});
  }
  pending_.emplace(number, std::move(lookup));
}

void Lookups::handle(Envelope const& from, LookupName const& question, Catalogue const& catalogue,
                     Effects& out) const {
  LookupAnswer answer{.lookup = question.lookup, .records = {}};
  if (CatalogueRecord const* const newest = catalogue.newest(question.name)) {
    answer.records.push_back(*newest);
    if (auto const* const put = std::get_if<PutRecord>(&newest->change)) {
      for (NodeId const holder : catalogue.snapshot().holders(put->digest)) {
        auto const have = catalogue.holding(put->digest, holder);
        if (catalogue.may_be_shown(*have)) answer.records.push_back(*have);
      }
    }
  }
  out.push_back(Send{from.sender_peer, Channel::stream, std::move(answer)});
}

void Lookups::handle(NodeId from, LookupAnswer const& answer, Catalogue& catalogue,
                     Situation const& situation, Effects& out) {
  for (CatalogueRecord const& record : answer.records) {
    catalogue.merge(record, situation.now, out);
  }
  auto const found = pending_.find(answer.lookup);
  if (found == pending_.end()) return;
  found->second.answered.insert(from);
  if (conclude(found->second, catalogue, situation, out)) pending_.erase(found);
}

bool Lookups::conclude(Pending const& lookup, Catalogue const& catalogue,
                       Situation const& situation, Effects& out) {
  bool const exists = catalogue.file(lookup.name) != nullptr;
  bool const readable = is_readable(lookup.name, catalogue, situation);
  bool const news = newest_version(catalogue, lookup.name) != lookup.known || !lookup.was_readable;
  auto const counts = [&](NodeId id) {
    MemberView const* const member = find_member(situation.members, id);
    return member != nullptr && member->state != MemberState::left;
  };
  auto const told = static_cast<std::size_t>(std::ranges::count_if(lookup.answered, counts));
  bool const told_by_most = 1 + told >= majority_of(situation.members);
  // A node that is filling forgot what it knew, and refuses what others answer about that.
  bool const majority = planted(PlantedBug::absent_without_a_majority) ||
                        (told_by_most && situation.in_touch && !catalogue.is_filling());
  bool const late = situation.now >= lookup.give_up_at;
  bool const all_told = std::ranges::all_of(lookup.asked, [&](NodeId id) {
    MemberView const* const member = find_member(situation.members, id);
    bool const alive = member != nullptr && member->state == MemberState::alive;
    return !alive || lookup.answered.contains(id);
  });
  bool const sure = majority && all_told;
  if (!sure && !late && !(readable && news)) return false;
  if (exists ? !readable && !sure : !majority) {
    std::string const what = exists ? " a copy of " : " a file ";
    out.push_back(LookupFinished{
        lookup.id, fail(Fault::unavailable,
                        "too few nodes answer to say whether there is" + what + lookup.name)});
    return true;
  }
  out.push_back(LookupFinished{lookup.id, exists});
  return true;
}

void Lookups::tick(Catalogue const& catalogue, Situation const& situation, Effects& out) {
  std::erase_if(pending_, [&](auto const& entry) {
    return conclude(entry.second, catalogue, situation, out);
  });
}

std::optional<Instant> Lookups::deadline() const {
  // All are given the same patience, so the oldest ends first.
  if (pending_.empty()) return std::nullopt;
  return pending_.begin()->second.give_up_at;
}

}  // namespace chisme::cluster
