#include "cluster/replication/write_coordinator.hpp"

#include <algorithm>

#include "cluster/base/overloaded.hpp"
#include "cluster/base/planted_bug.hpp"
#include "cluster/catalogue/expiry.hpp"
#include "cluster/catalogue/name_record.hpp"

namespace chisme::cluster {
namespace {

constexpr Duration resend_period = std::chrono::seconds{1};
constexpr Duration broken_stream_pause = std::chrono::milliseconds{250};
// Besides W - 1, how many more nodes a removal may try.
constexpr std::size_t spare_targets = 8;

tl::unexpected<Error> failure(Error error) {
  return tl::unexpected<Error>(std::move(error));
}

bool is_sweep(WriteRequested const& request) {
  auto const* const removal = std::get_if<RemoveFile>(&request.what);
  return removal != nullptr && removal->expired;
}

// The file as clients see it: one that has expired is none, but for its own removal.
PutRecord const* file_for(WriteRequested const& request, Catalogue const& catalogue, Instant now) {
  PutRecord const* const file = catalogue.file(request.name);
  if (file == nullptr) return nullptr;
  return has_expired(*file, catalogue.wall(now)) == is_sweep(request) ? file : nullptr;
}

Error no_quorum(std::string const& name, std::size_t in_reach, unsigned needed) {
  return {Fault::no_quorum, "only " + std::to_string(in_reach) + " of the " +
                                std::to_string(needed) + " nodes that must confirm the write of " +
                                name + " can do so"};
}

Error in_doubt_error(std::string const& name) {
  return {Fault::unknown_outcome, "not enough nodes confirmed the write of " + name +
                                      "; it may still appear, writing it again is safe"};
}

// The same whoever writes it.
WallTime wall_of(Version const& version) {
  return WallTime{std::chrono::milliseconds{version.time >> 16}};
}

bool meets(Condition const& condition, PutRecord const* current) {
  if (current == nullptr) return !condition.must_exist && condition.must_match.empty();
  if (condition.must_be_absent) return false;
  auto const is_current = [&](Digest const& digest) { return digest == current->digest; };
  if (std::ranges::any_of(condition.must_not_match, is_current)) return false;
  return condition.must_match.empty() || std::ranges::any_of(condition.must_match, is_current);
}

// Other nodes read no record with longer texts, nor anything that comes in one message with it.
bool can_be_told(WriteRequested const& request) {
  auto const* const file = std::get_if<StoreFile>(&request.what);
  bool const type_fits = file == nullptr || file->type.size() <= type_bytes_max;
  return request.name.size() <= name_bytes_max && type_fits;
}

}  // namespace

WriteCoordinator::WriteCoordinator(Duration write_timeout, std::size_t pending_max, Epoch epoch)
    : write_timeout_(write_timeout),
      pending_max_(pending_max),
      next_number_(std::uint64_t{epoch.value()} << 32 | 1) {}

void WriteCoordinator::handle(WriteRequested const& request, Catalogue& catalogue,
                              Situation const& situation, Effects& out) {
  if (auto error = refusal(request, catalogue, situation.now)) {
    return answer(request, failure(std::move(*error)), out);
  }
  Pending write;
  write.request = request;
  write.created = file_for(request, catalogue, situation.now) == nullptr;
  write.give_up_at = situation.now + write_timeout_;
  choose_targets(write, request, catalogue, situation);
  if (write.targets.size() < write.others_needed) {
    std::size_t const here = write.held_here ? 1 : 0;
    Error error = no_quorum(request.name, write.targets.size() + here, situation.copies_durable);
    return answer(request, failure(std::move(error)), out);
  }
  write.record = catalogue.draft(change_of(request, catalogue, situation.now));
  std::uint64_t const number = next_number_++;
  pending_.emplace(number, std::move(write));
  go_on(number, catalogue, situation, out);
}

std::optional<Error> WriteCoordinator::refusal(WriteRequested const& request,
                                               Catalogue const& catalogue, Instant now) const {
  if (!can_be_told(request)) {
    return Error{Fault::invalid, "the name or the media type is longer than a cluster can tell"};
  }
  if (pending_.size() >= pending_max_) {
    return Error{Fault::busy, "too many writes are under way"};
  }
  PutRecord const* const current = file_for(request, catalogue, now);
  if (current == nullptr && std::holds_alternative<RemoveFile>(request.what)) {
    return Error{Fault::not_found, "there is no file " + request.name};
  }
  CatalogueRecord const* const newest = catalogue.newest(request.name);
  if (request.version && newest != nullptr && version_of(*newest) > *request.version) {
    return Error{Fault::precondition_failed, "there is a newer version of " + request.name};
  }
  bool const taken = planted(PlantedBug::condition_is_not_checked);
  if (taken || meets(request.condition, current)) return std::nullopt;
  return Error{Fault::precondition_failed,
               "the current version of " + request.name + " is not the one that was asked for"};
}

Change WriteCoordinator::change_of(WriteRequested const& request, Catalogue& catalogue,
                                   Instant now) {
  if (is_sweep(request)) return expiry_removal(*catalogue.file(request.name));
  Version const version = request.version
                              ? *request.version
                              : catalogue.next_version(request.name, now, request.newer_than);
  WallTime const wall = request.version ? wall_of(*request.version) : catalogue.wall(now);
  return std::visit(
      Overloaded{
          [&](StoreFile const& file) -> Change {
            return PutRecord{request.name, version, file.size, file.digest, file.type, wall};
          },
          [&](RemoveFile const&) -> Change { return DeleteRecord{request.name, version, wall}; },
      },
      request.what);
}

// A Put is for those who have the object; a removal for anybody, best for those who have the file.
void WriteCoordinator::choose_targets(Pending& write, WriteRequested const& request,
                                      Catalogue const& catalogue,
                                      Situation const& situation) const {
  auto const* const file = std::get_if<StoreFile>(&request.what);
  bool const removal = file == nullptr;
  std::vector<NodeId> wanted = request.stored_on;
  if (removal) {
    wanted = catalogue.snapshot().holders(catalogue.file(request.name)->digest);
    for (MemberView const& member : situation.members) wanted.push_back(member.alive.id);
  }
  write.ask_all = !removal;
  // It may have been removed since, as a copy without a name, or have been found corrupt.
  write.held_here = removal || (std::ranges::count(request.stored_on, situation.self) > 0 &&
                                catalogue.is_local(file->digest));
  write.others_needed = situation.copies_durable - (write.held_here ? 1 : 0);
  if (planted(PlantedBug::one_copy_is_enough)) write.others_needed = 0;
  std::size_t const most = removal ? write.others_needed + spare_targets : wanted.size();
  for (NodeId const id : wanted) {
    MemberView const* const member = find_member(situation.members, id);
    if (id == situation.self || !is_reachable(member) || write.order.size() == most) continue;
    if (write.targets.emplace(id, Target{.endpoint = member->alive.peer}).second) {
      write.order.push_back(id);
    }
  }
}

void WriteCoordinator::handle(NodeId from, WriteCommitted const& reply, Catalogue& catalogue,
                              Situation const& situation, Effects& out) {
  if (reply.holding && reply.holding->dot.writer == from) {
    catalogue.merge(*reply.holding, situation.now, out);
  }
  auto const found = pending_.find(reply.write);
  if (found == pending_.end()) return;
  auto const target = found->second.targets.find(from);
  if (target == found->second.targets.end() || target->second.answer == Answer::accepted) return;
  target->second.answer = reply.accepted ? Answer::accepted : Answer::refused;
  go_on(found->first, catalogue, situation, out);
}

void WriteCoordinator::handle(NodeId from, WriteSuperseded const& reply, Catalogue& catalogue,
                              Situation const& situation, Effects& out) {
  catalogue.merge(reply.newest, situation.now, out);
  auto const found = pending_.find(reply.write);
  if (found == pending_.end()) return;
  Pending& write = found->second;
  auto const target = write.targets.find(from);
  if (target == write.targets.end() || target->second.answer == Answer::accepted) return;
  target->second.answer = Answer::refused;
  CatalogueRecord const* const newest = catalogue.newest(write.request.name);
  bool const lost = newest != nullptr && version_of(write.record) < version_of(*newest);
  if (lost && !write.retried && !write.save) {
    try_again(found->first, catalogue, situation, out);
  } else {
    go_on(found->first, catalogue, situation, out);
  }
}

// What others may have taken of the lower version is older than what this node has just heard, so
// it is void.
void WriteCoordinator::try_again(std::uint64_t number, Catalogue& catalogue,
                                 Situation const& situation, Effects& out) {
  Pending write = std::move(pending_.at(number));
  end(number);
  write.wakes.reset();
  write.seen_before = tally(write, situation).maybe_seen;
  write.retried = true;
  catalogue.discard(write.record);
  if (auto error = refusal(write.request, catalogue, situation.now)) {
    bool const in_doubt = write.seen_before && !write.request.version;
    Error told = in_doubt ? in_doubt_error(write.request.name) : std::move(*error);
    return answer(write.request, failure(std::move(told)), out);
  }
  write.record = catalogue.draft(change_of(write.request, catalogue, situation.now));
  for (auto& [id, target] : write.targets) target = Target{.endpoint = target.endpoint};
  std::uint64_t const next = next_number_++;
  pending_.emplace(next, std::move(write));
  go_on(next, catalogue, situation, out);
}

bool WriteCoordinator::names(Digest const& digest) const {
  return std::ranges::any_of(pending_, [&](auto const& entry) {
    auto const* const put = std::get_if<PutRecord>(&entry.second.record.change);
    return put != nullptr && put->digest == digest;
  });
}

void WriteCoordinator::peer_unreachable(Endpoint endpoint, Situation const& situation) {
  for (auto& [number, write] : pending_) {
    for (auto& [id, target] : write.targets) {
      if (target.endpoint == endpoint) target.resend_at = situation.now + broken_stream_pause;
    }
    set_timer(number, write, deadline_of(write));
  }
}

void WriteCoordinator::members_changed(Catalogue& catalogue, Situation const& situation,
                                       Effects& out) {
  std::vector<std::uint64_t> numbers;
  for (auto const& [number, write] : pending_) numbers.push_back(number);
  for (std::uint64_t const number : numbers) go_on(number, catalogue, situation, out);
}

WriteCoordinator::Tally WriteCoordinator::tally(Pending const& write,
                                                Situation const& situation) const {
  Tally tally;
  for (auto const& [id, target] : write.targets) {
    bool const reachable = is_reachable(find_member(situation.members, id));
    if (target.answer == Answer::accepted) ++tally.accepted;
    if (target.answer == Answer::none && reachable) ++(target.sent ? tally.waiting : tally.spare);
    bool const overdue = target.asked_again || target.resend_at <= situation.now;
    if (target.answer == Answer::none && reachable && target.sent && !overdue) ++tally.prompt;
    // Only a refusal of the only question says for sure that the record was not taken: a holder
    // that took it, and lost the object since, refuses to take it again.
    bool const never_taken = target.answer == Answer::refused && !target.asked_again;
    if (target.sent && !never_taken) tally.maybe_seen = true;
  }
  return tally;
}

void WriteCoordinator::ask(std::uint64_t number, Pending& write, Situation const& situation,
                           Effects& out) {
  Tally const now = tally(write, situation);
  unsigned under_way = now.accepted + now.prompt;
  for (NodeId const id : write.order) {
    Target& target = write.targets.at(id);
    if (target.answer != Answer::none) continue;
    bool const reachable = is_reachable(find_member(situation.members, id));
    bool const may_begin = write.ask_all || under_way < write.others_needed;
    bool const first = !target.sent && reachable && may_begin;
    bool const again = target.sent && target.resend_at <= situation.now;
    if (!first && !again) continue;
    if (first) ++under_way;
    target.sent = true;
    target.resend_at = situation.now + resend_period;  // also of one that is away: it may return
    if (!reachable) continue;
    target.asked_again = again;
    out.push_back(Send{target.endpoint, Channel::stream, CommitWrite{number, write.record}});
  }
}

void WriteCoordinator::go_on(std::uint64_t number, Catalogue& catalogue, Situation const& situation,
                             Effects& out) {
  Pending& write = pending_.at(number);
  bool const was_saving = write.save.has_value();
  if (advance(number, write, catalogue, situation, out)) return end(number);
  if (write.save && !was_saving) saving_.emplace(*write.save, number);
  set_timer(number, write, deadline_of(write));
}

void WriteCoordinator::end(std::uint64_t number) {
  auto const found = pending_.find(number);
  set_timer(number, found->second, std::nullopt);
  if (found->second.save) saving_.erase({*found->second.save, number});
  pending_.erase(found);
}

void WriteCoordinator::set_timer(std::uint64_t number, Pending& write, std::optional<Instant> at) {
  if (write.wakes == at) return;
  if (write.wakes) timers_.erase({*write.wakes, number});
  if (at) timers_.emplace(*at, number);
  write.wakes = at;
}

bool WriteCoordinator::advance(std::uint64_t number, Pending& write, Catalogue& catalogue,
                               Situation const& situation, Effects& out) {
  bool const late = situation.now >= write.give_up_at;
  if (write.save) {
    if (late && !write.in_doubt) doubt(write, out);
    return false;
  }
  ask(number, write, situation, out);
  Tally const now = tally(write, situation);
  bool const agreed = now.accepted >= write.others_needed;
  bool const hopeless = now.accepted + now.waiting + now.spare < write.others_needed;
  if (!agreed && !hopeless && !late) return false;
  if (!agreed && !now.maybe_seen && !write.seen_before) {
    bool const discards = !planted(PlantedBug::refused_write_is_finished);
    if (discards) catalogue.discard(write.record);
    if (!discards) catalogue.finish(write.record, situation.now, out);
    Error error = no_quorum(name_of(write.record), 1 + now.accepted, write.others_needed + 1);
    answer(write.request, failure(std::move(error)), out);
    return true;
  }
  if (!agreed && is_sweep(write.request)) {
    drop(write, catalogue, out);
    return true;
  }
  if (!agreed) doubt(write, out);
  catalogue.persist(write.record);
  write.save = catalogue.save(out);
  return false;
}

void WriteCoordinator::doubt(Pending& write, Effects& out) {
  write.in_doubt = true;
  if (planted(PlantedBug::late_write_is_called_refused)) {
    return answer(write.request, failure(no_quorum(name_of(write.record), 1, 2)), out);
  }
  answer(write.request, failure(in_doubt_error(name_of(write.record))), out);
}

// Carried through without W nodes' agreement, the removal would be this node's clock's alone. A
// node that took it does agree; what it tells of it is as good under this record as under the next.
void WriteCoordinator::drop(Pending const& write, Catalogue& catalogue, Effects& out) {
  catalogue.discard(write.record);
  answer(write.request, failure(in_doubt_error(name_of(write.record))), out);
}

void WriteCoordinator::answer(WriteRequested const& request, Result<WriteOutcome> outcome,
                              Effects& out) {
  if (is_sweep(request)) {
    Result<void> ended;
    if (!outcome) ended = failure(std::move(outcome.error()));
    swept_.emplace_back(request.name, std::move(ended));
  } else {
    out.push_back(WriteFinished{request.write, std::move(outcome)});
  }
}

void WriteCoordinator::saved(SaveId save, Catalogue& catalogue, Situation const& situation,
                             Effects& out) {
  while (!saving_.empty() && saving_.begin()->first <= save) {
    std::uint64_t const number = saving_.begin()->second;
    finish(pending_.at(number), catalogue, situation, out);
    end(number);
  }
}

void WriteCoordinator::finish(Pending& write, Catalogue& catalogue, Situation const& situation,
                              Effects& out) {
  catalogue.finish(write.record, situation.now, out);
  if (write.in_doubt) return;
  WriteOutcome outcome{.version = version_of(write.record), .copies = {}, .created = write.created};
  if (write.held_here) outcome.copies.push_back(situation.self);
  for (auto const& [id, target] : write.targets) {
    if (target.answer == Answer::accepted) outcome.copies.push_back(id);
  }
  answer(write.request, std::move(outcome), out);
}

void WriteCoordinator::tick(Catalogue& catalogue, Situation const& situation, Effects& out) {
  while (!timers_.empty() && timers_.begin()->first <= situation.now) {
    go_on(timers_.begin()->second, catalogue, situation, out);
  }
}

std::optional<Instant> WriteCoordinator::deadline_of(Pending const& write) {
  std::optional<Instant> first;
  if (!write.in_doubt) first = write.give_up_at;
  if (write.save) return first;
  for (auto const& [id, target] : write.targets) {
    if (!target.sent || target.answer != Answer::none) continue;
    first = std::min(target.resend_at, first.value_or(target.resend_at));
  }
  return first;
}

}  // namespace chisme::cluster
