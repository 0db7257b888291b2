#include "cluster/replication/write_participant.hpp"

namespace chisme::cluster {
namespace {

bool is_acceptable(NodeId writer, CatalogueRecord const& record, Catalogue const& catalogue,
                   Instant now) {
  if (record.dot.writer != writer || log_of(record.change) != LogKind::names) return false;
  if (auto const* const put = std::get_if<PutRecord>(&record.change)) {
    return catalogue.is_local(put->digest) &&
           !catalogue.is_too_far_ahead(put->name, put->version, now);
  }
  auto const& removed = std::get<DeleteRecord>(record.change);
  return !catalogue.is_too_far_ahead(removed.name, removed.version, now);
}

}  // namespace

void WriteParticipant::handle(Envelope const& from, CommitWrite const& commit, Catalogue& catalogue,
                              Situation const& situation, Effects& out) {
  bool const accepted = waiting_.size() < waiting_max &&
                        is_acceptable(from.sender, commit.record, catalogue, situation.now);
  if (!accepted) {
    out.push_back(
        Send{from.sender_peer, Channel::stream, WriteCommitted{commit.write, false, std::nullopt}});
    return;
  }
  catalogue.merge(commit.record, situation.now, out);
  auto const* const put = std::get_if<PutRecord>(&commit.record.change);
  SaveId const save = catalogue.save(out);
  waiting_.push_back({.save = save,
                      .to = from.sender_peer,
                      .write = commit.write,
                      .digest = put == nullptr ? std::nullopt : std::optional{put->digest}});
  // Asked again, everything may be durable already.
  if (catalogue.is_saved(save)) saved(save, catalogue, situation.self, out);
}

void WriteParticipant::saved(SaveId save, Catalogue const& catalogue, NodeId self, Effects& out) {
  for (; !waiting_.empty() && waiting_.front().save <= save; waiting_.pop_front()) {
    Waiting const& done = waiting_.front();
    CatalogueRecord const* const have =
        done.digest ? catalogue.holding(*done.digest, self) : nullptr;
    // The copy may have been lost while the record was being saved.
    WriteCommitted reply{done.write, !done.digest || have != nullptr, std::nullopt};
    if (have != nullptr) reply.holding = *have;
    out.push_back(Send{done.to, Channel::stream, std::move(reply)});
  }
}

}  // namespace chisme::cluster
