#include "cluster/replication/verifier.hpp"

#include <algorithm>
#include <utility>

#include "cluster/base/planted_bug.hpp"
#include "cluster/replication/situation.hpp"

namespace chisme::cluster {
namespace {

constexpr std::size_t askers_max = 64;

}  // namespace

bool Verifier::is_fresh(Digest const& digest, Instant now) const {
  auto const found = fresh_.find(digest);
  return found != fresh_.end() && now < found->second + fresh_for;
}

Verifier::Job* Verifier::find(Digest const& digest) {
  if (running_ && running_->digest == digest) return &*running_;
  auto const found = std::ranges::find(queue_, digest, &Job::digest);
  return found == queue_.end() ? nullptr : &*found;
}

bool Verifier::add(Digest const& digest, ByteCount size, std::optional<Asker> asker) {
  Job* job = find(digest);
  if (job == nullptr) {
    if (queue_.size() >= queued_max_) return false;
    job = &queue_.emplace_back(Job{digest, size, {}, false});
  }
  if (!asker) return true;
  // Who asks again counts on the later question alone.
  std::erase_if(job->askers, [&](Asker const& one) { return one.peer == asker->peer; });
  if (job->askers.size() >= askers_max) return false;
  job->askers.push_back(*asker);
  return true;
}

void Verifier::replaced(Digest const& digest) {
  fresh_.erase(digest);
  if (is_reading(digest)) running_->replaced = true;
}

std::optional<std::vector<Verifier::Asker>> Verifier::finished(ObjectVerified const& result,
                                                               Instant now) {
  if (!is_reading(result.digest)) return std::vector<Asker>{};
  Job job = std::move(*running_);
  running_.reset();
  fresh_.erase(result.digest);
  if (job.replaced && !result.intact) {
    job.replaced = false;
    queue_.push_front(std::move(job));
    return std::nullopt;
  }
  std::erase_if(fresh_, [&](auto const& entry) { return entry.second + fresh_for <= now; });
  if (result.intact) remember(result.digest, now);
  return std::move(job.askers);
}

// What was just read is asked for next: the one that was read first gives way.
void Verifier::remember(Digest const& digest, Instant now) {
  fresh_.insert_or_assign(digest, now);
  if (fresh_.size() <= fresh_max_ || planted(PlantedBug::table_is_not_bounded)) return;
  fresh_.erase(std::ranges::min_element(fresh_, {}, [](auto const& read) { return read.second; }));
}

void Verifier::tick(Instant now, Effects& out) {
  if (running_ && give_up_at_ <= now) running_.reset();
  if (running_ || queue_.empty()) return;
  running_ = std::move(queue_.front());
  queue_.pop_front();
  give_up_at_ = now + patience + slowest_transfer(running_->size);
  out.push_back(VerifyObject{running_->digest, !running_->askers.empty()});
}

std::optional<Instant> Verifier::deadline() const {
  return running_ ? std::optional{give_up_at_} : std::nullopt;
}

}  // namespace chisme::cluster
