#include "tests/simulation/workload.hpp"

#include <algorithm>
#include <memory>
#include <set>
#include <utility>

#include "cluster/catalogue/hybrid_clock.hpp"
#include "cluster/catalogue/name_record.hpp"
#include "cluster/placement/rendezvous.hpp"
#include "cluster/replication/situation.hpp"
#include "tests/simulation/sight.hpp"

namespace chisme::simulation {

using namespace cluster;
using namespace std::chrono_literals;

namespace {

// Few: each is written again; many: a lost write is not covered up.
constexpr std::uint64_t names = 80;
constexpr std::uint64_t size_max = 4'000'000;
constexpr double removals = 0.2;
constexpr double lookups = 0.1;
constexpr double conditions = 0.2;
constexpr double known_contents = 0.1;
// Within this a lookup waits for all that are alive (Lookups::patience, by a clock that may be 1 %
// fast).
constexpr Duration lookup_patience = 985ms;

bool contains(std::vector<NodeId> const& nodes, NodeId id) {
  return std::ranges::find(nodes, id) != nodes.end();
}

std::optional<Version> known_version(CatalogueSnapshot const& catalogue, std::string const& name) {
  CatalogueRecord const* const record = catalogue.newest(name);
  return record == nullptr ? std::nullopt : std::optional{version_of(*record)};
}

std::vector<NodeId> alive_in(ClusterView const& view) {
  std::vector<NodeId> alive;
  for (MemberView const& member : view.members) {
    if (member.state == MemberState::alive) alive.push_back(member.alive.id);
  }
  return alive;
}

}  // namespace

Digest Workload::random_digest() {
  Digest digest;
  for (std::uint8_t& byte : digest.bytes) byte = static_cast<std::uint8_t>(random_.below(256));
  return digest;
}

// Mostly new, sometimes what was written as `name` before.
Digest Workload::content_for(std::string const& name) {
  auto const earlier = writes_of_.find(name);
  if (earlier != writes_of_.end() && random_.chance(known_contents)) {
    std::vector<Attempt const*> const& writes = earlier->second;
    Attempt const& again = *writes[random_.below(writes.size())];
    if (again.digest) return *again.digest;
  }
  return random_digest();
}

std::string Workload::random_name() {
  return "file-" + std::to_string(random_.below(names));
}

std::string Workload::some_name(double last) {
  std::string name = random_name();
  return random_.chance(last) && !last_acknowledged_.empty() ? last_acknowledged_ : name;
}

Host* Workload::some_host_up() {
  std::vector<Host*> up;
  for (auto const& host : around_.hosts) {
    if (host->is_up()) up.push_back(host.get());
  }
  return up.empty() ? nullptr : up[random_.below(up.size())];
}

Workload::Asked Workload::asked_now(Host const& host) const {
  return {host.index(), host.run(), host.id(), around_.agenda.now(), false};
}

void Workload::act() {
  if (Host* const host = some_host_up()) readers_.read(*host, random_name());
  Host* const host = some_host_up();
  if (host == nullptr) return;
  if (random_.chance(lookups)) {
    look_up(*host);
  } else {
    write(*host);
  }
}

void Workload::write(Host& host) {
  WriteId const write{attempts_.size() + 1};
  std::string const name = some_name(0.15);
  Digest const digest = content_for(name);
  Attempt& attempt = attempts_[write];
  writes_of_[name].push_back(&attempt);
  attempt.name = name;
  attempt.asked = asked_now(host);
  if (random_.chance(removals)) {
    host.give(WriteRequested{write, name, RemoveFile{}, {}, {}});
    return;
  }
  attempt.digest = digest;
  // The size belongs to the bytes: equal bytes, equal size.
  attempt.size = ByteCount{1 + (digest.bytes[0] * 256u + digest.bytes[1]) * 61u % size_max};
  upload(host, write);
}

// Either one that the current version meets, or one that nothing meets.
void Workload::set_condition(Host const& host, Attempt& attempt) {
  if (!random_.chance(conditions)) return;
  std::optional<FileEntry> const file = host.view().catalogue.find(attempt.name);
  if (random_.chance(0.3)) {
    attempt.condition.must_match = {random_digest()};
    attempt.must_fail = true;
  } else if (random_.chance(0.5)) {
    attempt.condition.must_be_absent = true;
    attempt.must_fail = file.has_value();
  } else if (file) {
    attempt.condition.must_match = {file->put.digest};
  }
}

void Workload::look_up(Host& host) {
  LookupId const lookup{lookups_.size() + 1};
  Lookup& asked = lookups_[lookup];
  asked = {some_name(0.5), asked_now(host), alive_in(host.view()), in_reach(host)};
  host.give(LookupRequested{lookup, asked.name});
}

void Workload::upload(Host& host, WriteId write) {
  Attempt const& attempt = attempts_[write];
  ClusterView const view = host.view();
  std::vector<NodeId> const self{host.id()};
  std::vector<NodeId> const others =
      place(placement_key(attempt.name), view.members, view.copies_durable - 1, self);
  auto upload = std::make_shared<Upload>();
  upload->write = write;
  upload->awaited = 1;
  push(host, host, upload);
  for (auto const& other : around_.hosts) {
    if (std::find(others.begin(), others.end(), other->id()) == others.end()) continue;
    ++upload->awaited;
    push(host, *other, upload);
  }
}

void Workload::push(Host& host, Host& target, std::shared_ptr<Upload> const& upload) {
  Attempt const& attempt = attempts_[upload->write];
  bool const reaches = target.is_up() && around_.network->connects(host.index(), target.index());
  if (reaches) target.store({*attempt.digest, attempt.size});
  // By then a node that stays up has synced it; what it has not is not counted.
  around_.agenda.after(50ms, [this, &host, &target, upload, run = host.run()] {
    if (run != host.run()) return;
    if (target.is_up() && target.disk().holds(*attempts_[upload->write].digest)) {
      upload->stored_on.push_back(target.id());
    }
    if (--upload->awaited == 0) commit(host, *upload);
  });
}

void Workload::commit(Host& host, Upload const& upload) {
  Attempt& attempt = attempts_[upload.write];
  set_condition(host, attempt);
  attempt.known = known_version(host.view().catalogue, attempt.name);
  host.give(WriteRequested{upload.write, attempt.name,
                           StoreFile{*attempt.digest, attempt.size, "text/plain"}, upload.stored_on,
                           attempt.condition});
}

void Workload::finished(WriteFinished const& finished) {
  Attempt& attempt = attempts_[finished.write];
  if (std::exchange(attempt.asked.answered, true)) around_.violated("a write was answered twice");
  attempt.answered_at = around_.agenda.now();
  if (finished.outcome) {
    answered(attempt, *finished.outcome);
  } else {
    answered(attempt, finished.outcome.error());
  }
}

void Workload::answered(Attempt& attempt, WriteOutcome const& outcome) {
  attempt.outcome = Outcome::acknowledged;
  attempt.version = outcome.version;
  // A wall clock that was set back is believed for a moment: the core hears of it now and then.
  WallTime const latest = around_.hosts[attempt.asked.host]->believed() + HybridClock::ahead_max;
  attempt.time_max = static_cast<std::uint64_t>(latest.time_since_epoch().count()) << 16;
  attempt.copies = outcome.copies;
  acknowledged_.push_back(&attempt);
  last_acknowledged_ = attempt.name;
  if (attempt.digest) check_version(attempt);
  if (attempt.digest) check_copies(attempt);
  if (attempt.digest && attempt.copies.empty()) around_.violated("acknowledged without a copy");
  // A name that somebody removes may be absent by the time that the node looks.
  bool const absent_meanwhile = attempt.condition.must_be_absent && was_ever_removed(attempt.name);
  if (attempt.must_fail && !absent_meanwhile) {
    around_.violated(Invariant::refused_stays_invisible,
                     "a write of " + attempt.name + " was taken although its condition fails");
  }
}

// At the moment of its acknowledgement a write is safe on as many nodes as it has to be.
void Workload::check_copies(Attempt const& attempt) const {
  Host const& host = *around_.hosts[attempt.asked.host];
  if (attempt.copies.size() < host.view().copies_durable) {
    around_.violated(Invariant::no_acknowledged_write_lost,
                     "a write of " + attempt.name + " was acknowledged with " +
                         std::to_string(attempt.copies.size()) + " copies");
  }
  check_saved(attempt);
  for (auto const& other : around_.hosts) {
    bool const corrupt = other->disk().holds(*attempt.digest) &&
                         !has_whole_copy(*other, *attempt.digest) &&
                         !around_.observer->is_rotten(*other, *attempt.digest);
    if (!contains(attempt.copies, other->id()) || !corrupt) continue;
    around_.violated(
        Invariant::no_acknowledged_write_lost,
        name_of(*other) + " acknowledged bytes of " + attempt.name + " that it does not have");
  }
}

void Workload::check_saved(Attempt const& attempt) const {
  for (auto const& host : around_.hosts) {
    if (!contains(attempt.copies, host->id()) || around_.cloned.contains(host->id())) continue;
    CatalogueRecord const* const saved = host->disk().saved(attempt.name);
    if (saved != nullptr && version_of(*saved) >= attempt.version) continue;
    around_.violated(Invariant::no_acknowledged_write_lost,
                     name_of(*host) + " has no record on disk of a write of " + attempt.name +
                         " that it made durable");
  }
}

void Workload::check_durable() {
  Instant const now = around_.agenda.now();
  // Later a node that was away may have begun anew (horizons).
  while (!acknowledged_.empty() && now - acknowledged_.front()->answered_at > 4s) {
    acknowledged_.pop_front();
  }
  for (Attempt const* const attempt : acknowledged_) {
    if (attempt == standing(attempt->name, now)) check_saved(*attempt);
  }
}

void Workload::answered(Attempt& attempt, Error const& error) {
  switch (error.fault) {
    case Fault::unknown_outcome:
      break;
    case Fault::not_found:
      attempt.outcome = Outcome::absent;
      break;
    case Fault::precondition_failed:
      attempt.unmet = true;
      [[fallthrough]];
    case Fault::no_quorum:
    case Fault::busy:
    case Fault::unavailable:
      attempt.outcome = Outcome::refused;
      break;
    default:
      around_.violated("unexpected refusal: " + error.message);
  }
}

void Workload::finished(LookupFinished const& finished) {
  Lookup& lookup = lookups_[finished.lookup];
  if (std::exchange(lookup.asked.answered, true)) {
    around_.violated("a lookup was answered twice");
  }
  if (!finished.found || *finished.found) return;
  check_majority(lookup);
  check_absence(lookup);
}

// Identities that are up and connected with `host` both ways, its own included.
std::size_t Workload::in_reach(Host const& host) const {
  std::set<NodeId> reached;
  for (auto const& other : around_.hosts) {
    bool const connected =
        other.get() == &host || around_.network->connects(host.index(), other->index());
    if (other->is_up() && connected) reached.insert(other->id());
  }
  return reached.size();
}

// Contract C2: only a node in touch with a majority of those that have not left says "absent".
// Whoever could be reached when it was asked or when it answered may have answered. One that knows
// peers, and has met none, is in touch with nobody.
void Workload::check_majority(Lookup const& lookup) const {
  Host const& host = *around_.hosts[lookup.asked.host];
  std::size_t const reached = std::max(lookup.in_reach, in_reach(host));
  std::size_t const expected = expected_members(host.view().members);
  bool const has_met_nobody = host.view().members.size() == 1 && !host.config().seeds.empty();
  if (2 * reached > expected && !has_met_nobody) return;
  around_.violated(name_of(host) + " says that " + lookup.name + " is absent, and can reach " +
                   std::to_string(reached) + " of " + std::to_string(expected) + " members");
}

// A node may say "absent" of a write that stands only when it neither took part in it nor could ask
// any that did: whoever is alive in its eyes is asked, and waited for. Of two machines with one
// identity one took part, and the other may be asked.
void Workload::check_absence(Lookup const& lookup) {
  Host const& host = *around_.hosts[lookup.asked.host];
  Attempt const* const newest = standing(lookup.name, lookup.asked.at);
  if (newest == nullptr) return;
  bool const in_time = around_.agenda.now() - lookup.asked.at < lookup_patience;
  std::vector<NodeId> const alive = alive_in(host.view());
  for (NodeId const id : newest->copies) {
    bool const asked = in_time && contains(lookup.alive, id) && contains(alive, id);
    if (around_.cloned.contains(id) || (id != host.id() && !asked)) continue;
    around_.violated(Invariant::no_acknowledged_write_lost,
                     "node " + std::to_string(host.index()) + " says that " + lookup.name +
                         " is absent, which " + to_string(id) + " made durable");
    return;
  }
}

Workload::Attempt const* Workload::standing(std::string const& name, Instant moment) const {
  auto const writes = writes_of_.find(name);
  if (writes == writes_of_.end()) return nullptr;
  Attempt const* newest = nullptr;
  for (Attempt const* const write : writes->second) {
    Attempt const& attempt = *write;
    bool const in_doubt = attempt.outcome == Outcome::unknown;
    if (!attempt.digest && in_doubt) return nullptr;
    bool const counts = attempt.outcome == Outcome::acknowledged &&
                        (attempt.answered_at < moment || !attempt.digest);
    if (counts && (newest == nullptr || newest->version < attempt.version)) newest = &attempt;
  }
  return newest != nullptr && newest->digest ? newest : nullptr;
}

bool Workload::must_know_newer(std::string const& name, Host const& host,
                               std::optional<Version> const& version, Instant moment) const {
  Attempt const* const newest = standing(name, moment);
  if (newest == nullptr || (version && newest->version <= *version)) return false;
  return contains(newest->copies, host.id()) && !around_.cloned.contains(host.id()) &&
         !host.core().is_filling();
}

bool Workload::was_ever_removed(std::string const& name) const {
  auto const writes = writes_of_.find(name);
  return writes != writes_of_.end() &&
         std::ranges::any_of(writes->second, [](auto const* attempt) { return !attempt->digest; });
}

bool Workload::is_owed_an_answer(Asked const& asked) const {
  return !asked.answered && around_.hosts[asked.host]->run() == asked.run;
}

// Of two nodes with copies of one disk the one that is left may not be the one that stored it.
bool Workload::stored(Host const& host, Attempt const& attempt) const {
  return host.is_up() && contains(attempt.copies, host.id()) && !around_.cloned.contains(host.id());
}

bool Workload::survives(Attempt const& attempt) const {
  return std::ranges::any_of(around_.hosts,
                             [&](auto const& host) { return stored(*host, attempt); });
}

bool Workload::survives_whole(Attempt const& attempt) const {
  return std::ranges::any_of(around_.hosts, [&](auto const& host) {
    return stored(*host, attempt) && !around_.observer->is_rotten(*host, *attempt.digest);
  });
}

bool Workload::is_owed(std::string const& name, Digest const& digest) const {
  bool const is_kept_away = std::ranges::any_of(around_.hosts, [&](auto const& host) {
    return !host->is_up() && has_whole_copy(*host, digest);
  });
  if (is_kept_away) return false;
  return std::any_of(attempts_.begin(), attempts_.end(), [&](auto const& entry) {
    Attempt const& attempt = entry.second;
    return attempt.outcome == Outcome::acknowledged && attempt.name == name &&
           attempt.digest == digest && survives_whole(attempt);
  });
}

void Workload::compare(ClusterView const& view) {
  std::map<std::string, std::vector<Attempt const*>> by_name;
  for (auto const& [write, attempt] : attempts_) {
    by_name[attempt.name].push_back(&attempt);
    if (is_owed_an_answer(attempt.asked)) around_.violated("a write was never answered");
  }
  for (auto const& [id, lookup] : lookups_) {
    if (is_owed_an_answer(lookup.asked)) around_.violated("a lookup was never answered");
  }
  for (auto const& [name, attempts] : by_name) compare(name, attempts, view);
}

void Workload::compare(std::string const& name, std::vector<Attempt const*> const& attempts,
                       ClusterView const& view) {
  Attempt const* newest = nullptr;  // that was acknowledged
  bool maybe_removed = false;
  Removal removal{0, Instant::max()};  // the first that may have been
  for (Attempt const* attempt : attempts) {
    if (attempt->outcome == Outcome::unknown && !attempt->digest) {
      maybe_removed = true;
      if (attempt->asked.at < removal.at) removal = {attempt->asked.host, attempt->asked.at};
    }
    if (attempt->outcome != Outcome::acknowledged) continue;
    if (newest == nullptr || newest->version < attempt->version) newest = attempt;
  }
  check_clock(name, attempts);
  std::optional<FileEntry> const file = view.catalogue.find(name);
  bool const owed = newest != nullptr && survives(*newest);
  Invariant const lost = Invariant::no_acknowledged_write_lost;
  if (!file) {
    if (owed && newest->digest && !maybe_removed) around_.violated(lost, name + " was lost");
    return;
  }
  if (owed && file->put.version < newest->version) {
    bool const removed = !newest->digest;
    // A removal that was forgotten meanwhile is outdone by any later write (CatalogueChecks).
    if (removed) removal = {newest->asked.host, newest->answered_at};
    bool const begun_anew = (removed || maybe_removed) && is_apart({{}, file->put}, removal);
    Invariant const broken = removed ? Invariant::removed_stays_removed : lost;
    if (!begun_anew) around_.violated(broken, name + " went back");
  }
  if (owed && file->put.version == newest->version && file->put.digest != newest->digest) {
    around_.violated(Invariant::served_bytes_match, name + " is not what was acknowledged");
  }
  auto const source = std::find_if(attempts.begin(), attempts.end(), [&](Attempt const* attempt) {
    return attempt->digest == file->put.digest && attempt->outcome != Outcome::refused;
  });
  if (source == attempts.end()) {
    around_.violated(Invariant::refused_stays_invisible, name + " is a write that was refused");
  }
}

bool Workload::is_apart(CatalogueRecord const& record, Removal const& removal) const {
  Acquaintances const& all = around_.network->acquaintances();
  auto const writes = writes_of_.find(cluster::name_of(record));
  auto const* const put = std::get_if<PutRecord>(&record.change);
  std::optional<Digest> const digest = put == nullptr ? std::nullopt : std::optional{put->digest};
  return writes != writes_of_.end() &&
         std::ranges::any_of(writes->second, [&](Attempt const* attempt) {
           return attempt->digest == digest &&
                  (attempt->asked.at > removal.at + forgotten_after ||
                   !all.had_met(attempt->asked.host, removal.host, removal.at));
         });
}

bool Workload::was_refused(std::string const& name, Digest const& digest) const {
  auto const writes = writes_of_.find(name);
  if (writes == writes_of_.end()) return false;
  bool refused = false;
  for (Attempt const* const attempt : writes->second) {
    if (attempt->digest != digest) continue;
    if (attempt->outcome != Outcome::refused) return false;
    refused = true;
  }
  return refused;
}

std::set<Digest> Workload::contents() const {
  std::set<Digest> contents;
  for (auto const& [write, attempt] : attempts_) {
    if (attempt.digest) contents.insert(*attempt.digest);
  }
  return contents;
}

Workload::Counts Workload::counts() const {
  Counts counts;
  for (auto const& [write, attempt] : attempts_) {
    if (attempt.outcome == Outcome::acknowledged) ++counts.acknowledged;
    if (attempt.outcome == Outcome::absent) ++counts.absent;
    if (attempt.outcome == Outcome::refused) ++(attempt.unmet ? counts.unmet : counts.refused);
    if (attempt.outcome == Outcome::unknown) ++counts.unknown;
  }
  return counts;
}

}  // namespace chisme::simulation
