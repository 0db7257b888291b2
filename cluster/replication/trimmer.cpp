#include "cluster/replication/trimmer.hpp"

#include <algorithm>

#include "cluster/base/planted_bug.hpp"
#include "cluster/placement/rendezvous.hpp"

namespace chisme::cluster {
namespace {

// The others read the object meanwhile, perhaps slowly, and others' questions before it.
constexpr Duration run_patience = std::chrono::minutes{10};
constexpr unsigned rounds_max = 8;

}  // namespace

Trimmer::Trimmer(CoreConfig const& config, Epoch epoch)
    : surplus_kept_(config.surplus_kept),
      candidates_max_(config.limits.trims),
      valid_(config.copy_promise / 6),
      next_number_(std::uint64_t{epoch.value()} << 32 | 1) {}

std::optional<std::vector<NodeId>> Trimmer::better_of(Digest const& digest,
                                                      Catalogue const& catalogue,
                                                      Situation const& situation) {
  auto const use = catalogue.objects().find(digest);
  if (use == catalogue.objects().end() || !catalogue.is_local(digest)) return std::nullopt;
  std::vector<NodeId> const holders = catalogue.snapshot().holders(digest);
  bool const greedy = planted(PlantedBug::needed_copies_are_removed);
  if (holders.size() + greedy <= situation.copies_wanted) return std::nullopt;  // as nearly always
  std::uint64_t const key = placement_key(*use->second.names.begin());
  std::vector<NodeId> ranked = rank_holders(key, situation.members, holders);
  ranked.erase(std::ranges::find(ranked, situation.self), ranked.end());  // all, if it is no place
  std::erase_if(ranked, [&](NodeId id) {
    return !understands<VerifyCopy>(find_member(situation.members, id)->alive);
  });
  if (greedy && ranked.size() + 1 == situation.copies_wanted) ranked.push_back(situation.self);
  if (ranked.size() < situation.copies_wanted) return std::nullopt;
  return ranked;
}

void Trimmer::examine(Digest const& digest, Catalogue const& catalogue,
                      Situation const& situation) {
  if (is_trimming(digest) || planted(PlantedBug::surplus_stays)) return;  // it looks itself
  if (!better_of(digest, catalogue, situation)) return forget(digest);
  if (candidates_.contains(digest)) return;
  if (candidates_.size() >= candidates_max_) {
    left_out_ = true;
  } else {
    wait(digest, situation.now + surplus_kept_);
  }
}

void Trimmer::stored(Digest const& digest, Instant now) {
  if (is_trimming(digest)) return give_up(now);
  if (candidates_.contains(digest)) wait(digest, now + surplus_kept_);
}

void Trimmer::wait(Digest const& digest, Instant until) {
  forget(digest);
  candidates_.emplace(digest, until);
  first_come_.emplace(until, digest);
}

void Trimmer::forget(Digest const& digest) {
  auto const found = candidates_.find(digest);
  if (found == candidates_.end()) return;
  first_come_.erase({found->second, digest});
  candidates_.erase(found);
}

void Trimmer::handle(NodeId from, CopyVerified const& answer) {
  if (!is_trimming(answer.digest)) return;
  for (Witness& witness : run_->witnesses) {
    if (witness.id != from || witness.number != answer.number) continue;
    witness.answer = answer.intact ? Answer::intact : Answer::not_intact;
  }
}

void Trimmer::peer_unreachable(Endpoint endpoint, Situation const& situation) {
  if (!run_) return;
  for (Witness& witness : run_->witnesses) {
    MemberView const* const member = find_member(situation.members, witness.id);
    bool const is_meant = member == nullptr || member->alive.peer == endpoint;
    if (is_meant && witness.answer == Answer::none) witness.answer = Answer::not_intact;
  }
}

std::optional<Digest> Trimmer::tick(Catalogue const& catalogue, Situation const& situation,
                                    Effects& out) {
  if (run_ && run_->give_up_at <= situation.now) give_up(situation.now);
  if (!run_) begin_next(catalogue, situation, out);
  if (!run_ || !advance(situation, out)) return std::nullopt;
  Digest const digest = run_->digest;
  run_.reset();
  if (!better_of(digest, catalogue, situation)) return std::nullopt;  // it changed meanwhile
  return digest;
}

void Trimmer::begin_next(Catalogue const& catalogue, Situation const& situation, Effects& out) {
  while (!first_come_.empty() && first_come_.begin()->first <= situation.now) {
    Digest const digest = first_come_.begin()->second;
    forget(digest);
    auto better = better_of(digest, catalogue, situation);
    if (!better) continue;
    ByteCount const size = catalogue.objects().at(digest).size;
    Duration const reading = slowest_transfer(size);
    run_ = Run{.digest = digest,
               .better = std::move(*better),
               .next = 0,
               .witnesses = {},
               .rounds = 0,
               .give_up_at = situation.now + run_patience + 2 * reading};
    for (; run_->next < situation.copies_wanted; ++run_->next) {
      run_->witnesses.push_back({.id = run_->better[run_->next]});
      ask(run_->witnesses.back(), situation, out);
    }
    return;
  }
}

void Trimmer::ask(Witness& witness, Situation const& situation, Effects& out) {
  MemberView const* const member = find_member(situation.members, witness.id);
  witness.number = next_number_++;
  witness.asked_at = situation.now;
  witness.answer = member == nullptr ? Answer::not_intact : Answer::none;
  if (member == nullptr) return;
  out.push_back(
      Send{member->alive.peer, Channel::stream, VerifyCopy{witness.number, run_->digest}});
}

bool Trimmer::advance(Situation const& situation, Effects& out) {
  if (planted(PlantedBug::needed_copies_are_removed)) return true;
  for (Witness& witness : run_->witnesses) {
    if (witness.answer != Answer::not_intact) continue;
    if (run_->next == run_->better.size()) {
      give_up(situation.now);
      return false;
    }
    witness = Witness{.id = run_->better[run_->next++]};
    ask(witness, situation, out);
  }
  auto const is_late = [&](Witness const& one) { return situation.now >= one.asked_at + valid_; };
  for (Witness& witness : run_->witnesses) {
    if (witness.answer == Answer::none && is_late(witness)) ask(witness, situation, out);
  }
  auto const& all = run_->witnesses;
  if (std::ranges::any_of(all, [](auto const& one) { return one.answer != Answer::intact; })) {
    return false;
  }
  if (std::ranges::none_of(all, is_late)) return true;
  if (++run_->rounds > rounds_max) {
    give_up(situation.now);
    return false;
  }
  for (Witness& witness : run_->witnesses) {
    if (is_late(witness)) ask(witness, situation, out);
  }
  return false;
}

void Trimmer::give_up(Instant now) {
  wait(run_->digest, now + surplus_kept_);
  run_.reset();
}

void Trimmer::hold(Instant now) {
  if (run_) give_up(now);
}

std::optional<Instant> Trimmer::deadline() const {
  if (run_) {
    Instant first = run_->give_up_at;
    for (Witness const& witness : run_->witnesses) {
      if (witness.answer == Answer::none) first = std::min(first, witness.asked_at + valid_);
    }
    return first;
  }
  return first_come_.empty() ? std::nullopt : std::optional{first_come_.begin()->first};
}

bool Trimmer::wants_rescan() {
  return candidates_.empty() && !run_ && std::exchange(left_out_, false);
}

}  // namespace chisme::cluster
