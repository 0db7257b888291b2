#include "cluster/membership/failure_detector.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include "cluster/base/planted_bug.hpp"

namespace chisme::cluster {
namespace {

void send(Endpoint const& to, Channel channel, Message message, Effects& out) {
  out.push_back(Send{to, channel, std::move(message)});
}

}  // namespace

FailureDetector::FailureDetector(Profile const& profile, NodeId self, Random random, Instant now)
    : profile_(profile),
      self_(self),
      random_(random),
      next_sequence_(random_() >> 1),
      next_probe_(now) {
  // Nodes that start together must not probe together.
  next_probe_ += Duration{static_cast<Duration::rep>(
      random_.below(static_cast<std::uint64_t>(profile.probe_period.count())))};
}

void FailureDetector::tick(Instant now, MemberTable const& members, Effects& out,
                           std::vector<NodeId>& failed) {
  tick_probes(now, members, out, failed);
  tick_relays(now, out);
  if (next_probe_ <= now) {
    begin_next(now, members, out);
    next_probe_ = now + scaled(profile_.probe_period);
  }
}

Instant FailureDetector::deadline() const {
  Instant first = next_probe_;
  for (auto const& [sequence, probe] : probes_) {
    first = std::min(first, probe.others_asked ? probe.fails : probe.asks_others);
  }
  for (auto const& [sequence, relay] : relays_) {
    first = std::min(first, relay.nacked ? relay.ends : relay.nack_at);
  }
  return first;
}

void FailureDetector::refill(MemberTable const& members) {
  for (Member const* member : members.living()) {
    if (member->alive.id != self_) round_.push_back(member->alive.id);
  }
  for (std::size_t i = round_.size(); i > 1; --i) {
    std::swap(round_[i - 1], round_[random_.below(i)]);
  }
}

void FailureDetector::begin_next(Instant now, MemberTable const& members, Effects& out) {
  if (round_.empty()) refill(members);
  while (!round_.empty()) {
    Member const* target = members.find(round_.back());
    round_.pop_back();
    if (target == nullptr || !is_live(target->state)) continue;
    begin(*target, now, members, out);
    return;
  }
}

void FailureDetector::probe_now(NodeId id, Instant now, MemberTable const& members, Effects& out) {
  Member const* target = members.find(id);
  if (target != nullptr && id != self_ && is_live(target->state)) begin(*target, now, members, out);
}

Ping FailureDetector::ping_for(std::uint64_t sequence, NodeId target,
                               MemberTable const& members) const {
  Ping ping{.sequence = sequence, .target = target, .accusation = {}, .piggyback = {}};
  Member const* member = members.find(target);
  if (member != nullptr && member->state == MemberState::suspect) {
    ping.accusation = SuspectRecord{target, member->alive.epoch, member->alive.incarnation, self_};
  }
  return ping;
}

void FailureDetector::begin(Member const& target, Instant now, MemberTable const& members,
                            Effects& out) {
  bool const probing = std::any_of(probes_.begin(), probes_.end(), [&](auto const& entry) {
    return entry.second.target == target.alive.id;
  });
  if (probing || probes_.size() >= probes_max) return;
  std::uint64_t const sequence = next_sequence_++;
  probes_[sequence] = Probe{.target = target.alive.id,
                            .endpoint = target.alive.peer,
                            .asks_others = now + scaled(profile_.probe_timeout),
                            .fails = now + scaled(profile_.probe_period),
                            .begun = now,
                            .others_asked = false,
                            .helpers = {},
                            .nacks = {}};
  send(target.alive.peer, Channel::datagram, ping_for(sequence, target.alive.id, members), out);
}

void FailureDetector::ask_others(std::uint64_t sequence, Probe& probe, MemberTable const& members,
                                 Effects& out) {
  probe.others_asked = true;
  if (!planted(PlantedBug::no_ping_by_stream)) {
    send(probe.endpoint, Channel::stream, ping_for(sequence, probe.target, members), out);
  }
  std::array const left_out{self_, probe.target};
  // Suspects are no help; of twice as many some are left as a rule.
  for (Member const* helper : members.sample(2 * helpers_wanted, left_out, random_)) {
    if (helper->state != MemberState::alive || probe.helpers.size() >= helpers_wanted) continue;
    probe.helpers.insert(helper->alive.id);
    send(helper->alive.peer, Channel::datagram, PingReq{sequence, probe.target, probe.endpoint},
         out);
  }
}

void FailureDetector::tick_probes(Instant now, MemberTable const& members, Effects& out,
                                  std::vector<NodeId>& failed) {
  for (auto entry = probes_.begin(); entry != probes_.end();) {
    auto& [sequence, probe] = *entry;
    if (!probe.others_asked && probe.asks_others <= now) {
      ask_others(sequence, probe, members, out);
    }
    if (probe.fails > now) {
      ++entry;
      continue;
    }
    failed.push_back(probe.target);
    // Silent helpers are the sign that this node itself is slow or cut off.
    if (probe.nacks.size() < probe.helpers.size()) worsen();
    entry = probes_.erase(entry);
  }
}

void FailureDetector::tick_relays(Instant now, Effects& out) {
  for (auto entry = relays_.begin(); entry != relays_.end();) {
    Relay& relay = entry->second;
    if (!relay.nacked && relay.nack_at <= now) {
      relay.nacked = true;
      send(relay.asker, Channel::datagram, Nack{relay.sequence}, out);
    }
    entry = relay.ends <= now ? relays_.erase(entry) : std::next(entry);
  }
}

std::optional<Duration> FailureDetector::handle(Ack const& ack, Envelope const& from, Instant now,
                                                Effects& out) {
  if (auto const found = probes_.find(ack.sequence); found != probes_.end()) {
    Probe const& probe = found->second;
    bool const counts = from.sender == probe.target || probe.helpers.contains(from.sender) ||
                        planted(PlantedBug::anybody_answers);
    if (!counts) return std::nullopt;
    auto const took = probe.others_asked ? std::nullopt : std::optional{now - probe.begun};
    improve();
    probes_.erase(found);
    return took;
  }
  auto const asked = relays_.find(ack.sequence);
  if (asked == relays_.end()) return std::nullopt;
  bool const is_target =
      from.sender == asked->second.target || planted(PlantedBug::anybody_answers);
  if (!is_target) return std::nullopt;
  send(asked->second.asker, Channel::datagram,
       Ack{.sequence = asked->second.sequence, .load = {}, .piggyback = {}}, out);
  relays_.erase(asked);
  return std::nullopt;
}

void FailureDetector::handle(Nack const& nack, Envelope const& from) {
  auto const found = probes_.find(nack.sequence);
  if (found == probes_.end() || !found->second.helpers.contains(from.sender)) return;
  found->second.nacks.insert(from.sender);
}

void FailureDetector::handle(WrongTarget const& wrong, Envelope const& from,
                             std::vector<NodeId>& failed) {
  auto const found = probes_.find(wrong.sequence);
  if (found == probes_.end() || found->second.target != wrong.expected) return;
  if (from.sender == wrong.expected) return;
  failed.push_back(wrong.expected);
  probes_.erase(found);
}

void FailureDetector::handle(PingReq const& request, Envelope const& from, Instant now,
                             MemberTable const& members, Effects& out) {
  if (relays_.size() >= relays_max || request.target == self_) return;
  std::uint64_t const sequence = next_sequence_++;
  relays_[sequence] = Relay{.target = request.target,
                            .sequence = request.sequence,
                            .asker = from.sender_peer,
                            .nack_at = now + scaled(profile_.probe_timeout) * 4 / 5,
                            .ends = now + scaled(profile_.probe_period)};
  send(request.target_endpoint, Channel::datagram, ping_for(sequence, request.target, members),
       out);
}

void FailureDetector::forgive(Instant now) {
  probes_.clear();
  relays_.clear();
  next_probe_ = now;
}

void FailureDetector::worsen() {
  if (health_ < health_max) ++health_;
}

void FailureDetector::improve() {
  if (health_ > 0) --health_;
}

}  // namespace chisme::cluster
