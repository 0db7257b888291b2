#include "node/object_service.hpp"

#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <asio/post.hpp>
#include <utility>

#include "cluster/placement/rendezvous.hpp"
#include "node/census.hpp"
#include "node/clock.hpp"
#include "node/event_hub.hpp"
#include "node/failpoint.hpp"
#include "node/file_search.hpp"
#include "node/full_scrub.hpp"
#include "node/metrics.hpp"
#include "node/object_waiting.hpp"
#include "node/parent_link.hpp"
#include "node/peer/transfer_client.hpp"
#include "node/peer/transport.hpp"
#include "node/record_type.hpp"
#include "node/remote_read.hpp"
#include "node/storage/disk_pool.hpp"
#include "node/storage/fence.hpp"
#include "node/storage/object_store.hpp"
#include "node/trash.hpp"
#include "node/view_queries.hpp"

namespace chisme::node {
namespace {

class LocalObject final : public web::OpenObject {
 public:
  LocalObject(asio::io_context& loop, NodeParts const& parts, Digest const& digest,
              std::shared_ptr<ObjectFile const> file)
      : loop_{loop}, parts_{parts}, digest_{digest}, file_{std::move(file)} {}
  int descriptor() const override { return file_->descriptor(); }
  ByteCount size() const override { return file_->size(); }
  bool is_trusted(ByteOffset offset, ByteCount length) const override {
    return file_->is_trusted(offset, length);
  }
  void verify(ByteOffset offset, ByteCount length, web::Done<void> done) const override;

 private:
  asio::io_context& loop_;
  NodeParts const& parts_;
  Digest digest_;
  std::shared_ptr<ObjectFile const> file_;
};

// A copy that is wrong, or that has no hashes yet, is looked at as a whole.
void LocalObject::verify(ByteOffset offset, ByteCount length, web::Done<void> done) const {
  auto const tell = std::make_shared<web::Done<void>>(std::move(done));
  auto const job = [file = file_, offset, length, digest = digest_, tell, &on = loop_,
                    core = &parts_.core] {
    auto verified = file->verify(offset, length);
    if (!verified || file->lacks_hashes()) core->suspect(digest);
    asio::post(on, [tell, verified = std::move(verified)] { (*tell)(verified); });
  };
  if (!parts_.disk.post(job)) (*tell)(fail(Fault::busy, "the disk has too much to do"));
}

web::Replica replica_of(cluster::MemberView const& member, double load) {
  return {.node = member.alive.id, .http = http_origin(member), .load = load, .self = member.self};
}

double load_of(cluster::Candidate const& candidate) {
  return (candidate.in_flight + 1) / candidate.capacity;
}

std::vector<NodeId> all_nodes(cluster::ClusterView const& view) {
  std::vector<NodeId> nodes;
  for (auto const& member : view.members) nodes.push_back(member.alive.id);
  return nodes;
}

// The holders best first; when the load table lets none of them serve, those that live all the
// same.
std::vector<ReadSource> sources_of(cluster::ClusterView const& view, Digest const& digest,
                                   std::vector<NodeId> const& ranked) {
  std::vector<ReadSource> sources;
  auto const add = [&](NodeId node) {
    cluster::MemberView const* const member = member_of(view, node);
    bool const listed =
        std::ranges::any_of(sources, [&](ReadSource const& source) { return source.node == node; });
    if (member == nullptr || !is_live(*member) || listed) return;
    sources.push_back({node, member->alive.peer, member->self});
  };
  std::ranges::for_each(ranked, add);
  std::ranges::for_each(view.catalogue.holders(digest), add);
  return sources;
}

}  // namespace

ObjectService::ObjectService(asio::io_context& loop, NodeParts const& parts, Random random)
    : loop_{loop},
      parts_{parts},
      random_{random},
      credentials_{loop, parts},
      waiting_{std::make_shared<Waiting>()} {}

ObjectService::~ObjectService() = default;

void ObjectService::abandon() {
  waiting_->lookups.clear();
  waiting_->removals.clear();
  waiting_->links.clear();
  waiting_->searches.clear();
  waiting_->counts.clear();
  waiting_->orders.clear();
  credentials_.abandon();
}

// ---- Questions ---------------------------------------------------------------------------------

web::Lookup ObjectService::lookup(std::string_view name) {
  return node::lookup(*parts_.core.view(), name, wall_now());
}

void ObjectService::lookup_everywhere(std::string name, web::Done<web::Lookup> done) {
  std::uint64_t const id = ++waiting_->next;
  waiting_->lookups.emplace(id, std::move(done));
  auto const answer = [&on = loop_, core = &parts_.core, waiting = waiting_, id,
                       name](Result<bool> found) {
    asio::post(on, [core, waiting, id, name, found = std::move(found)] {
      Result<web::Lookup> result = node::lookup(*core->view(), name, wall_now());
      if (!found) result = tl::unexpected(found.error());
      Waiting::complete(waiting->lookups, id, std::move(result));
    });
  };
  parts_.core.lookup(std::move(name), answer);
}

std::vector<web::Replica> ObjectService::replicas(web::FileInfo const& file) {
  auto const view = parts_.core.view();
  auto const ranked = cluster::rank(holders_of(*view, file.digest), random_);
  std::vector<web::Replica> replicas;
  replicas.reserve(ranked.size());
  for (cluster::Ranked const& holder : ranked) {
    replicas.push_back(replica_of(*member_of(*view, holder.node), holder.load));
  }
  return replicas;
}

std::optional<web::Replica> ObjectService::redirect(web::FileInfo const& file, bool bounced) {
  auto const view = parts_.core.view();
  auto const holders = holders_of(*view, file.digest);
  bool const local = std::ranges::any_of(holders, &cluster::Candidate::self);
  auto const chosen = bounced && local ? parts_.self : cluster::choose(holders, random_);
  auto const why = local ? Redirected::load : Redirected::no_copy;
  auto const target = send_to(*view, holders, chosen, why);
  if (target && !target->self) tell_redirect(file, *target);
  return target;
}

void ObjectService::tell_redirect(web::FileInfo const& file, web::Replica const& target) const {
  if (parts_.events.is_silent()) return;
  parts_.events.publish(redirect_event(file.name, parts_.self, target.node));
}

std::optional<web::Replica> ObjectService::bounce(web::FileInfo const& file) {
  auto const view = parts_.core.view();
  auto const holders = holders_of(*view, file.digest);
  auto const target = send_to(*view, holders, cluster::bounce(holders), Redirected::busy);
  if (target) tell_redirect(file, *target);
  return target;
}

std::optional<web::Replica> ObjectService::least_loaded_node() {
  auto const view = parts_.core.view();
  auto const nodes = candidates(*view, all_nodes(*view));
  return send_to(*view, nodes, cluster::choose(nodes, random_), Redirected::page);
}

web::Listing ObjectService::list(std::string_view prefix, std::string_view after,
                                 std::size_t limit) {
  return listing(*parts_.core.view(), prefix, after, limit, wall_now());
}

void ObjectService::search(web::FileQuery query, web::FilePage page,
                           web::Done<web::FoundFiles> done) {
  auto const view = parts_.core.view();
  if (auto const order = parts_.search.kept(query, *view, steady_now())) {
    return done(page_of(*order, page, *view, wall_now()));
  }
  std::uint64_t const id = ++waiting_->next;
  waiting_->searches.emplace(id, std::move(done));
  auto const answer = [&on = loop_, core = &parts_.core, waiting = waiting_, id,
                       page = std::move(page)](FileSearch::Order order) {
    asio::post(on, [core, waiting, id, page, order = std::move(order)] {
      Result<web::FoundFiles> found = page_of(*order, page, *core->view(), wall_now());
      Waiting::complete(waiting->searches, id, std::move(found));
    });
  };
  auto const newest = [core = &parts_.core] { return core->view(); };
  auto const making = parts_.search.make(std::move(query), newest, answer);
  if (!making) {
    Waiting::complete<web::FoundFiles>(waiting_->searches, id, tl::unexpected(making.error()));
  }
}

void ObjectService::count_files(web::Done<void> done) {
  std::uint64_t const id = ++waiting_->next;
  waiting_->counts.emplace(id, std::move(done));
  auto const answer = [&on = loop_, waiting = waiting_, id] {
    asio::post(on, [waiting, id] { Waiting::complete<void>(waiting->counts, id, {}); });
  };
  auto const counted = [&quotas = parts_.prefix_quotas, answer] {
    quotas.count(steady_now(), answer);
  };
  auto const newest = [core = &parts_.core] { return core->view(); };
  parts_.census.take(newest, steady_now(), counted);
}

web::ClusterStatus ObjectService::cluster() {
  auto const view = parts_.core.view();
  auto status = cluster_status(*view, *parts_.census.latest());
  status.fenced = parts_.fence.reason();
  status.max_file_size = parts_.max_file_size;
  status.prefix_quotas = parts_.prefix_quotas.uses();
  status.room = status.fenced.empty() ? parts_.objects.room() : ByteCount{0};
  status.local = parts_.parent != nullptr;
  status.trash = parts_.trash.load();
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) == 0) status.open_files_max = limit.rlim_cur;
  for (web::MemberStatus& member : status.members) {
    if (member.self) member.in_flight = parts_.counters.in_flight;
  }
  return status;
}

web::Readiness ObjectService::readiness(bool for_writes) {
  if (auto const open = parts_.fence.check(); !open) return {false, open.error().message};
  if (parts_.counters.stopping) return {false, "this node is stopping"};
  auto const view = parts_.core.view();
  cluster::MemberView const* const self = member_of(*view, parts_.self);
  if (self != nullptr && self->alive.draining) return {false, "this node is leaving the cluster"};
  if (!view->in_touch) return {false, "this node is out of touch with most of its cluster"};
  if (!for_writes) return {true, ""};
  auto const nodes = cluster::place(0, view->members, view->copies_durable);
  if (nodes.size() >= view->copies_durable) return {true, ""};
  return {false, "fewer nodes are in reach than a write needs"};
}

std::string ObjectService::metrics() {
  auto const view = parts_.core.view();
  auto const count = parts_.census.latest();
  return metrics_text({.counters = parts_.counters,
                       .figures = parts_.figures,
                       .peers = parts_.transport.counters(),
                       .view = *view,
                       .count = *count,
                       .quarantine = parts_.objects.quarantine().contents(),
                       .fenced = parts_.fence.is_closed(),
                       .prefix_quotas = parts_.prefix_quotas.uses(),
                       .refused_by_quota = parts_.prefix_quotas.refused(),
                       .used = parts_.objects.used_bytes(),
                       .room = parts_.objects.room(),
                       .transfers = parts_.transfers.running(),
                       .process = ProcessFigures::of_this_process().read()});
}

bool ObjectService::knows_origin(std::string_view origin) {
  auto const view = parts_.core.view();
  return std::ranges::any_of(view->members, [&](cluster::MemberView const& member) {
    return http_origin(member) == origin;
  });
}

WallTime ObjectService::now() {
  return wall_now();
}

void ObjectService::leave() {
  parts_.core.post(cluster::LeaveRequested{});
}

void ObjectService::stay() {
  parts_.core.post(cluster::LeaveCancelled{});
}

void ObjectService::scrub() {
  parts_.full_scrub.start();
}

web::ScrubStatus ObjectService::scrub_status() {
  return parts_.full_scrub.status();
}

void ObjectService::order_local(web::LocalOrder order, std::string http, web::Done<void> done) {
  if (parts_.parent == nullptr) {
    return Gateway::order_local(order, std::move(http), std::move(done));
  }
  std::uint64_t const id = ++waiting_->next;
  waiting_->orders.emplace(id, std::move(done));
  auto const answer = [&on = loop_, waiting = waiting_, id](Result<void> result) {
    asio::post(on, [waiting, id, result = std::move(result)] {
      Waiting::complete(waiting->orders, id, result);
    });
  };
  auto const asked = parts_.parent->ask(order, std::move(http), answer);
  if (!asked) Waiting::complete(waiting_->orders, id, asked);
}

std::vector<cluster::Candidate> ObjectService::candidates(cluster::ClusterView const& view,
                                                          std::span<NodeId const> holders) const {
  auto result = cluster::candidates(view, holders, std::max(view.at, steady_now()), tally_);
  // The request that is being decided is in flight too, but not yet anybody's work.
  std::uint32_t const in_flight = std::max<std::uint32_t>(1, parts_.counters.in_flight) - 1;
  for (cluster::Candidate& candidate : result) {
    if (candidate.self) candidate.in_flight = in_flight;
  }
  return result;
}

std::vector<cluster::Candidate> ObjectService::holders_of(cluster::ClusterView const& view,
                                                          Digest const& digest) {
  std::vector<NodeId> const holders = view.catalogue.holders(digest);
  auto wanted = wanted_loads_.take(view, holders, std::max(view.at, steady_now()));
  if (!wanted.empty()) parts_.core.post(cluster::LoadsWanted{std::move(wanted)});
  return candidates(view, holders);
}

// Counts the client that goes there, so that the next ones do not all follow it.
std::optional<web::Replica> ObjectService::send_to(cluster::ClusterView const& view,
                                                   std::span<cluster::Candidate const> candidates,
                                                   std::optional<NodeId> chosen, Redirected why) {
  if (!chosen) return std::nullopt;
  auto const found = std::ranges::find(candidates, *chosen, &cluster::Candidate::node);
  if (found == candidates.end()) return std::nullopt;
  if (!found->self) {
    tally_.note(*chosen, steady_now());
    ++parts_.counters.redirects[static_cast<std::size_t>(why)];
  }
  return replica_of(*member_of(view, *chosen), load_of(*found));
}

// ---- Work --------------------------------------------------------------------------------------

void ObjectService::remove(std::string name, web::Condition condition,
                           web::Done<web::RemovedFile> done) {
  TrashTerms const terms{parts_.trash.load(), wall_now(), static_cast<std::uint32_t>(random_())};
  remove_to_trash(*this, terms, std::move(name), std::move(condition), std::move(done));
}

void ObjectService::remove_for_good(std::string name, web::Condition condition,
                                    web::Done<web::RemovedFile> done) {
  if (auto open = parts_.fence.check(); !open) return done(tl::unexpected(open.error()));
  // Begun on a full disk, it would be answered only once there is room again.
  if (auto room = parts_.objects.check_catalogue_room(); !room) {
    return done(tl::unexpected(room.error()));
  }
  std::uint64_t const id = ++waiting_->next;
  waiting_->removals.emplace(id, std::move(done));
  cluster::WriteRequested write;
  write.name = name;
  write.what = cluster::RemoveFile{};
  write.condition = {condition.must_be_absent, condition.must_exist,
                     std::move(condition.must_match), std::move(condition.must_not_match)};
  FAILPOINT("delete.begun");
  auto const file = parts_.core.view()->catalogue.find(name);
  ByteCount const size = file ? file->put.size : ByteCount{};
  parts_.core.write(std::move(write), [&on = loop_, &quotas = parts_.prefix_quotas, name, size,
                                       waiting = waiting_,
                                       id](Result<cluster::WriteOutcome> outcome) {
    if (outcome) quotas.removed(name, size);
    asio::post(on, [waiting, id, outcome = std::move(outcome)] {
      FAILPOINT("delete.recorded");
      Result<web::RemovedFile> const result = outcome.map([](cluster::WriteOutcome const& removed) {
        return web::RemovedFile{to_string(removed.version)};
      });
      Waiting::complete(waiting->removals, id, result);
      FAILPOINT("delete.answered");
    });
  });
}

Result<std::shared_ptr<web::OpenObject const>> ObjectService::open(Digest const& digest) {
  auto file = parts_.objects.open_object(digest);
  if (file) remember(digest, **file);
  if (file) return std::make_shared<LocalObject const>(loop_, parts_, digest, std::move(*file));
  // The catalogue must not go on naming a copy that is not there.
  if (file.error().fault == Fault::corrupt || file.error().fault == Fault::not_found) {
    parts_.core.suspect(digest);
  }
  return tl::unexpected(file.error());
}

void ObjectService::remember(Digest const& digest, ObjectFile const& file) {
  ByteCount const size = file.size();
  if (size.value() > RecentObjects::object_bytes_max) return;
  if (!file.is_trusted(ByteOffset{0}, size)) return;
  std::string bytes(size.value(), '\0');
  ssize_t const count = ::pread(file.descriptor(), bytes.data(), bytes.size(), 0);
  if (std::cmp_equal(count, bytes.size())) recent_.keep(digest, std::move(bytes), steady_now());
}

std::shared_ptr<std::string const> ObjectService::in_memory(Digest const& digest) {
  return recent_.find(digest, steady_now());
}

std::unique_ptr<web::RemoteRead> ObjectService::relay(web::FileInfo const& file, ByteOffset offset,
                                                      ByteCount length) {
  auto const sources = [this, digest = file.digest] {
    auto const view = parts_.core.view();
    std::vector<NodeId> ranked;
    for (auto const& holder :
         cluster::rank(candidates(*view, view->catalogue.holders(digest)), random_)) {
      ranked.push_back(holder.node);
    }
    return sources_of(*view, digest, ranked);
  };
  return std::make_unique<SwitchingRead>(
      loop_,
      SwitchingRead::Host{{parts_.self, parts_.narrow_paths, parts_.keys},
                          parts_.objects,
                          parts_.disk,
                          [&core = parts_.core](NodeId holder, bool succeeded) {
                            core.post(cluster::RelayEnded{holder, succeeded});
                          }},
      SwitchingRead::Range{file.digest, offset, length}, sources);
}

std::unique_ptr<web::Subscription> ObjectService::subscribe(
    std::function<void(web::ClusterEvent const&)> on_event) {
  return parts_.events.subscribe(loop_, std::move(on_event));
}

}  // namespace chisme::node
