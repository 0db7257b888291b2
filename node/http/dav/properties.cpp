#include <algorithm>
#include <utility>

#include "node/clock.hpp"
#include "node/http/dav/handler.hpp"
#include "web/dav/children.hpp"
#include "web/dav/live_properties.hpp"
#include "web/dav/multistatus.hpp"
#include "web/dav/paths.hpp"
#include "web/problem.hpp"

// PROPFIND and PROPPATCH.
namespace chisme::node {
namespace {

namespace dav = web::dav;

bool wants_locks(dav::PropertyQuery const& query) {
  return query.kind != dav::PropertyQuery::Kind::names &&
         query.wants({std::string{dav::dav_space}, "lockdiscovery"});
}

// What a PROPPATCH comes to: all of it is done, or nothing.
std::vector<dav::Multistatus::Group> outcome(std::vector<dav::PropertyChange> const& changes,
                                             unsigned refused_with) {
  dav::Multistatus::Group refused{refused_with, {}};
  dav::Multistatus::Group others{refused_with == 0 ? 200u : 424u, {}};
  for (dav::PropertyChange const& change : changes) {
    dav::XmlName const& name = change.property.name;
    bool const is_refused = refused_with != 0 && (refused_with != 403 || dav::is_protected(name));
    (is_refused ? refused : others).properties += dav::empty_xml(name);
  }
  return {std::move(refused), std::move(others)};
}

web::Reply told(std::string const& href, std::vector<dav::Multistatus::Group> const& groups) {
  dav::Multistatus one;
  one.add(href, groups);
  return std::move(one).finish();
}

}  // namespace

asio::awaitable<web::Reply> DavHandler::find_properties(web::Request request, web::AnswerDav asked,
                                                        std::string body) {
  auto const depth = dav::depth_of(request);
  if (!depth) co_return web::problem_of(depth.error());
  if (*depth == dav::Depth::infinity) co_return dav::condition_reply(403, "propfind-finite-depth");
  auto const query = dav::parse_propfind(body);
  if (!query) co_return web::problem_of(query.error());
  auto const there = co_await store_.find(asked.name, asked.is_slash);
  if (!there) co_return web::problem_of(there.error());
  if (there->kind == Kind::absent) co_return web::problem(404, "There is nothing of that name.");
  std::vector<dav::Child> resources{{asked.name, there->kind == Kind::collection, there->file}};
  if (*depth == dav::Depth::one && there->kind == Kind::collection) {
    auto children = dav::children_of(gateway_, asked.name);
    if (!children) co_return web::problem_of(children.error());
    std::ranges::move(*children, std::back_inserter(resources));
  }
  dav::Locks locks;
  if (wants_locks(*query)) {
    auto const known = co_await store_.locks();
    if (!known) co_return web::problem_of(known.error());
    locks = *known;
  }
  std::vector<web::PrefixUse> quotas;
  if (dav::wants_quota(*query)) quotas = co_await store_.quotas();
  dav::Multistatus all;
  bool const reads_dead = dav::wants_dead(*query);
  for (dav::Child const& one : resources) {
    dav::DeadProperties dead;
    if (reads_dead && dav::is_known(gateway_, dav::properties_name(one.name))) {
      auto const kept = co_await store_.properties(one.name, false);
      if (!kept) co_return web::problem_of(kept.error());
      dead = *kept;
    }
    auto live = dav::live_properties(one, locks, wall_now());
    std::ranges::move(dav::quota_properties(one, quotas), std::back_inserter(live));
    all.add(dav::href_of(one.name, one.is_collection), dav::answers(*query, live, dead));
    if (all.is_full()) break;
  }
  co_return std::move(all).finish();
}

asio::awaitable<web::Reply> DavHandler::change_properties(web::Request request,
                                                          web::AnswerDav asked, std::string body) {
  auto const changes = dav::parse_proppatch(body);
  if (!changes) co_return web::problem_of(changes.error());
  auto const there = co_await store_.find(asked.name, asked.is_slash);
  if (!there) co_return web::problem_of(there.error());
  if (there->kind == Kind::absent) co_return web::problem(404, "There is nothing of that name.");
  Touched touched{{asked.name, false, false}};
  auto refused = co_await refusal(std::move(request), asked.name, std::move(touched));
  if (refused) co_return std::move(*refused);
  std::string const href = dav::href_of(asked.name, there->kind == Kind::collection);
  bool const is_protected = std::ranges::any_of(*changes, [](dav::PropertyChange const& change) {
    return dav::is_protected(change.property.name);
  });
  if (is_protected) co_return told(href, outcome(*changes, 403));
  auto const before = co_await store_.properties(asked.name, true);
  if (!before) co_return web::problem_of(before.error());
  auto after = dav::changed(*before, *changes);
  if (dav::to_json(after).size() > dav::dead_bytes_max) {
    co_return told(href, outcome(*changes, 507));
  }
  if (after != *before) {
    auto const kept = co_await store_.keep(asked.name, std::move(after));
    if (!kept) co_return web::problem_of(kept.error());
  }
  co_return told(href, outcome(*changes, 0));
}

}  // namespace chisme::node
