#include "cluster/replication/replication.hpp"

#include <algorithm>

#include "cluster/base/overloaded.hpp"

namespace chisme::cluster {

Replication::Replication(CoreConfig const& config, Self const& self, StoredCatalogue stored,
                         Instant now)
    : catalogue_(self.id, self.epoch, std::move(stored), now),
      anti_entropy_(self.id, config.profile.push_pull_period, config.tombstones_kept, now),
      writes_(config.write_timeout, config.limits.writes, self.epoch),
      participant_(config.limits.commits),
      lookups_(config.limits.lookups, self.epoch),
      fetcher_(config.transfers_in_max, config.limits.fetches),
      outages_(config, now),
      survey_(now),
      repairer_(config, now),
      upkeep_(config, self, now),
      rebalancer_(config, now) {}

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
          [&](CatalogueAnswer const& answer) {
            anti_entropy_.handle(from, answer, catalogue_, situation, out);
          },
          [&](CommitWrite const& commit) {
            if (fenced_) return WriteParticipant::refuse(from, commit, out);
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
            upkeep_.handle(from, question, catalogue_, situation, out);
          },
          [&](CopyVerified const& answer) { upkeep_.handle(from.sender, answer); },
          [&](FetchFailed const& failure) {
            repairer_.fetch_failed(from.sender, failure, situation, out);
            rebalancer_.fetch_failed(from.sender, failure, situation.now);
          },
          [&](WriteSuperseded const& superseded) {
            writes_.handle(from.sender, superseded, catalogue_, situation, out);
          },
          [&](HorizonNotice const& notice) {
            anti_entropy_.handle(from, notice, catalogue_, situation, out);
          },
          [&](PeersMissed const&) { anti_entropy_.heard_of_missed_peers(); },
          [&](RangeSync const& message) {
            anti_entropy_.handle(from, message, catalogue_, situation, out);
          },
          // The rest is membership's, or about credentials.
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
          [&](MembersDigest const&) { ours = false; },
          [&](MembersDelta const&) { ours = false; },
          [&](AccessNews const&) { ours = false; },
          [&](AccessDigest const&) { ours = false; },
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
  upkeep_.peer_unreachable(input.endpoint, situation);
  settle(situation, out);
}

void Replication::handle(LoadSampled const& input, Situation const& situation, Effects& out) {
  catalogue_.set_wall(input.wall, situation.now);
  fetcher_.tick(catalogue_, situation, out);
  settle(situation, out);
}

void Replication::handle(ObjectStored const& input, Situation const& situation, Effects& out) {
  upkeep_.handle(input, catalogue_, situation.now, out);
  settle(situation, out);
}

void Replication::handle(ObjectRemoved const& input, Situation const& situation, Effects& out) {
  upkeep_.handle(input, catalogue_);
  settle(situation, out);
}

void Replication::handle(ObjectVerified const& input, Situation const& situation, Effects& out) {
  upkeep_.handle(input, catalogue_, situation, out);
  settle(situation, out);
}

void Replication::handle(TransferFinished const& input, Situation const& situation, Effects& out) {
  auto const brought = fetcher_.handle(input, catalogue_, situation, out);
  if (brought) upkeep_.fetched(*brought, catalogue_, situation.now);
  settle(situation, out);
}

void Replication::fence() {
  fenced_ = true;
  catalogue_.fence();
}

void Replication::handle(WriteRequested const& input, Situation const& situation, Effects& out) {
  if (fenced_) {
    Error error{Fault::unavailable, "this node's disk failed: it takes no writes"};
    out.push_back(WriteFinished{input.write, tl::unexpected<Error>(std::move(error))});
    return;
  }
  auto const* const file = std::get_if<StoreFile>(&input.what);
  if (file != nullptr && upkeep_.is_removing(file->digest)) {
    // What is on this node's disk is uncertain for a moment: the others must be enough.
    WriteRequested elsewhere = input;
    std::erase(elsewhere.stored_on, situation.self);
    writes_.handle(elsewhere, catalogue_, situation, out);
  } else {
    writes_.handle(input, catalogue_, situation, out);
  }
  settle(situation, out);
}

void Replication::handle(CatalogueSaved const& input, Situation const& situation, Effects& out) {
  catalogue_.saved(input.save);
  participant_.saved(input.save, catalogue_, situation, out);
  writes_.saved(input.save, catalogue_, situation, out);
  fetcher_.saved(catalogue_, situation, out);
  upkeep_.saved(input.save, catalogue_, situation, out);
  settle(situation, out);
}

void Replication::handle(LookupRequested const& input, Situation const& situation, Effects& out) {
  lookups_.handle(input, catalogue_, situation, out);
  settle(situation, out);
}

void Replication::disk_changed(Situation const& situation) {
  survey_.rescan(situation.now);
}

void Replication::members_changed(Situation const& situation, Effects& out) {
  outages_.members_changed(situation);
  survey_.watch(situation);
  writes_.members_changed(catalogue_, situation, out);
  lookups_.tick(catalogue_, situation, out);
  settle(situation, out);
}

void Replication::tick(Situation const& situation, Effects& out) {
  anti_entropy_.tick(catalogue_, situation, outages_.is_braked(), out);
  writes_.tick(catalogue_, situation, out);
  lookups_.tick(catalogue_, situation, out);
  settle(situation, out);
}

void Replication::examine(std::vector<Digest> const& digests, Situation const& situation,
                          Effects& out) {
  for (Digest const& digest : digests) {
    repairer_.examine(digest, catalogue_, situation, outages_, out);
    upkeep_.examine(digest, catalogue_, situation);
  }
}

void Replication::sweep(Situation const& situation, Effects& out) {
  for (auto const& [name, ended] : writes_.take_swept()) {
    sweeper_.finished(name, ended, situation.now);
  }
  if (fenced_) return;
  for (std::string& name : sweeper_.tick(catalogue_, situation)) {
    WriteRequested removal;
    removal.name = std::move(name);
    removal.what = RemoveFile{.expired = true};
    writes_.handle(removal, catalogue_, situation, out);
  }
}

void Replication::settle(Situation const& situation, Effects& out) {
  outages_.tick(situation);
  upkeep_.tick(catalogue_, situation, outages_, {writes_, participant_}, out);
  if (upkeep_.wants_rescan()) survey_.rescan(situation.now);
  sweep(situation, out);
  for (auto const& [digest, last] : catalogue_.take_unnamed()) {
    upkeep_.unnamed(digest, last, catalogue_, situation.now);
  }
  examine(survey_.touched(catalogue_.take_touched(), catalogue_), situation, out);
  examine(survey_.take_due(catalogue_, situation.now), situation, out);
  repairer_.tick(catalogue_, situation, outages_, out);
  rebalancer_.tick(catalogue_, situation, outages_, repairer_.repairs_pending(), out);
  catalogue_.save_if_due(situation.now, out);
}

void Replication::add_sizes(std::size_t members, TableSizes& out) const {
  // What is gone stays in tables that follow objects until it is looked at.
  std::size_t const unseen = survey_.waiting();
  catalogue_.add_sizes(out);
  anti_entropy_.add_sizes(out);
  writes_.add_sizes(out);
  participant_.add_sizes(out);
  lookups_.add_sizes(out);
  fetcher_.add_sizes(out);
  outages_.add_sizes(members, out);
  survey_.add_sizes(catalogue_.objects().size() + catalogue_.local().size(), out);
  repairer_.add_sizes(catalogue_.objects().size() + unseen, out);
  sweeper_.add_sizes(out);
  upkeep_.add_sizes(catalogue_.local().size() + unseen, out);
}

std::optional<Instant> Replication::deadline() const {
  std::optional<Instant> first = anti_entropy_.deadline();
  for (auto const& next :
       {catalogue_.deadline(), writes_.deadline(), lookups_.deadline(), outages_.deadline(),
        survey_.deadline(), repairer_.deadline(), upkeep_.deadline(), rebalancer_.deadline(),
        fenced_ ? std::nullopt : sweeper_.deadline()}) {
    if (next) first = std::min(first.value_or(*next), *next);
  }
  return first;
}

}  // namespace chisme::cluster
