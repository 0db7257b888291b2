#include "cluster/replication/fetcher.hpp"

#include <algorithm>

#include "cluster/base/planted_bug.hpp"

namespace chisme::cluster {
namespace {

void tell_failure(NodeId asker, Digest const& digest, Situation const& situation, Effects& out) {
  MemberView const* const member = find_member(situation.members, asker);
  if (!is_reachable(member) || !understands<FetchFailed>(member->alive)) return;
  out.push_back(Send{member->alive.peer, Channel::stream, FetchFailed{digest}});
}

void suspect_copy(NodeId source, Digest const& digest, Situation const& situation, Effects& out) {
  MemberView const* const member = find_member(situation.members, source);
  if (!is_reachable(member) || !understands<VerifyCopy>(member->alive)) return;
  out.push_back(Send{member->alive.peer, Channel::stream, VerifyCopy{0, digest}});
}

}  // namespace

void Fetcher::handle(Envelope const& from, FetchObject const& request, Catalogue const& catalogue,
                     Situation const& situation, Effects& out) {
  bool const known = is_under_way(request.digest);
  bool const local = catalogue.is_local(request.digest);
  bool const takes_room = !askers_.contains(request.digest);
  bool const is_full = (takes_room && askers_.size() >= askers_max()) ||
                       (!known && !local && queued_.size() >= queued_max_);
  if (is_full) return tell_failure(from.sender, request.digest, situation, out);
  if (!known && !local) queued_.push_back({request.digest, request.size, request.sources});
  askers_[request.digest].insert(from.sender);
  if (local) return saved(catalogue, situation, out);
  start_next(catalogue, situation, out);
}

// Not whoever has an asker: a copy that is lost before its Have is durable leaves askers behind.
bool Fetcher::is_under_way(Digest const& digest) const {
  return std::ranges::any_of(running_,
                             [&](auto const& run) { return run.second.digest == digest; }) ||
         std::ranges::any_of(queued_, [&](Wanted const& next) { return next.digest == digest; });
}

void Fetcher::start_next(Catalogue const& catalogue, Situation const& situation, Effects& out) {
  unsigned most = throttled(transfers_in_max_, situation);
  if (planted(PlantedBug::transfers_are_not_limited)) most = 100;
  while (running_.size() < most && !queued_.empty()) {
    Wanted const next = std::move(queued_.front());
    queued_.pop_front();
    bool const wanted = !catalogue.is_local(next.digest);  // it may have come by an upload
    if (wanted && !start(next, situation, out)) refuse(next.digest, situation, out);
  }
}

bool Fetcher::start(Wanted const& wanted, Situation const& situation, Effects& out) {
  std::vector<Source> sources;
  for (NodeId const id : wanted.sources) {
    MemberView const* const member = find_member(situation.members, id);
    if (id != situation.self && is_reachable(member)) sources.push_back({id, member->alive.peer});
  }
  if (sources.empty()) return false;
  last_transfer_ = TransferId{last_transfer_.value() + 1};
  NodeId const source = sources.front().node;
  running_.emplace(last_transfer_, Run{wanted.digest, source});
  out.push_back(
      Announce{RepairProgress{wanted.digest, source, situation.self, RepairStage::started}});
  out.push_back(StartTransfer{last_transfer_, wanted.digest, wanted.size, std::move(sources)});
  return true;
}

std::optional<Digest> Fetcher::handle(TransferFinished const& transfer, Catalogue const& catalogue,
                                      Situation const& situation, Effects& out) {
  auto const found = running_.find(transfer.transfer);
  if (found == running_.end()) return std::nullopt;
  auto const [digest, sender] = found->second;
  running_.erase(found);
  bool const here = transfer.succeeded && catalogue.is_local(digest);
  RepairStage const stage = here ? RepairStage::finished : RepairStage::failed;
  out.push_back(Announce{RepairProgress{digest, sender, situation.self, stage}});
  if (!here) refuse(digest, situation, out);
  for (NodeId const source : transfer.corrupt) suspect_copy(source, digest, situation, out);
  start_next(catalogue, situation, out);
  saved(catalogue, situation, out);
  return here ? std::optional{digest} : std::nullopt;
}

void Fetcher::refuse(Digest const& digest, Situation const& situation, Effects& out) {
  auto const askers = askers_.extract(digest);
  if (askers.empty()) return;
  for (NodeId const asker : askers.mapped()) tell_failure(asker, digest, situation, out);
}

void Fetcher::saved(Catalogue const& catalogue, Situation const& situation, Effects& out) {
  if (planted(PlantedBug::askers_are_not_forgotten)) return;
  std::erase_if(askers_, [&](auto const& entry) {
    auto const have = catalogue.durable_holding(entry.first);
    if (!have) return !catalogue.is_local(entry.first) && !is_under_way(entry.first);
    for (NodeId const asker : entry.second) {
      MemberView const* const member = find_member(situation.members, asker);
      if (member == nullptr) continue;
      out.push_back(Send{member->alive.peer, Channel::stream,
                         CatalogueDelta{.records = {*have}, .through = {}}});
    }
    return true;
  });
}

}  // namespace chisme::cluster
