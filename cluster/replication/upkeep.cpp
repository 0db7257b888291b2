#include "cluster/replication/upkeep.hpp"

#include <algorithm>

#include "cluster/placement/rendezvous.hpp"

namespace chisme::cluster {
namespace {

// Until a copy that must not be removed yet is looked at again.
constexpr Duration removal_pause = std::chrono::seconds{1};

bool is_unnamed_copy(Digest const& digest, Catalogue const& catalogue) {
  return catalogue.is_local(digest) && !catalogue.objects().contains(digest);
}

bool is_leaving(Situation const& situation) {
  MemberView const* const self = find_member(situation.members, situation.self);
  return self == nullptr || self->alive.draining;
}

bool has_little_room(Situation const& situation) {
  MemberView const* const self = find_member(situation.members, situation.self);
  return self != nullptr && is_nearly_full(*self);
}

void reply(Verifier::Asker const& asker, Digest const& digest, bool intact, Effects& out) {
  out.push_back(Send{asker.peer, Channel::stream, CopyVerified{asker.number, digest, intact}});
}

// Not the same at two starts, nor at two nodes.
Random scrub_random(Self const& self) {
  return Random{mix(self.run_nonce ^ mix(self.id.low ^ mix(self.epoch.value())))};
}

}  // namespace

Upkeep::Upkeep(CoreConfig const& config, Self const& self, Instant now)
    : promise_(config.copy_promise),
      scratch_prefix_(config.scratch_prefix),
      verifier_(config.limits),
      scrub_schedule_(config.scrub_period, scrub_random(self), now),
      promises_(config.limits.promises),
      trimmer_(config, self.epoch),
      unreferenced_(config),
      disposal_(config.limits.removals) {}

void Upkeep::examine(Digest const& digest, Catalogue const& catalogue, Situation const& situation) {
  if (is_unnamed_copy(digest, catalogue)) {
    unreferenced_.note(digest, situation.now);
  } else {
    unreferenced_.forget(digest);
  }
  trimmer_.examine(digest, catalogue, situation);
}

// What has expired went because its time was over: nobody wants it back.
void Upkeep::unnamed(Digest const& digest, RecordTables::Unnamed const& last,
                     Catalogue const& catalogue, Instant now) {
  bool const is_scratch = scratch_prefix_ && last.name.starts_with(*scratch_prefix_);
  if ((is_scratch || last.expired) && is_unnamed_copy(digest, catalogue))
    unreferenced_.hasten(digest, now);
}

// Most such names are scratch; of a removed file those who stored it keep their copies.
void Upkeep::fetched(Digest const& digest, Catalogue const& catalogue, Instant now) {
  if (scratch_prefix_ && is_unnamed_copy(digest, catalogue)) unreferenced_.hasten(digest, now);
}

// ---- What the host says -------------------------------------------------------------------------

void Upkeep::handle(ObjectStored const& input, Catalogue& catalogue, Instant now, Effects& out) {
  verifier_.replaced(input.digest);
  if (disposal_.stored(input, out)) return;
  catalogue.object_stored(input);
  trimmer_.stored(input.digest, now);
  if (!catalogue.objects().contains(input.digest)) unreferenced_.renew(input.digest, now);
}

void Upkeep::handle(ObjectRemoved const& input, Catalogue& catalogue) {
  catalogue.object_removed(input.digest);
  disposal_.removed(input.digest);
}

void Upkeep::handle(ObjectVerified const& input, Catalogue& catalogue, Situation const& situation,
                    Effects& out) {
  auto const askers = verifier_.finished(input, situation.now);
  if (!askers) return;
  if (!input.intact) catalogue.object_removed(input.digest);
  disposal_.verified(input, catalogue);
  for (Verifier::Asker const& asker : *askers) {
    answer(asker, input.digest, catalogue, situation, out);
  }
}

// ---- Questions of other nodes -------------------------------------------------------------------

void Upkeep::handle(Envelope const& from, VerifyCopy const& question, Catalogue const& catalogue,
                    Situation const& situation, Effects& out) {
  auto const local = catalogue.local().find(question.digest);
  if (question.number == 0) {
    if (local != catalogue.local().end()) {
      verifier_.add(question.digest, local->second, std::nullopt);
    }
    return;
  }
  Verifier::Asker const asker{from.sender_peer, question.number};
  bool const possible = may_promise(question.digest, catalogue, situation);
  bool const known = verifier_.is_fresh(question.digest, situation.now);
  if (!possible || known) return answer(asker, question.digest, catalogue, situation, out);
  if (!verifier_.add(question.digest, local->second, asker)) {
    reply(asker, question.digest, false, out);
  }
}

bool Upkeep::may_promise(Digest const& digest, Catalogue const& catalogue,
                         Situation const& situation) const {
  return catalogue.is_local(digest) && catalogue.objects().contains(digest) &&
         !trimmer_.is_trimming(digest) && !is_leaving(situation);
}

void Upkeep::answer(Verifier::Asker const& asker, Digest const& digest, Catalogue const& catalogue,
                    Situation const& situation, Effects& out) {
  bool const intact = may_promise(digest, catalogue, situation) &&
                      verifier_.is_fresh(digest, situation.now) &&
                      promises_.make(digest, situation.now + promise_, situation.now);
  reply(asker, digest, intact, out);
}

// ---- What is done without being asked -----------------------------------------------------------

void Upkeep::tick(Catalogue& catalogue, Situation const& situation, Outages const& outages,
                  WritesUnderWay const& writes, Effects& out) {
  unreferenced_.set_full(has_little_room(situation));
  may_remove_any_ =
      outages.is_calm(situation.now) && !is_leaving(situation) && !catalogue.is_filling();
  if (may_remove_any_) {
    trim(catalogue, situation, writes, out);
    remove_unreferenced(catalogue, situation, writes, out);
  } else {
    trimmer_.hold(situation.now);
  }
  scrub(catalogue, situation);
  verifier_.tick(situation.now, out);
}

bool Upkeep::may_remove(Digest const& digest, WritesUnderWay const& writes, Instant now) const {
  return !promises_.binds(digest, now) && !writes.name(digest) && !verifier_.is_reading(digest);
}

void Upkeep::trim(Catalogue& catalogue, Situation const& situation, WritesUnderWay const& writes,
                  Effects& out) {
  while (!disposal_.is_full()) {
    auto const spare = trimmer_.tick(catalogue, situation, out);
    if (!spare) return;
    if (may_remove(*spare, writes, situation.now)) {
      disposal_.begin(*spare, Disposal::Reason::surplus, catalogue, out);
    } else {
      trimmer_.examine(*spare, catalogue, situation);  // it waits again
    }
  }
}

void Upkeep::remove_unreferenced(Catalogue& catalogue, Situation const& situation,
                                 WritesUnderWay const& writes, Effects& out) {
  while (!disposal_.is_full() && next_removal_ <= situation.now) {
    auto const digest = unreferenced_.due(situation.now);
    if (!digest) return;
    if (writes.name(*digest)) {
      unreferenced_.renew(*digest, situation.now);
    } else if (may_remove(*digest, writes, situation.now)) {
      unreferenced_.forget(*digest);
      disposal_.begin(*digest, Disposal::Reason::unreferenced, catalogue, out);
    } else {
      next_removal_ = situation.now + removal_pause;
    }
  }
}

void Upkeep::scrub(Catalogue const& catalogue, Situation const& situation) {
  bool const busy = is_busy(situation);
  if (verifier_.is_idle()) {
    auto const digest = scrub_schedule_.take_due(catalogue.local(), busy, situation.now);
    if (digest) verifier_.add(*digest, catalogue.local().at(*digest), std::nullopt);
  }
  next_scrub_ = scrub_schedule_.deadline(catalogue.local().size(), busy);
}

std::optional<Instant> Upkeep::deadline() const {
  std::optional<Instant> first = verifier_.deadline();
  auto const consider = [&](std::optional<Instant> at) {
    if (at) first = std::min(*at, first.value_or(*at));
  };
  if (verifier_.is_idle()) consider(next_scrub_);
  if (!may_remove_any_ || disposal_.is_full()) return first;
  consider(trimmer_.deadline());
  auto const due = unreferenced_.deadline();
  if (due) consider(std::max(*due, next_removal_));
  return first;
}

}  // namespace chisme::cluster
