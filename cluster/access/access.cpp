#include "cluster/access/access.hpp"

#include <algorithm>
#include <bit>
#include <utility>

#include "cluster/base/planted_bug.hpp"

namespace chisme::cluster {
namespace {

// Each tells news for so many times the logarithm of the members.
constexpr unsigned rounds_factor = 3;
// So many entries of the largest kind fit a stream's message.
constexpr std::size_t revoked_in_message = 4096;
constexpr std::size_t links_in_message = 512;

bool takes_part(MemberView const& member) {
  return !member.self && is_reachable(&member) && understands<AccessNews>(member.alive);
}

}  // namespace

Access::Access(Profile const& profile, NodeId self, AccessNews const& stored, WallTime wall,
               Random random, Instant now)
    : gossip_period_(profile.gossip_period),
      fanout_(profile.gossip_fanout),
      self_(self),
      random_(random),
      wall_(wall),
      next_news_(now),
      next_compare_(now) {
  for (Revocation const& revocation : stored.revoked) {
    if (!planted(PlantedBug::revocations_are_not_kept)) state_.merge(revocation);
  }
  for (LinkUses const& uses : stored.uses) state_.merge(uses);
  fingerprint_ = state_.fingerprint();
  published_ = std::make_shared<AccessState const>(state_);
}

bool Access::is_over(WallTime until) const {
  return until < wall_ - kept_after;
}

void Access::handle(RevokeRequested const& request, Situation const& now, Effects& out) {
  auto const refuse = [&](Fault fault, std::string why) {
    out.push_back(RevokeFinished{request.revoke, fail(fault, std::move(why))});
  };
  Revocation const& wanted = request.revocation;
  if (wanted.until > wall_ + life_max) {
    return refuse(Fault::invalid, "nothing that this cluster made ends as late as that");
  }
  bool const is_known = state_.is_revoked(wanted.kind, wanted.id);
  if (!is_known && state_.revoked_count() >= AccessState::revoked_max) {
    return refuse(Fault::busy, "this cluster remembers " +
                                   std::to_string(AccessState::revoked_max) +
                                   " revocations already, until what they are of would have ended; "
                                   "to revoke everything, change the cluster's secret");
  }
  if (waiting_.size() + written_.size() >= waiting_max) {
    return refuse(Fault::busy, "too many revocations wait for the disk");
  }
  if (!fenced_) waiting_.push_back(request.revoke);
  unsaved_ = true;
  if (!is_over(wanted.until) && state_.merge(wanted)) {
    changed({{.is_revocation = true, .kind = wanted.kind, .id = wanted.id, .node = {}}}, now, out);
  }
  save(out);
  if (!fenced_) return;
  refuse(Fault::unavailable,
         "the disk of this node failed; the others were told, but only they will remember it after "
         "a restart");
}

void Access::handle(LinkUsed const& used, Situation const& now, Effects& out) {
  LinkUses const uses{.link = used.link, .until = used.until, .counts = {{self_, used.count}}};
  if (is_over(used.until) || !state_.merge(uses)) return;
  changed({{.is_revocation = false, .kind = CredentialKind::link, .id = used.link, .node = self_}},
          now, out);
}

void Access::handle(AccessSaved const& saved, Situation const&, Effects& out) {
  if (!saving_ || saved.save != AccessSaveId{saves_}) return;
  saving_ = false;
  for (RevokeId const revoke : std::exchange(written_, {})) {
    out.push_back(RevokeFinished{revoke, {}});
  }
  save(out);
}

void Access::fence(Effects& out) {
  fenced_ = true;
  written_.insert(written_.end(), waiting_.begin(), waiting_.end());
  waiting_.clear();
  for (RevokeId const revoke : std::exchange(written_, {})) {
    out.push_back(RevokeFinished{
        revoke, fail(Fault::unavailable, "the disk of this node failed; the others were told")});
  }
}

// One at a time; what changes meanwhile goes with the next one.
void Access::save(Effects& out) {
  if (fenced_ || saving_ || !unsaved_) return;
  saving_ = true;
  unsaved_ = false;
  written_ = std::exchange(waiting_, {});
  out.push_back(SaveAccess{AccessSaveId{++saves_}, state_.all()});
}

void Access::changed(std::vector<Piece> const& fresh, Situation const& now, Effects& out) {
  ++changes_;
  fingerprint_ = state_.fingerprint();
  published_ = std::make_shared<AccessState const>(state_);
  // Of much at once, from a node that had it all before, others know, or find it by comparison.
  if (fresh.size() <= told_at_once) {
    if (news_.empty()) next_news_ = now.now;
    unsigned const rounds =
        rounds_factor * (1 + static_cast<unsigned>(std::bit_width(now.members.size())));
    for (Piece const& piece : fresh) news_[piece] = rounds;
  }
  unsaved_ = true;
  save(out);
}

void Access::take(AccessNews const& news, Situation const& now, Effects& out) {
  std::vector<Piece> fresh;
  for (Revocation const& revocation : news.revoked) {
    if (is_over(revocation.until) || !state_.merge(revocation)) continue;
    fresh.push_back(
        {.is_revocation = true, .kind = revocation.kind, .id = revocation.id, .node = {}});
  }
  for (LinkUses const& uses : news.uses) {
    if (is_over(uses.until) || !state_.merge(uses)) continue;
    for (LinkUses::Count const& count : uses.counts) {
      fresh.push_back({.is_revocation = false,
                       .kind = CredentialKind::link,
                       .id = uses.link,
                       .node = count.node});
    }
  }
  if (!fresh.empty()) changed(fresh, now, out);
}

void Access::received(Envelope const& envelope, Situation const& now, Effects& out) {
  if (auto const* const news = std::get_if<AccessNews>(&envelope.message)) {
    return take(*news, now, out);
  }
  auto const* const digest = std::get_if<AccessDigest>(&envelope.message);
  if (digest == nullptr || digest->fingerprint == fingerprint_) return;
  send_all(envelope.sender_peer, out);
  if (!digest->wants_answer) return;
  // Behind all that this node has: then the other one knows whether it has more.
  out.push_back(Send{envelope.sender_peer, Channel::stream, AccessDigest{fingerprint_, false}});
}

void Access::send_all(Endpoint const& to, Effects& out) const {
  AccessNews const all = state_.all();
  for (std::size_t i = 0; i < all.revoked.size(); i += revoked_in_message) {
    auto const from = all.revoked.begin() + static_cast<std::ptrdiff_t>(i);
    auto const count = std::min(revoked_in_message, all.revoked.size() - i);
    AccessNews part{.revoked = {from, from + static_cast<std::ptrdiff_t>(count)}, .uses = {}};
    out.push_back(Send{to, Channel::stream, std::move(part)});
  }
  for (std::size_t i = 0; i < all.uses.size(); i += links_in_message) {
    auto const from = all.uses.begin() + static_cast<std::ptrdiff_t>(i);
    auto const count = std::min(links_in_message, all.uses.size() - i);
    AccessNews part{.revoked = {}, .uses = {from, from + static_cast<std::ptrdiff_t>(count)}};
    out.push_back(Send{to, Channel::stream, std::move(part)});
  }
}

void Access::compare(MemberView const& member, Effects& out) const {
  out.push_back(Send{member.alive.peer, Channel::datagram, AccessDigest{fingerprint_, true}});
}

void Access::meet(std::span<NodeId const> members, Situation const& now, Effects& out) {
  if (state_.empty() || planted(PlantedBug::revocations_are_not_compared)) return;
  for (NodeId const id : members) {
    MemberView const* const member = now.members.find(id);
    if (member != nullptr && takes_part(*member)) compare(*member, out);
  }
}

void Access::set_wall(WallTime wall) {
  wall_ = wall;
  if (!state_.forget(wall_ - kept_after)) return;
  if (state_.empty()) news_.clear();
  ++changes_;
  fingerprint_ = state_.fingerprint();
  published_ = std::make_shared<AccessState const>(state_);
  unsaved_ = true;  // goes with the next one
}

void Access::tick(Situation const& now, Effects& out) {
  if (!news_.empty() && next_news_ <= now.now) {
    tell(now, out);
    next_news_ = now.now + gossip_period_;
  }
  if (!state_.empty() && next_compare_ <= now.now) {
    bool const forgets = planted(PlantedBug::revocations_are_not_compared);
    for (MemberView const* const member : some(forgets ? 0 : 1, now)) compare(*member, out);
    next_compare_ = now.now + compare_period;
  }
}

// What was told least goes first.
void Access::tell(Situation const& now, Effects& out) {
  std::vector<std::pair<unsigned, Piece>> order;
  for (auto const& [piece, left] : news_) order.emplace_back(left, piece);
  std::size_t const count = std::min(order.size(), told_at_once);
  std::ranges::partial_sort(order, order.begin() + static_cast<std::ptrdiff_t>(count),
                            std::ranges::greater{});
  order.resize(count);
  AccessNews told;
  for (auto const& [left, piece] : order) {
    if (piece.is_revocation) {
      told.revoked.push_back(state_.revocation(piece.kind, piece.id));
    } else {
      told.uses.push_back(state_.uses_of(piece.id, piece.node));
    }
    if (--news_[piece] == 0) news_.erase(piece);
  }
  for (MemberView const* const member : some(fanout_, now)) {
    out.push_back(Send{member->alive.peer, Channel::datagram, told});
  }
}

std::vector<MemberView const*> Access::some(std::size_t count, Situation const& now) {
  std::vector<MemberView const*> found;
  for (MemberView const& member : now.members) {
    if (takes_part(member)) found.push_back(&member);
  }
  count = std::min(count, found.size());
  for (std::size_t i = 0; i < count; ++i) {
    std::swap(found[i], found[i + static_cast<std::size_t>(random_.below(found.size() - i))]);
  }
  found.resize(count);
  return found;
}

std::optional<Instant> Access::deadline() const {
  if (state_.empty()) return std::nullopt;
  return news_.empty() ? next_compare_ : std::min(next_news_, next_compare_);
}

void Access::add_sizes(TableSizes& out) const {
  constexpr std::size_t revoked = AccessState::merged_factor * AccessState::revoked_max;
  constexpr std::size_t links = AccessState::merged_factor * AccessState::links_max;
  out.push_back({"revoked credentials", state_.revoked_count(), revoked});
  out.push_back({"counted links", state_.link_count(), links});
  out.push_back(
      {"news of credentials", news_.size(), revoked + links * AccessState::counters_max, is_work});
  out.push_back({"revocations that wait", waiting_.size() + written_.size(), waiting_max, is_work});
}

}  // namespace chisme::cluster
