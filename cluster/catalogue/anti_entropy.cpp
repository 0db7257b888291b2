#include "cluster/catalogue/anti_entropy.hpp"

#include <algorithm>
#include <bit>

#include "cluster/config.hpp"

namespace chisme::cluster {
namespace {

constexpr Duration between_asking_one = std::chrono::milliseconds{500};
constexpr Duration between_asking_any = std::chrono::milliseconds{250};
constexpr unsigned fruitless_max = 4;

// In a large cluster fingerprints differ most of the time, and digests are long.
Duration pause_of(std::size_t members) {
  return between_asking_any * (1 + std::bit_width(members / 32));
}

}  // namespace

AntiEntropy::AntiEntropy(NodeId self, Duration push_pull_period, Instant now)
    : self_(self), period_(push_pull_period), next_turn_(now + push_pull_period) {}

AntiEntropy::Peer& AntiEntropy::peer(NodeId id) {
  // Forgetting a peer costs an exchange that says nothing new.
  if (peers_.size() >= members_max && !peers_.contains(id)) peers_.clear();
  return peers_[id];
}

void AntiEntropy::heard(NodeId id, std::uint64_t fingerprint, Catalogue const& catalogue,
                        Situation const& situation, Effects& out) {
  MemberView const* const member = find_member(situation.members, id);
  if (id == self_ || !is_reachable(member)) return;
  Peer& known = peer(id);
  known.is_empty = fingerprint == 0;
  if (fingerprint == catalogue.fingerprint()) {
    known.fruitless = 0;
    known.cursor.reset();
    return;
  }
  Instant const now = situation.now;
  if (known.asked && now - *known.asked < between_asking_one) return;
  if (last_asked_ && now - *last_asked_ < pause_of(situation.members.size())) return;
  bool const same =
      known.asked && known.ours == catalogue.fingerprint() && known.theirs == fingerprint;
  known.fruitless = same ? known.fruitless + 1 : 0;
  if (!same) known.cursor.reset();
  if (known.fruitless == fruitless_max) known.cursor.emplace();
  known.theirs = fingerprint;
  ask(id, member->alive.peer, true, catalogue, now, out);
}

void AntiEntropy::ask(NodeId id, Endpoint to, bool wants_reply, Catalogue const& catalogue,
                      Instant now, Effects& out) {
  Peer& known = peer(id);
  CatalogueDigest digest{.positions = {}, .wants_reply = wants_reply};
  if (known.cursor) {
    digest.positions = known.cursor->list();
  } else {
    digest.positions = known.met ? catalogue.positions() : catalogue.positions_at_start();
  }
  known.met = true;
  known.asked = now;
  // Only what this node began: else one that all others ask would never get to ask by itself.
  if (wants_reply) last_asked_ = now;
  known.ours = catalogue.fingerprint();
  out.push_back(Send{to, Channel::stream, std::move(digest)});
}

void AntiEntropy::handle(Envelope const& from, CatalogueDigest const& digest,
                         Catalogue const& catalogue, Situation const& situation, Effects& out) {
  CatalogueDelta delta = catalogue.delta_for(digest.positions);
  if (!delta.records.empty() || !delta.through.empty()) {
    out.push_back(Send{from.sender_peer, Channel::stream, std::move(delta)});
  }
  if (digest.wants_reply) {
    // An audit is of both sides: positions may hide from this node what they hide from the other.
    Peer& known = peer(from.sender);
    if (digest.positions.empty() && !known.is_empty) known.cursor.emplace();
    ask(from.sender, from.sender_peer, false, catalogue, situation.now, out);
  }
}

void AntiEntropy::handle(Envelope const& from, CatalogueDelta const& delta, Catalogue& catalogue,
                         Situation const& situation, Effects& out) {
  // Of the positions as they were when the digest was sent, or later ones: it makes no difference.
  bool const more = follow(peer(from.sender), delta, catalogue);
  catalogue.merge(delta, situation.now, out);
  if (more) ask(from.sender, from.sender_peer, false, catalogue, situation.now, out);
}

// Records come in log order, so the peer has told all that it has up to the last one of each log,
// even where it cannot say that nobody has more (`through`). Each round moves the cursor.
bool AntiEntropy::follow(Peer& known, CatalogueDelta const& delta, Catalogue const& catalogue) {
  if (!is_full(delta)) {
    if (known.cursor) known.fruitless = 0;
    known.cursor.reset();
    return false;
  }
  if (!known.cursor) {
    known.cursor.emplace();
    for (LogPosition const& position : catalogue.positions()) known.cursor->raise(position);
  }
  (void)known.cursor->take_moved();
  for (LogPosition const& position : delta.through) known.cursor->raise(position);
  for (CatalogueRecord const& record : delta.records) {
    Dot const& dot = record.dot;
    known.cursor->raise({dot.writer, log_of(record.change), dot.epoch, dot.sequence});
  }
  return !known.cursor->take_moved().empty();
}

void AntiEntropy::tick(Catalogue const& catalogue, Situation const& situation, Effects& out) {
  if (situation.now < next_turn_) return;
  next_turn_ = situation.now + period_;
  MemberView const* chosen = nullptr;
  for (MemberView const& member : situation.members) {
    if (member.alive.id == self_ || !is_reachable(&member)) continue;
    bool const is_next = member.alive.id > last_turn_;
    bool const wrapped = chosen != nullptr && chosen->alive.id <= last_turn_;
    if (chosen == nullptr || (is_next && wrapped)) chosen = &member;
  }
  if (chosen == nullptr) return;
  last_turn_ = chosen->alive.id;
  ask(chosen->alive.id, chosen->alive.peer, true, catalogue, situation.now, out);
}

}  // namespace chisme::cluster
