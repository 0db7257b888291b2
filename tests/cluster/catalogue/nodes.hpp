#pragma once

#include <deque>
#include <map>
#include <set>
#include <utility>
#include <variant>
#include <vector>

#include "cluster/base/check.hpp"
#include "cluster/catalogue/anti_entropy.hpp"
#include "cluster/wire/codec.hpp"
#include "tests/cluster/catalogue/records.hpp"

// Catalogues that level with each other over a network that loses nothing: all messages are encoded
// and decoded on the way. For tests and measurements.
namespace chisme::cluster::testing {

inline constexpr Duration period = std::chrono::seconds{10};
inline constexpr Duration kept = std::chrono::hours{1};

inline Endpoint endpoint(std::uint64_t number) {
  Endpoint endpoint;
  endpoint.port = static_cast<std::uint16_t>(number);
  return endpoint;
}

struct Node {
  explicit Node(std::uint64_t number, StoredCatalogue stored = {}, std::uint32_t epoch = 1)
      : id(node(number)),
        catalogue(id, Epoch{epoch}, std::move(stored), Instant{}),
        anti_entropy(id, period, kept, Instant{}) {}
  NodeId id;
  Catalogue catalogue;
  AntiEntropy anti_entropy;
};

class Nodes {
 public:
  // Members 1 to `count`, all of which speak `versions`.
  explicit Nodes(std::uint64_t count, ProtocolVersions versions = spoken_versions) {
    for (std::uint64_t number = 1; number <= count; ++number) {
      MemberView member;
      member.alive.id = node(number);
      member.alive.peer = endpoint(number);
      member.alive.versions = versions;
      members.push_back(member);
    }
  }
  void join(Node& who) { nodes_[who.id] = &who; }
  void leave(Node& who) { nodes_.erase(who.id); }

  // Delivers what `from` sent, and what follows from it. Returns how many messages that took.
  int deliver(Node& from, Effects effects) {
    int delivered = 0;
    std::deque<std::pair<Node*, Effect>> queue;
    auto const take = [&](Node& sender, Effects& sent) {
      for (Effect& effect : sent) {
        if (auto const* const send = std::get_if<Send>(&effect)) queue.emplace_back(&sender, *send);
      }
    };
    take(from, effects);
    for (; !queue.empty(); queue.pop_front()) {
      auto const& [sender, effect] = queue.front();
      Send const& send = std::get<Send>(effect);
      auto const to = nodes_.find(node(send.to.port));
      if (to == nodes_.end()) continue;
      ++delivered;
      Effects out;
      hand_over(*sender, *to->second, send.message, out);
      take(*to->second, out);
    }
    return delivered;
  }

  // `who` hears the other's gossip.
  int gossip(Node& who, Node& other) {
    Effects out;
    who.anti_entropy.heard(other.id, other.catalogue.fingerprint(), who.catalogue, at(who), out);
    return deliver(who, std::move(out));
  }
  // All who have joined hear of each other, save, and get their turns, again and again.
  void run(Duration duration, Duration step = std::chrono::milliseconds{600}) {
    for (Instant const end = now + duration; now < end; now += step) {
      for (auto const& [id, who] : nodes_) {
        for (auto const& [other_id, other] : nodes_) {
          if (other != who) gossip(*who, *other);
        }
        Effects out;
        who->anti_entropy.tick(who->catalogue, at(*who), braked, out);
        deliver(*who, std::move(out));
        out.clear();
        who->catalogue.saved(who->catalogue.save(out));
      }
    }
  }
  [[nodiscard]] bool agree() const {
    std::set<std::uint64_t> fingerprints;
    for (auto const& [id, who] : nodes_) fingerprints.insert(who->catalogue.fingerprint());
    return fingerprints.size() <= 1;
  }
  [[nodiscard]] Situation at(Node const& who) {
    for (MemberView& member : members) member.self = member.alive.id == who.id;
    return {.now = now,
            .self = who.id,
            .members = members,
            .in_touch = in_touch,
            .missed = who.id == missing ? 1 : missed};
  }

  std::vector<MemberView> members;
  Instant now{};
  bool braked = false;
  bool in_touch = true;
  std::size_t missed = 0;   // by all
  NodeId missing;           // misses one peer
  std::uint64_t bytes = 0;  // of all messages so far
  std::map<std::size_t, int> kinds;

 private:
  void hand_over(Node& from, Node& to, Message const& message, Effects& out) {
    std::string const frame =
        encode(Envelope{from.id, from.catalogue.epoch(), endpoint(from.id.low), message});
    bytes += frame.size();
    ++kinds[message.index()];
    auto const decoded = decode(frame, stream_message_bytes_max);
    CHECK(decoded.has_value());
    auto const handle = [&](auto const& said) {
      to.anti_entropy.handle(*decoded, said, to.catalogue, at(to), out);
    };
    if (auto const* const digest = std::get_if<CatalogueDigest>(&decoded->message)) {
      handle(*digest);
    } else if (auto const* const delta = std::get_if<CatalogueDelta>(&decoded->message)) {
      handle(*delta);
    } else if (auto const* const answer = std::get_if<CatalogueAnswer>(&decoded->message)) {
      handle(*answer);
    } else if (auto const* const notice = std::get_if<HorizonNotice>(&decoded->message)) {
      handle(*notice);
    } else if (std::holds_alternative<PeersMissed>(decoded->message)) {
      to.anti_entropy.heard_of_missed_peers();
    } else {
      handle(std::get<RangeSync>(decoded->message));
    }
  }

  std::map<NodeId, Node*> nodes_;
};

inline void tell(Node& who, CatalogueRecord const& record) {
  Effects out;
  who.catalogue.merge(record, Instant{}, out);
}

// As the record's writer tells it, who has everything before it.
inline void write(Node& who, CatalogueRecord const& record) {
  Effects out;
  CatalogueDelta const delta{.records = {record}, .through = {position_of(record)}};
  who.catalogue.merge(delta, Catalogue::Source::same_horizon, Instant{}, out);
}

// What a node finds on its disk that had saved all it knows.
class DiskOf {
 public:
  void save(Catalogue& catalogue) {
    Effects out;
    catalogue.saved(catalogue.save(out));
    apply(out);
  }
  void save_if_due(Catalogue& catalogue, Instant now) {
    Effects out;
    catalogue.save_if_due(now, out);
    apply(out);
  }
  StoredCatalogue stored;

 private:
  void apply(Effects const& effects) {
    for (Effect const& effect : effects) {
      if (auto const* const save = std::get_if<SaveCatalogue>(&effect)) apply(*save);
    }
  }
  void apply(SaveCatalogue const& save) {
    auto& records = stored.records;
    records.insert(records.end(), save.records.begin(), save.records.end());
    for (CatalogueRecord const& forgotten : save.forgotten) {
      std::erase_if(records, [&](CatalogueRecord const& record) { return record == forgotten; });
    }
    for (LogPosition const& position : save.positions) {
      std::erase_if(stored.positions, [&](LogPosition const& old) {
        return old.writer == position.writer && old.log == position.log;
      });
      if (position.sequence > 0) stored.positions.push_back(position);
    }
    if (save.horizon) stored.horizon = *save.horizon;
  }
};

}  // namespace chisme::cluster::testing
