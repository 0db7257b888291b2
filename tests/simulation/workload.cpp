#include "tests/simulation/workload.hpp"

#include <algorithm>
#include <memory>
#include <utility>

#include "cluster/placement/rendezvous.hpp"

namespace chisme::simulation {

using namespace cluster;
using namespace std::chrono_literals;

namespace {

constexpr std::uint64_t names =
    80;  // few: each is written again; many: a lost write is not covered up
constexpr std::uint64_t size_max = 4'000'000;
constexpr double removals = 0.2;
constexpr double lookups = 0.1;

}  // namespace

Digest Workload::random_digest() {
  Digest digest;
  for (std::uint8_t& byte : digest.bytes) byte = static_cast<std::uint8_t>(random_.below(256));
  return digest;
}

std::string Workload::random_name() {
  return "file-" + std::to_string(random_.below(names));
}

void Workload::act() {
  std::vector<Host*> up;
  for (auto const& host : around_.hosts) {
    if (host->is_up()) up.push_back(host.get());
  }
  if (up.empty()) return;
  Host& host = *up[random_.below(up.size())];
  if (random_.chance(lookups)) return look_up(host);
  WriteId const write{attempts_.size() + 1};
  Attempt& attempt = attempts_[write];
  attempt.name = random_name();
  attempt.asked = {host.index(), host.run()};
  if (random_.chance(removals)) {
    host.give(WriteRequested{write, attempt.name, RemoveFile{}, {}, {}});
    return;
  }
  attempt.digest = random_digest();
  attempt.size = ByteCount{1 + random_.below(size_max)};
  upload(host, write);
}

void Workload::look_up(Host& host) {
  LookupId const lookup{lookups_.size() + 1};
  lookups_[lookup] = {host.index(), host.run()};
  host.give(LookupRequested{lookup, random_name()});
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
  Attempt const& attempt = attempts_[upload.write];
  host.give(WriteRequested{upload.write,
                           attempt.name,
                           StoreFile{*attempt.digest, attempt.size, "text/plain"},
                           upload.stored_on,
                           {}});
}

void Workload::finished(WriteFinished const& finished) {
  Attempt& attempt = attempts_[finished.write];
  if (std::exchange(attempt.asked.answered, true)) around_.violated("a write was answered twice");
  if (finished.outcome) {
    attempt.outcome = Outcome::acknowledged;
    attempt.version = finished.outcome->version;
    attempt.copies = finished.outcome->copies;
    if (attempt.digest && attempt.copies.empty()) around_.violated("acknowledged without a copy");
    return;
  }
  switch (finished.outcome.error().fault) {
    case Fault::unknown_outcome:
      break;
    case Fault::not_found:
      attempt.outcome = Outcome::absent;
      break;
    case Fault::no_quorum:
      attempt.outcome = Outcome::refused;
      break;
    default:
      around_.violated("unexpected refusal: " + finished.outcome.error().message);
  }
}

void Workload::finished(LookupFinished const& finished) {
  Asked& asked = lookups_[finished.lookup];
  if (std::exchange(asked.answered, true)) around_.violated("a lookup was answered twice");
}

bool Workload::is_owed_an_answer(Asked const& asked) const {
  return !asked.answered && around_.hosts[asked.host]->run() == asked.run;
}

bool Workload::survives(Attempt const& attempt) const {
  return std::any_of(around_.hosts.begin(), around_.hosts.end(), [&](auto const& host) {
    return std::find(attempt.copies.begin(), attempt.copies.end(), host->id()) !=
           attempt.copies.end();
  });
}

bool Workload::is_owed(std::string const& name, Digest const& digest) const {
  return std::any_of(attempts_.begin(), attempts_.end(), [&](auto const& entry) {
    Attempt const& attempt = entry.second;
    return attempt.outcome == Outcome::acknowledged && attempt.name == name &&
           attempt.digest == digest && survives(attempt);
  });
}

void Workload::compare(ClusterView const& view) {
  std::map<std::string, std::vector<Attempt const*>> by_name;
  for (auto const& [write, attempt] : attempts_) {
    by_name[attempt.name].push_back(&attempt);
    if (is_owed_an_answer(attempt.asked)) around_.violated("a write was never answered");
  }
  for (auto const& [lookup, asked] : lookups_) {
    if (is_owed_an_answer(asked)) around_.violated("a lookup was never answered");
  }
  for (auto const& [name, attempts] : by_name) compare(name, attempts, view);
}

void Workload::compare(std::string const& name, std::vector<Attempt const*> const& attempts,
                       ClusterView const& view) {
  Attempt const* newest = nullptr;  // that was acknowledged
  bool maybe_removed = false;
  for (Attempt const* attempt : attempts) {
    if (attempt->outcome == Outcome::unknown && !attempt->digest) maybe_removed = true;
    if (attempt->outcome != Outcome::acknowledged) continue;
    if (newest == nullptr || newest->version < attempt->version) newest = attempt;
  }
  std::optional<FileEntry> const file = view.catalogue.find(name);
  bool const owed = newest != nullptr && survives(*newest);
  if (!file) {
    if (owed && newest->digest && !maybe_removed) around_.violated(name + " was lost");
    return;
  }
  if (owed && file->put.version < newest->version) around_.violated(name + " went back");
  if (owed && file->put.version == newest->version && file->put.digest != newest->digest) {
    around_.violated(name + " is not what was acknowledged");
  }
  auto const source = std::find_if(attempts.begin(), attempts.end(), [&](Attempt const* attempt) {
    return attempt->digest == file->put.digest && attempt->outcome != Outcome::refused;
  });
  if (source == attempts.end()) around_.violated(name + " is a write that was refused");
}

bool Workload::was_refused(std::string const& name, Digest const& digest) const {
  bool refused = false;
  for (auto const& [write, attempt] : attempts_) {
    if (attempt.name != name || attempt.digest != digest) continue;
    if (attempt.outcome != Outcome::refused) return false;
    refused = true;
  }
  return refused;
}

Workload::Counts Workload::counts() const {
  Counts counts;
  for (auto const& [write, attempt] : attempts_) {
    if (attempt.outcome == Outcome::acknowledged) ++counts.acknowledged;
    if (attempt.outcome == Outcome::absent) ++counts.absent;
    if (attempt.outcome == Outcome::refused) ++counts.refused;
    if (attempt.outcome == Outcome::unknown) ++counts.unknown;
  }
  return counts;
}

}  // namespace chisme::simulation
