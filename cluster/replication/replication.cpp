#include "cluster/replication/replication.hpp"

#include <algorithm>

#include "cluster/base/overloaded.hpp"

namespace chisme::cluster {

Replication::Replication(CoreConfig const& config, Self const& self, StoredCatalogue stored,
                         Instant now)
    : catalogue_(self.id, self.epoch, std::move(stored), now),
      anti_entropy_(self.id, config.profile.push_pull_period, now),
      writes_(config.write_timeout, self.epoch),
      lookups_(self.epoch),
      fetcher_(config.transfers_in_max),
      repairer_(config, now) {}

bool Replication::received(Envelope const& from, Situation const& situation, Effects& out) {
  bool ours = true;
  std::visit(
      Overloaded{
          [&](CatalogueDigest const& digest) {
            anti_entropy_.handle(from, digest, catalogue_, situation, out);
          },
          [&](CatalogueDelta const& delta) {
            anti_entropy_.handle(from, delta, catalogue_, situation, out);
          },
          [&](CommitWrite const& commit) {
            participant_.handle(from, commit, catalogue_, situation, out);
          },
          [&](WriteCommitted const& committed) {
            writes_.handle(from.sender, committed, catalogue_, situation, out);
          },
          [&](FetchObject const& request) {
            fetcher_.handle(from, request, catalogue_, situation, out);
          },
          [&](LookupName const& question) { lookups_.handle(from, question, catalogue_, out); },
          [&](LookupAnswer const& answer) {
            lookups_.handle(from.sender, answer, catalogue_, situation, out);
          },
          [&](VerifyCopy const& question) {
            out.push_back(Send{from.sender_peer, Channel::stream,
                               CopyVerified{question.number, question.digest, false}});
          },
          [](CopyVerified const&) {},
          [](FetchFailed const&) {},
          [](WriteSuperseded const&) {},
          [](HorizonNotice const&) {},
          [](RangeSync const&) {},
          // The rest is membership's.
          [&](Ping const&) { ours = false; },
          [&](Ack const&) { ours = false; },
          [&](PingReq const&) { ours = false; },
          [&](Nack const&) { ours = false; },
          [&](WrongTarget const&) { ours = false; },
          [&](Gossip const&) { ours = false; },
          [&](LoadProbe const&) { ours = false; },
          [&](LoadReply const&) { ours = false; },
          [&](PushPull const&) { ours = false; },
          [&](Leave const&) { ours = false; },
      },
      from.message);
  if (ours) settle(situation, out);
  return ours;
}

void Replication::gossiped(CatalogueRecord const& record, Situation const& situation,
                           Effects& out) {
  if (catalogue_.merge(record, situation.now, out)) settle(situation, out);
}

void Replication::heard(NodeId peer, std::uint64_t fingerprint, Situation const& situation,
                        Effects& out) {
  anti_entropy_.heard(peer, fingerprint, catalogue_, situation, out);
}

void Replication::handle(PeerUnreachable const& input, Situation const& situation, Effects& out) {
  writes_.peer_unreachable(input.endpoint, situation);
  repairer_.peer_unreachable(input.endpoint, situation);
  settle(situation, out);
}

void Replication::handle(LoadSampled const& input, Situation const& situation) {
  catalogue_.set_wall(input.wall, situation.now);
}

void Replication::handle(ObjectStored const& input, Situation const& situation, Effects& out) {
  catalogue_.object_stored(input);
  settle(situation, out);
}

void Replication::handle(ObjectRemoved const& input, Situation const& situation, Effects& out) {
  catalogue_.object_removed(input.digest);
  settle(situation, out);
}

void Replication::handle(ObjectVerified const& input, Situation const& situation, Effects& out) {
  if (!input.intact) catalogue_.object_removed(input.digest);
  settle(situation, out);
}

void Replication::handle(TransferFinished const& input, Situation const& situation, Effects& out) {
  fetcher_.handle(input, catalogue_, situation, out);
  settle(situation, out);
}

void Replication::handle(WriteRequested const& input, Situation const& situation, Effects& out) {
  writes_.handle(input, catalogue_, situation, out);
  settle(situation, out);
}

void Replication::handle(CatalogueSaved const& input, Situation const& situation, Effects& out) {
  catalogue_.saved(input.save);
  participant_.saved(input.save, catalogue_, situation, out);
  writes_.saved(input.save, catalogue_, situation, out);
  fetcher_.saved(catalogue_, situation, out);
  settle(situation, out);
}

void Replication::handle(LookupRequested const& input, Situation const& situation, Effects& out) {
  lookups_.handle(input, catalogue_, situation, out);
  settle(situation, out);
}

void Replication::members_changed(Situation const& situation, Effects& out) {
  repairer_.members_changed(situation);
  writes_.tick(catalogue_, situation, out);
  lookups_.tick(catalogue_, situation, out);
  settle(situation, out);
}

void Replication::tick(Situation const& situation, Effects& out) {
  anti_entropy_.tick(catalogue_, situation, out);
  writes_.tick(catalogue_, situation, out);
  lookups_.tick(catalogue_, situation, out);
  settle(situation, out);
}

void Replication::settle(Situation const& situation, Effects& out) {
  repairer_.touched(catalogue_.take_touched());
  repairer_.tick(catalogue_, situation, out);
  catalogue_.save_if_due(situation.now, out);
}

std::optional<Instant> Replication::deadline() const {
  std::optional<Instant> first = anti_entropy_.deadline();
  for (auto const& next :
       {catalogue_.deadline(), writes_.deadline(), lookups_.deadline(), repairer_.deadline()}) {
    if (next) first = std::min(first.value_or(*next), *next);
  }
  return first;
}

}  // namespace chisme::cluster
