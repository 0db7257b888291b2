#include "cluster/replication/write_participant.hpp"

#include <algorithm>

#include "cluster/base/planted_bug.hpp"
#include "cluster/catalogue/expiry.hpp"
#include "cluster/catalogue/name_record.hpp"

namespace chisme::cluster {
namespace {

// By this node's clock. So nobody's wrong clock removes a file early: W nodes must agree.
bool is_early(DeleteRecord const& removal, Catalogue const& catalogue, Instant now) {
  WallTime const wall = catalogue.wall(now);
  PutRecord const* const file = catalogue.file(removal.name);
  bool const is_known = file != nullptr && is_expiry_removal(removal, *file);
  if (is_known) return !has_expired(*file, wall);
  return removal.modified > wall + HybridClock::ahead_max;
}

bool is_acceptable(NodeId writer, CatalogueRecord const& record, Catalogue const& catalogue,
                   Instant now) {
  if (record.dot.writer != writer || log_of(record.change) != LogKind::names) return false;
  if (catalogue.is_stale(record)) return false;
  if (auto const* const put = std::get_if<PutRecord>(&record.change)) {
    return catalogue.is_local(put->digest) &&
           !catalogue.is_too_far_ahead(put->name, put->version, now);
  }
  auto const& removed = std::get<DeleteRecord>(record.change);
  return !catalogue.is_too_far_ahead(removed.name, removed.version, now) &&
         !is_early(removed, catalogue, now);
}

// The newer version, if there is one that the writer can be told.
CatalogueRecord const* newer_one(Envelope const& from, CatalogueRecord const& record,
                                 Catalogue const& catalogue, Situation const& situation) {
  if (planted(PlantedBug::version_is_the_wall_clock)) return nullptr;
  CatalogueRecord const* const newest = catalogue.newest(name_of(record));
  if (newest == nullptr || version_of(*newest) <= version_of(record)) return nullptr;
  MemberView const* const writer = find_member(situation.members, from.sender);
  bool const listens = writer != nullptr && understands<WriteSuperseded>(writer->alive);
  return listens ? newest : nullptr;
}

}  // namespace

void WriteParticipant::handle(Envelope const& from, CommitWrite const& commit, Catalogue& catalogue,
                              Situation const& situation, Effects& out) {
  bool const accepted = waiting_.size() < waiting_max_ &&
                        is_acceptable(from.sender, commit.record, catalogue, situation.now);
  if (!accepted) return refuse(from, commit, out);
  if (auto const* const newest = newer_one(from, commit.record, catalogue, situation)) {
    out.push_back(Send{from.sender_peer, Channel::stream, WriteSuperseded{commit.write, *newest}});
    return;
  }
  catalogue.persist(commit.record);
  SaveId save = catalogue.save(out);
  if (planted(PlantedBug::participant_answers_before_the_sync)) save = SaveId{};
  waiting_.push_back({save, from.sender_peer, commit});
  if (save == SaveId{}) saved(save, catalogue, situation, out);
}

void WriteParticipant::refuse(Envelope const& from, CommitWrite const& commit, Effects& out) {
  out.push_back(
      Send{from.sender_peer, Channel::stream, WriteCommitted{commit.write, false, std::nullopt}});
}

bool WriteParticipant::names(Digest const& digest) const {
  return std::ranges::any_of(waiting_, [&](Waiting const& waiting) {
    auto const* const put = std::get_if<PutRecord>(&waiting.commit.record.change);
    return put != nullptr && put->digest == digest;
  });
}

void WriteParticipant::saved(SaveId save, Catalogue& catalogue, Situation const& situation,
                             Effects& out) {
  for (; !waiting_.empty() && waiting_.front().save <= save; waiting_.pop_front()) {
    auto const& [number, record] = waiting_.front().commit;
    catalogue.adopt(record, situation.now, out);
    auto const* const put = std::get_if<PutRecord>(&record.change);
    auto const have =
        put != nullptr ? catalogue.holding(put->digest, situation.self) : std::nullopt;
    // The copy was lost while the record was being saved. Neither answer would be true: the record
    // is taken, the object is not here.
    if (put != nullptr && !have) continue;
    WriteCommitted reply{number, true, std::nullopt};
    if (have) reply.holding = *have;
    out.push_back(Send{waiting_.front().to, Channel::stream, std::move(reply)});
  }
}

}  // namespace chisme::cluster
