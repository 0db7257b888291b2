#include "node/storage/verdict_table.hpp"

#include <utility>

namespace chisme::node {

std::shared_ptr<ChunkVerdicts> VerdictTable::of(ChunkVerdicts::Copy copy, CopyNumber number,
                                                struct stat const& file) {
  Which const which{
      number, file.st_ino,
      std::int64_t{file.st_mtim.tv_sec} * 1'000'000'000 + std::int64_t{file.st_mtim.tv_nsec}};
  std::lock_guard const lock(mutex_);
  auto const found = entries_.find(copy.digest);
  if (found != entries_.end() && found->second.which == which) return found->second.verdicts;
  Digest const digest = copy.digest;
  auto verdicts = std::make_shared<ChunkVerdicts>(std::move(copy));
  if (found == entries_.end()) oldest_first_.push_back(digest);
  entries_.insert_or_assign(digest, Entry{which, verdicts});
  while (oldest_first_.size() > copies_max) {
    entries_.erase(oldest_first_.front());
    oldest_first_.pop_front();
  }
  return verdicts;
}

void VerdictTable::forget(Digest const& digest) {
  std::lock_guard const lock(mutex_);
  if (entries_.erase(digest) > 0) std::erase(oldest_first_, digest);
}

}  // namespace chisme::node
