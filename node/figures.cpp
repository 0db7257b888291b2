#include "node/figures.hpp"

#include <prometheus/counter.h>
#include <prometheus/gauge.h>
#include <prometheus/histogram.h>
#include <prometheus/registry.h>

#include <string>
#include <utility>

namespace chisme::node {
namespace {

prometheus::Family<prometheus::Counter>& counter_family(prometheus::Registry& registry,
                                                        std::string const& name,
                                                        std::string const& help) {
  return prometheus::BuildCounter().Name(name).Help(help).Register(registry);
}

double in_seconds(Duration duration) {
  return std::chrono::duration<double>{duration}.count();
}

}  // namespace

struct NodeFigures::Handles {
  using Counter = prometheus::Counter;
  using Buckets = prometheus::Histogram::BucketBoundaries;

  prometheus::Registry registry;
  prometheus::Family<Counter>& changes = counter_family(
      registry, "chisme_member_changes_total", "Changes of members' states that this node saw.");
  Counter& alive = changes.Add({{"state", "alive"}});
  Counter& suspect = changes.Add({{"state", "suspect"}});
  Counter& dead = changes.Add({{"state", "dead"}});
  Counter& left = changes.Add({{"state", "left"}});
  prometheus::Family<Counter>& repairs = counter_family(
      registry, "chisme_repairs_total", "Copies that this node was to fetch, by how it ended.");
  Counter& finished = repairs.Add({{"result", "finished"}});
  Counter& failed = repairs.Add({{"result", "failed"}});
  prometheus::Family<Counter>& arrived =
      counter_family(registry, "chisme_peer_received_bytes_total",
                     "Bytes of whole copies that came from other nodes, by why.");
  Counter& arrived_copies = arrived.Add({{"kind", "repair"}});
  Counter& arrived_uploads = arrived.Add({{"kind", "upload"}});
  Counter& lost = counter_family(registry, "chisme_lost_objects_total",
                                 "Times that no live node was found to have a copy of an object.")
                      .Add({});
  prometheus::Histogram& commits =
      prometheus::BuildHistogram()
          .Name("chisme_catalogue_commit_seconds")
          .Help("Time from a batch of records being given to the disk until it was synced.")
          .Register(registry)
          .Add({}, Buckets{0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5,
                           10});
  prometheus::Histogram& delays =
      prometheus::BuildHistogram()
          .Name("chisme_event_loop_delay_seconds")
          .Help("How late the latest of the event loops was, asked ten times a second.")
          .Register(registry)
          .Add({}, Buckets{0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 5});
  prometheus::Gauge& disk_used =
      prometheus::BuildGauge()
          .Name("chisme_disk_used_ratio")
          .Help("Used part of the disk or of the quota, whichever is more, 0 to 1.")
          .Register(registry)
          .Add({});
};

NodeFigures::NodeFigures() : handles_{std::make_unique<Handles>()} {}
NodeFigures::~NodeFigures() = default;

void NodeFigures::happened(cluster::Event const& event, NodeId self) {
  if (auto const* const member = std::get_if<cluster::MemberChanged>(&event)) {
    switch (member->state) {
      case cluster::MemberState::alive:
        return handles_->alive.Increment();
      case cluster::MemberState::suspect:
        return handles_->suspect.Increment();
      case cluster::MemberState::dead:
        return handles_->dead.Increment();
      case cluster::MemberState::left:
        return handles_->left.Increment();
    }
  }
  if (std::holds_alternative<cluster::CopiesLost>(event)) return handles_->lost.Increment();
  auto const* const repair = std::get_if<cluster::RepairProgress>(&event);
  if (repair == nullptr || repair->target != self) return;  // another node counts it
  if (repair->stage == cluster::RepairStage::finished) handles_->finished.Increment();
  if (repair->stage == cluster::RepairStage::failed) handles_->failed.Increment();
}

void NodeFigures::committed(Duration waited) {
  handles_->commits.Observe(in_seconds(waited));
}

void NodeFigures::sampled(cluster::LoadSampled const& sample) {
  handles_->delays.Observe(static_cast<double>(sample.delay_seconds));
  handles_->disk_used.Set(static_cast<double>(sample.disk_used_ratio));
}

void NodeFigures::copied(ByteCount size) {
  handles_->arrived_copies.Increment(static_cast<double>(size.value()));
}

void NodeFigures::pushed_here(ByteCount size) {
  handles_->arrived_uploads.Increment(static_cast<double>(size.value()));
}

void NodeFigures::watch(std::shared_ptr<ClientCounters const> loop) {
  loops_.push_back(std::move(loop));
}

void NodeFigures::watch(std::shared_ptr<Clients const> const& clients) {
  std::lock_guard const lock{mutex_};
  std::erase_if(clients_, [](auto const& before) { return before.expired(); });
  clients_.push_back(clients);
}

std::vector<std::shared_ptr<ClientCounters const>> const& NodeFigures::loops() const {
  return loops_;
}

std::size_t NodeFigures::connections() const {
  std::lock_guard const lock{mutex_};
  std::size_t sum = 0;
  for (auto const& some : clients_) {
    if (auto const clients = some.lock()) sum += clients->connections();
  }
  return sum;
}

std::vector<prometheus::MetricFamily> NodeFigures::collect() const {
  return handles_->registry.Collect();
}

}  // namespace chisme::node
