#include "tests/cluster/replication/little_cluster.hpp"

#include <gtest/gtest.h>

#include <algorithm>

#include "cluster/base/overloaded.hpp"

namespace chisme::cluster::testing {
namespace {

using namespace std::chrono_literals;

constexpr Duration step = 5ms;
constexpr Duration latency = 5ms;
constexpr Duration gossip_period = 100ms;
constexpr Duration transfer_time = 50ms;
constexpr Duration chore_time = 20ms;
constexpr WallTime wall{std::chrono::milliseconds{1'700'000'000'000}};

Endpoint endpoint(std::uint64_t number) {
  Endpoint endpoint;
  endpoint.port = static_cast<std::uint16_t>(number);
  return endpoint;
}

}  // namespace

LittleCluster::LittleCluster(Options options) : options_(options), config_{} {
  config_.profile = loopback_profile();
  config_.copies_wanted = options.copies_wanted;
  config_.copies_durable = options.copies_durable;
  config_.repair_delay = repair_delay;
  config_.last_copy_repair_delay = last_copy_repair_delay;
  config_.write_timeout = write_timeout;
  config_.surplus_kept = surplus_kept;
  config_.copy_promise = copy_promise;
  config_.unreferenced_kept = unreferenced_kept;
  config_.scratch_prefix = scratch_prefix;
  config_.scratch_kept = scratch_kept;
  config_.unreferenced_kept_when_full = unreferenced_kept / 4;
  config_.scrub_period = options.scrub_period;
  for (std::uint64_t number = 1; number <= options.nodes; ++number) {
    MemberView member;
    member.alive.id = node(number);
    member.alive.peer = endpoint(number);
    member.alive.versions = spoken_versions;
    members_.push_back(member);
    hosts_[number].disk.wall = wall;
    boot(number);
  }
  members_changed();
}

void LittleCluster::boot(std::uint64_t number) {
  Host& host = hosts_.at(number);
  Self self;
  self.id = node(number);
  self.epoch = Epoch{host.epoch};
  self.peer = endpoint(number);
  StoredCatalogue stored = host.disk;
  for (std::uint8_t const content : host.objects) {
    stored.objects.push_back({digest(content), ByteCount{10}});
  }
  host.replication = std::make_unique<Replication>(config_, self, std::move(stored), now_);
}

Situation LittleCluster::situation(std::uint64_t number) const {
  return {.now = now_,
          .self = node(number),
          .members = members_,
          .copies_wanted = options_.copies_wanted,
          .copies_durable = options_.copies_durable,
          .in_touch = hosts_.at(number).in_touch};
}

void LittleCluster::run(Duration time) {
  Instant const end = now_ + time;
  while (now_ < end) {
    now_ += step;
    deliver();
    if (options_.gossip && now_ >= next_gossip_) gossip();
    for (auto& [number, host] : hosts_) {
      if (!host.up) continue;
      transfer(number);
      do_chores(number);
      auto const deadline = host.replication->deadline();
      if (!deadline || *deadline > now_) continue;
      Effects out;
      host.replication->tick(situation(number), out);
      auto const next = host.replication->deadline();
      EXPECT_TRUE(!next || *next > now_) << "a tick that leaves its deadline would spin";
      carry_out(number, out);
    }
  }
}

void LittleCluster::carry_out(std::uint64_t number, Effects& effects) {
  Host& host = hosts_.at(number);
  std::vector<SaveCatalogue> saves;
  for (Effect& effect : effects) {
    std::visit(Overloaded{
                   [&](Send& what) { send(number, what); },
                   [&](StartTransfer& what) {
                     host.transfers.push_back({now_ + transfer_time, what});
                     host.transfers_max =
                         std::max(host.transfers_max, static_cast<int>(host.transfers.size()));
                   },
                   [&](CancelTransfer&) {},
                   [&](RemoveObject& what) { host.chores.push_back({now_ + chore_time, what}); },
                   [&](VerifyObject& what) { host.chores.push_back({now_ + chore_time, what}); },
                   [&](SaveCatalogue& what) { host.unsaved.push_back(std::move(what)); },
                   [&](WriteFinished& what) { outcomes_.emplace(what.write, what.outcome); },
                   [&](LookupFinished& what) { lookups_.emplace(what.lookup, what.found); },
                   [&](Announce& what) { host.events.push_back(what.event); },
                   [&](SavePeers&) {},
                   [&](SaveAccess&) {},
                   [&](RevokeFinished&) {},
                   [&](Stop&) {},
               },
               effect);
  }
  save(number);
}

void LittleCluster::save(std::uint64_t number) {
  Host& host = hosts_.at(number);
  while (!host.stalled && !host.unsaved.empty()) {
    SaveCatalogue const done = host.unsaved.front();
    host.unsaved.erase(host.unsaved.begin());
    auto& records = host.disk.records;
    auto& positions = host.disk.positions;
    records.insert(records.end(), done.records.begin(), done.records.end());
    positions.insert(positions.end(), done.positions.begin(), done.positions.end());
    give(number, CatalogueSaved{done.save});
  }
}

void LittleCluster::send(std::uint64_t from, Send const& what) {
  sent_.push_back(what.message);
  letters_.push_back({now_ + latency, from, what.to.port, what.message});
}

bool LittleCluster::connected(std::uint64_t a, std::uint64_t b) const {
  return hosts_.at(a).up && hosts_.at(b).up && !cuts_.contains(std::minmax(a, b));
}

void LittleCluster::deliver() {
  std::vector<Letter> const letters = std::exchange(letters_, {});
  for (Letter const& letter : letters) {
    if (letter.arrives > now_) {
      letters_.push_back(letter);
    } else if (!hosts_.at(letter.from).up) {
      continue;
    } else if (!connected(letter.from, letter.to)) {
      give(letter.from, PeerUnreachable{endpoint(letter.to)});
    } else {
      Effects out;
      Envelope const envelope{node(letter.from), Epoch{1}, endpoint(letter.from), letter.message};
      hosts_.at(letter.to).replication->received(envelope, situation(letter.to), out);
      carry_out(letter.to, out);
    }
  }
}

void LittleCluster::transfer(std::uint64_t number) {
  Host& host = hosts_.at(number);
  std::vector<Transfer> const transfers = std::exchange(host.transfers, {});
  for (Transfer const& transfer : transfers) {
    if (transfer.ends > now_) {
      host.transfers.push_back(transfer);
      continue;
    }
    auto const content = transfer.what.digest.bytes[0];
    TransferFinished result{transfer.what.transfer, false, {}};
    for (Source const& source : transfer.what.sources) {
      Host const& from = hosts_.at(source.node.low);
      bool const has = connected(number, source.node.low) && from.objects.contains(content);
      if (!has || host.transfers_fail || result.succeeded) continue;
      result.succeeded = !from.rotten.contains(content);
      if (!result.succeeded) result.corrupt.push_back(source.node);
    }
    if (result.succeeded) store(number, content);
    give(number, result);
  }
}

void LittleCluster::do_chores(std::uint64_t number) {
  Host& host = hosts_.at(number);
  std::vector<Chore> const chores = std::exchange(host.chores, {});
  for (Chore const& chore : chores) {
    if (chore.ends > now_ || host.chores_wait) {
      host.chores.push_back(chore);
    } else if (auto const* const remove = std::get_if<RemoveObject>(&chore.what)) {
      host.objects.erase(remove->digest.bytes[0]);
      give(number, ObjectRemoved{remove->digest});
    } else {
      Digest const digest = std::get<VerifyObject>(chore.what).digest;
      std::uint8_t const content = digest.bytes[0];
      bool const intact = host.objects.contains(content) && !host.rotten.contains(content);
      if (!intact) host.objects.erase(content);
      if (!intact) host.rotten.erase(content);
      host.verified.push_back(content);
      give(number, ObjectVerified{digest, intact});
    }
  }
}

void LittleCluster::gossip() {
  next_gossip_ = now_ + gossip_period;
  for (auto& [from, host] : hosts_) {
    if (!host.up) continue;
    std::vector<CatalogueRecord> const fresh = host.replication->take_fresh();
    for (auto& [to, other] : hosts_) {
      if (from == to || !connected(from, to)) continue;
      Effects out;
      for (CatalogueRecord const& record : fresh) {
        other.replication->gossiped(record, situation(to), out);
      }
      other.replication->heard(node(from), host.replication->fingerprint(), situation(to), out);
      carry_out(to, out);
    }
  }
}

void LittleCluster::store(std::uint64_t number, std::uint8_t content) {
  hosts_.at(number).objects.insert(content);
  hosts_.at(number).rotten.erase(content);
  give(number, ObjectStored{digest(content), ByteCount{10}});
}

void LittleCluster::lose(std::uint64_t number, std::uint8_t content) {
  hosts_.at(number).objects.erase(content);
  give(number, ObjectRemoved{digest(content)});
}

WriteId LittleCluster::put(std::uint64_t at, std::string name, std::uint8_t content,
                           std::vector<std::uint64_t> on, Condition condition) {
  WriteRequested request;
  request.name = std::move(name);
  request.condition = std::move(condition);
  return put(at, std::move(request), content, on);
}

WriteId LittleCluster::put(std::uint64_t at, WriteRequested request, std::uint8_t content,
                           std::vector<std::uint64_t> const& on) {
  for (std::uint64_t const number : on) store(number, content);
  return write(at, std::move(request), content, on);
}

WriteId LittleCluster::write(std::uint64_t at, WriteRequested request, std::uint8_t content,
                             std::vector<std::uint64_t> const& on) {
  request.write = WriteId{++last_id_};
  auto const* const given = std::get_if<StoreFile>(&request.what);
  std::string const type = given == nullptr || given->type.empty() ? "text/plain" : given->type;
  request.what = StoreFile{digest(content), ByteCount{10}, type};
  for (std::uint64_t const number : on) request.stored_on.push_back(node(number));
  give(at, request);
  return request.write;
}

WriteId LittleCluster::remove(std::uint64_t at, std::string name, Condition condition) {
  WriteRequested request;
  request.write = WriteId{++last_id_};
  request.name = std::move(name);
  request.what = RemoveFile{};
  request.condition = std::move(condition);
  give(at, request);
  return request.write;
}

LookupId LittleCluster::look_up(std::uint64_t at, std::string name) {
  LookupId const id{++last_id_};
  give(at, LookupRequested{id, std::move(name)});
  return id;
}

void LittleCluster::members_changed() {
  for (auto& [number, host] : hosts_) {
    for (MemberView& member : members_) member.self = member.alive.id == node(number);
    if (!host.up) continue;
    Effects out;
    host.replication->members_changed(situation(number), out);
    carry_out(number, out);
  }
  for (MemberView& member : members_) member.self = false;
}

void LittleCluster::set_state(std::uint64_t number, MemberState state) {
  members_.at(number - 1).state = state;
  members_changed();
}

void LittleCluster::set_draining(std::uint64_t number) {
  members_.at(number - 1).alive.draining = true;
  members_changed();
}

void LittleCluster::set_disk(std::uint64_t number, float used) {
  LoadRecord& load = load_of(number);
  load.disk_used_ratio = used;
  for (auto& [other, host] : hosts_) {
    if (host.up)
      give(other,
           LoadSampled{.wall = wall + std::chrono::milliseconds{now_.time_since_epoch() / 1ms}});
  }
}

void LittleCluster::set_in_flight(std::uint64_t number, std::uint32_t requests) {
  load_of(number).in_flight = requests;
  members_.at(number - 1).full_at = 10;
}

LoadRecord& LittleCluster::load_of(std::uint64_t number) {
  auto& load = members_.at(number - 1).load;
  if (!load) load = LoadRecord{};
  return *load;
}

void LittleCluster::kill(std::uint64_t number) {
  stop(number);
  set_state(number, MemberState::dead);
}

void LittleCluster::start(std::uint64_t number) {
  Host& host = hosts_.at(number);
  ++host.epoch;
  host.up = true;
  host.unsaved.clear();
  host.transfers.clear();
  host.chores.clear();
  boot(number);
  set_state(number, MemberState::alive);
}

void LittleCluster::start_from_first_copy(std::uint64_t number) {
  Host& host = hosts_.at(number);
  WallTime const reads = host.disk.wall;
  host.disk = {};
  host.disk.wall = reads;
  host.epoch = 0;
  start(number);
}

void LittleCluster::cut(std::uint64_t a, std::uint64_t b) {
  cuts_.insert(std::minmax(a, b));
}

void LittleCluster::stall_disk(std::uint64_t number, bool stalled) {
  hosts_.at(number).stalled = stalled;
  save(number);
}

void LittleCluster::set_wall(std::uint64_t number, WallTime time) {
  LoadSampled sample;
  sample.wall = time;
  give(number, sample);
}

std::optional<Result<WriteOutcome>> LittleCluster::outcome(WriteId write) const {
  auto const found = outcomes_.find(write);
  return found == outcomes_.end() ? std::nullopt : std::optional{found->second};
}

std::optional<Result<bool>> LittleCluster::found(LookupId lookup) const {
  auto const found = lookups_.find(lookup);
  return found == lookups_.end() ? std::nullopt : std::optional{found->second};
}

bool LittleCluster::sees(std::uint64_t number, std::string const& name) const {
  return hosts_.at(number).replication->snapshot().find(name).has_value();
}

std::optional<Digest> LittleCluster::current(std::uint64_t number, std::string const& name) const {
  auto const entry = hosts_.at(number).replication->snapshot().find(name);
  return entry ? std::optional{entry->put.digest} : std::nullopt;
}

std::set<std::uint64_t> LittleCluster::holders(std::uint8_t content) const {
  std::set<std::uint64_t> holders;
  for (auto const& [number, host] : hosts_) {
    if (host.objects.contains(content)) holders.insert(number);
  }
  return holders;
}

std::uint64_t LittleCluster::pending(std::uint64_t number) const {
  return hosts_.at(number).replication->repairs_pending();
}

bool LittleCluster::agree() const {
  std::set<std::uint64_t> fingerprints;
  for (auto const& [number, host] : hosts_) {
    if (host.up) fingerprints.insert(host.replication->fingerprint());
  }
  return fingerprints.size() == 1;
}

}  // namespace chisme::cluster::testing
