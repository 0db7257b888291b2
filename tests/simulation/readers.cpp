#include "tests/simulation/readers.hpp"

#include <algorithm>

#include "cluster/base/planted_bug.hpp"
#include "cluster/load/balancer.hpp"
#include "tests/simulation/sight.hpp"
#include "tests/simulation/workload.hpp"

namespace chisme::simulation {

using namespace cluster;

namespace {

constexpr unsigned redirects_max = 2;

Host* host_at(Surroundings& around, Endpoint const& endpoint) {
  for (auto const& host : around.hosts) {
    if (around.network->endpoint_of(host->index()) == endpoint) return host.get();
  }
  return nullptr;
}

}  // namespace

void Readers::read(Host& host, std::string name) {
  answer({std::move(name), Hops::none, 0}, host);
}

void Readers::arrives(Request request, Endpoint const& at) {
  around_.agenda.after(around_.network->delay(), [this, request = std::move(request), at] {
    // Nobody there: the client is told so, and tries again later.
    Host* const host = host_at(around_, at);
    if (host != nullptr && host->is_up()) answer(request, *host);
  });
}

void Readers::answer(Request request, Host& host) {
  ClusterView const view = host.view();
  std::optional<FileEntry> const file = view.catalogue.find(request.name);
  auto const version = file ? std::optional{file->put.version} : std::nullopt;
  if (workload_.must_know_newer(request.name, host, version, around_.agenda.now())) {
    around_.violated(
        Invariant::no_acknowledged_write_lost,
        name_of(host) + " made a write of " + request.name + " durable and does not know of it");
  }
  if (!file) return;
  auto wanted = wanted_[host.index()].take(view, file->holders, host.local_now());
  if (!wanted.empty()) host.give(LoadsWanted{std::move(wanted)});
  RedirectTally const& tally = tallies_[host.index()];
  auto const holders = candidates(view, file->holders, host.local_now(), tally);
  bool const local = std::ranges::count(file->holders, host.id()) > 0;
  if (local) {
    bool const may_bounce = request.hops != Hops::bounced || planted(PlantedBug::bounce_goes_on);
    auto const other = may_bounce ? bounce(holders) : std::nullopt;
    if (other && *other != host.id()) return redirect(request, Hops::bounced, view, *other);
    return serve(host, request.name, file->put.digest);
  }
  if (request.hops != Hops::none) return relay(request.name, *file);
  auto const chosen = choose(holders, random_);
  if (!chosen || *chosen == host.id()) return relay(request.name, *file);
  tallies_[host.index()].note(*chosen, host.local_now());
  redirect(request, Hops::redirected, view, *chosen);
}

void Readers::redirect(Request request, Hops hops, ClusterView const& view, NodeId target) {
  ++(hops == Hops::bounced ? counts_.bounced : counts_.redirected);
  request.hops = hops;
  if (++request.redirects > redirects_max) {
    around_.violated(Invariant::redirects_end, "a client that asked for " + request.name +
                                                   " was redirected " +
                                                   std::to_string(request.redirects) + " times");
    return;
  }
  auto const member = std::ranges::find_if(
      view.members, [&](MemberView const& known) { return known.alive.id == target; });
  if (member != view.members.end()) arrives(std::move(request), member->alive.peer);
}

// The node reads from a holder and passes the bytes on.
void Readers::relay(std::string const& name, FileEntry const& file) {
  for (auto const& host : around_.hosts) {
    bool const holds = std::ranges::count(file.holders, host->id()) > 0;
    if (holds && host->is_up()) return serve(*host, name, file.put.digest);
  }
}

// A copy that is gone is an error that the client sees.
void Readers::serve(Host const& host, std::string const& name, Digest const& digest) {
  if (!host.disk().holds(digest)) return;
  ++counts_.served;
  // A copy that has rotted is found by its reader, who compares the digest, or by the next scrub.
  if (has_whole_copy(host, digest) || around_.observer->is_rotten(host, digest)) return;
  around_.violated(Invariant::served_bytes_match, name_of(host) + " serves other bytes as " + name);
}

}  // namespace chisme::simulation
