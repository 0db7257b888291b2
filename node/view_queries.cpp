#include "node/view_queries.hpp"

#include <algorithm>
#include <utility>

#include "cluster/base/overloaded.hpp"
#include "cluster/catalogue/expiry.hpp"
#include "node/version.hpp"
#include "web/json.hpp"
#include "web/s3/attributes.hpp"

namespace chisme::node {
namespace {

using web::json_string;

web::MemberStatus member_status(cluster::MemberView const& member, Census::Count const& count) {
  web::MemberStatus status;
  status.node = chisme::to_string(member.alive.id);
  status.http = http_origin(member);
  status.peer = chisme::to_string(member.alive.peer);
  status.state = to_string(member.state);
  status.self = member.self;
  status.draining = member.alive.draining;
  status.protocol = member.alive.versions.highest;
  if (member.load && is_live(member)) {  // what a dead node did last is no news
    cluster::LoadRecord const& load = *member.load;
    status.in_flight = load.in_flight;
    status.capacity = static_cast<double>(load.capacity);
    status.load = (load.in_flight + 1) / std::max(0.01, status.capacity);
    status.bytes_per_second = static_cast<double>(load.bytes_per_second);
    status.disk_used_ratio = static_cast<double>(load.disk_used_ratio);
    status.health = load.health;
  }
  auto const copies = count.copies.find(member.alive.id);
  status.files = copies == count.copies.end() ? 0 : copies->second;
  return status;
}

std::string file_event(cluster::ClusterView const& view, cluster::FileChanged const& changed) {
  std::string json = R"({"name":)" + json_string(changed.name) + R"(,"removed":)" +
                     (changed.removed ? "true" : "false");
  if (auto const file = view.catalogue.find(changed.name); file && !changed.removed) {
    json += R"(,"file":)" + web::to_json(file_info(view, *file));
  }
  return json + "}";
}

}  // namespace

cluster::MemberView const* member_of(cluster::ClusterView const& view, NodeId node) {
  auto const found = std::ranges::lower_bound(
      view.members, node, {}, [](cluster::MemberView const& member) { return member.alive.id; });
  return found != view.members.end() && found->alive.id == node ? &*found : nullptr;
}

bool is_live(cluster::MemberView const& member) {
  return member.state == cluster::MemberState::alive ||
         member.state == cluster::MemberState::suspect;
}

std::uint32_t live_copies(cluster::ClusterView const& view, std::span<NodeId const> holders) {
  return static_cast<std::uint32_t>(std::ranges::count_if(holders, [&](NodeId holder) {
    cluster::MemberView const* const member = member_of(view, holder);
    return member != nullptr && is_live(*member);
  }));
}

web::FileInfo file_info(cluster::ClusterView const& view, cluster::FileEntry const& file) {
  auto const split = split_expiry(file.put.type);
  auto const kept = web::s3::split_type(split.type);
  return web::FileInfo{.name = file.put.name,
                       .version = to_string(file.put.version),
                       .size = file.put.size,
                       .type = std::string{kept.type},
                       .digest = file.put.digest,
                       .modified = file.put.modified,
                       .copies = live_copies(view, file.holders),
                       .wanted = view.copies_wanted,
                       .local = std::ranges::binary_search(file.holders, view.self),
                       .attributes = std::string{kept.attributes},
                       .expires = split.expires};
}

web::Lookup lookup(cluster::ClusterView const& view, std::string_view name, WallTime now) {
  using enum web::LookupStatus;
  auto const file = view.catalogue.find(name);
  if (!file || cluster::has_expired(file->put, now))
    return {view.in_touch ? absent : out_of_touch, {}};
  web::FileInfo info = file_info(view, *file);
  if (info.copies > 0 || info.local) return {found, std::move(info)};
  return {view.in_touch ? lost : out_of_touch, std::move(info)};
}

web::Listing listing(cluster::ClusterView const& view, std::string_view prefix,
                     std::string_view after, std::size_t limit, WallTime now) {
  // Behind the first look, which is enough unless something has expired.
  constexpr int further_looks = 4;
  constexpr std::size_t further_files = 256;
  web::Listing listing;
  std::string last{after};
  for (int look = 0; look <= further_looks; ++look) {
    std::size_t const wanted = limit - listing.files.size();
    // One more than wanted tells whether there is a next page.
    std::size_t const batch = look == 0 ? wanted + 1 : std::max(wanted, further_files) + 1;
    auto const files = view.catalogue.list(prefix, last, batch);
    for (cluster::FileEntry const& file : files) {
      if (listing.files.size() == limit) {
        if (!listing.files.empty()) listing.next = last;
        return listing;
      }
      last = file.put.name;
      if (!cluster::has_expired(file.put, now)) listing.files.push_back(file_info(view, file));
    }
    if (files.size() < batch) return listing;
  }
  listing.next = last;
  return listing;
}

web::ClusterStatus cluster_status(cluster::ClusterView const& view, Census::Count const& count) {
  web::ClusterStatus status;
  status.self = chisme::to_string(view.self);
  status.version = program_version;
  status.in_touch = view.in_touch;
  status.copies_wanted = view.copies_wanted;
  status.copies_durable = view.copies_durable;
  status.files = view.catalogue.size() - std::min(count.internal, view.catalogue.size());
  status.under_replicated = count.under_replicated;
  status.lost = count.lost;
  status.repairs_pending = view.repairs_pending;
  for (cluster::MemberView const& member : view.members) {
    status.members.push_back(member_status(member, count));
  }
  return status;
}

web::ClusterEvent cluster_event(cluster::ClusterView const& view, cluster::Event const& event) {
  return std::visit(
      Overloaded{
          [](cluster::MemberChanged const& member) -> web::ClusterEvent {
            return {"member", R"({"node":)" + json_string(chisme::to_string(member.node)) +
                                  R"(,"state":)" + json_string(to_string(member.state)) +
                                  R"(,"http":)" +
                                  json_string("http://" + chisme::to_string(member.http)) + "}"};
          },
          [&](cluster::FileChanged const& file) -> web::ClusterEvent {
            return {"file", file_event(view, file)};
          },
          [](cluster::RepairProgress const& repair) -> web::ClusterEvent {
            return {"repair", R"({"sha256":)" + json_string(to_hex(repair.digest)) + R"(,"from":)" +
                                  json_string(chisme::to_string(repair.source)) + R"(,"target":)" +
                                  json_string(chisme::to_string(repair.target)) + R"(,"stage":)" +
                                  json_string(to_string(repair.stage)) + "}"};
          },
          [](cluster::CopiesLost const& lost) -> web::ClusterEvent {
            return {"lost", R"({"sha256":)" + json_string(to_hex(lost.digest)) + "}"};
          },
          [](cluster::PeerRefused const& refused) -> web::ClusterEvent {
            return {"refused", R"({"node":)" + json_string(chisme::to_string(refused.node)) +
                                   R"(,"peer":)" + json_string(chisme::to_string(refused.peer)) +
                                   R"(,"lowest":)" + std::to_string(refused.versions.lowest) +
                                   R"(,"highest":)" + std::to_string(refused.versions.highest) +
                                   "}"};
          },
          [](cluster::DepartureReport const& report) -> web::ClusterEvent {
            return {"departure", R"({"files_left":)" + std::to_string(report.files_left) +
                                     R"(,"leaves_anyway":)" +
                                     (report.leaves_anyway ? "true" : "false") + "}"};
          }},
      event);
}

web::ClusterEvent redirect_event(std::string_view file, NodeId from, NodeId to) {
  return {"redirect", R"({"file":)" + json_string(file) + R"(,"from":)" +
                          json_string(chisme::to_string(from)) + R"(,"to":)" +
                          json_string(chisme::to_string(to)) + "}"};
}

char const* to_string(cluster::MemberState state) {
  switch (state) {
    case cluster::MemberState::alive:
      return "alive";
    case cluster::MemberState::suspect:
      return "suspect";
    case cluster::MemberState::dead:
      return "dead";
    case cluster::MemberState::left:
      return "left";
  }
  return "dead";
}

char const* to_string(cluster::RepairStage stage) {
  switch (stage) {
    case cluster::RepairStage::queued:
      return "queued";
    case cluster::RepairStage::started:
      return "started";
    case cluster::RepairStage::finished:
      return "finished";
    case cluster::RepairStage::failed:
      return "failed";
  }
  return "failed";
}

std::string http_origin(cluster::MemberView const& member) {
  return "http://" + chisme::to_string(member.alive.http);
}

}  // namespace chisme::node
