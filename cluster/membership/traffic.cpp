#include "cluster/membership/traffic.hpp"

#include <algorithm>
#include <vector>

#include "cluster/base/overloaded.hpp"
#include "cluster/wire/codec.hpp"

namespace chisme::cluster {
namespace {

// The records' own bytes, each kind for itself.
Traffic shares_of(std::vector<Record> const& records) {
  Traffic traffic;
  for (Record const& record : records) {
    std::size_t const bytes = encoded_size(record);
    if (std::holds_alternative<LoadRecord>(record)) {
      traffic.loads += bytes;
    } else if (std::holds_alternative<CatalogueRecord>(record)) {
      traffic.catalogue += bytes;
    } else {
      traffic.membership += bytes;
    }
  }
  return traffic;
}

std::uint64_t sum(Traffic const& traffic) {
  return traffic.membership + traffic.loads + traffic.fingerprints + traffic.catalogue +
         traffic.files;
}

Traffic probe_shares(std::vector<Record> const& piggyback, std::size_t load_bytes,
                     std::size_t frame_bytes) {
  Traffic traffic = shares_of(piggyback);
  traffic.loads += load_bytes;
  traffic.membership += frame_bytes - sum(traffic);
  return traffic;
}

// The most important kind of record in it is why it was sent.
Traffic gossip_shares(Gossip const& gossip, std::size_t frame_bytes) {
  Traffic traffic = shares_of(gossip.records);
  std::uint64_t const rest = frame_bytes - sum(traffic);
  if (traffic.membership > 0) {
    traffic.membership += rest;
  } else if (traffic.catalogue > 0) {
    traffic.catalogue += rest;
  } else if (traffic.loads > 0) {
    traffic.loads += rest;
  } else {
    traffic.fingerprints += rest;
  }
  return traffic;
}

}  // namespace

Traffic& Traffic::operator+=(Traffic const& more) {
  membership += more.membership;
  loads += more.loads;
  fingerprints += more.fingerprints;
  catalogue += more.catalogue;
  files += more.files;
  return *this;
}

Traffic shares_of(Message const& message, std::size_t frame_bytes) {
  Traffic const membership{.membership = frame_bytes};
  Traffic const loads{.loads = frame_bytes};
  return std::visit(
      Overloaded{
          [&](Ping const& m) { return probe_shares(m.piggyback, 0, frame_bytes); },
          [&](Ack const& m) {
            // A record has one byte more than its content: which kind it is.
            return probe_shares(m.piggyback, encoded_size(Record{m.load}) - 1, frame_bytes);
          },
          [&](Gossip const& m) { return gossip_shares(m, frame_bytes); },
          [&](PingReq const&) { return membership; }, [&](Nack const&) { return membership; },
          [&](WrongTarget const&) { return membership; },
          [&](PushPull const&) { return membership; },
          [&](MembersDigest const&) { return membership; },
          [&](MembersDelta const&) { return membership; }, [&](Leave const&) { return membership; },
          [&](LoadProbe const&) { return loads; }, [&](LoadReply const&) { return loads; },
          [&](auto const&) { return Traffic{.files = frame_bytes}; }},
      message);
}

}  // namespace chisme::cluster
