#include "node/http/dav/handler.hpp"

#include <algorithm>
#include <utility>

#include "web/conditions.hpp"
#include "web/dav/children.hpp"
#include "web/dav/multistatus.hpp"
#include "web/dav/paths.hpp"
#include "web/names.hpp"
#include "web/problem.hpp"
#include "web/target.hpp"

namespace chisme::node {
namespace {

namespace dav = web::dav;

// The resource that a list of an If field is about; nullopt: none of this server.
std::optional<std::string> tagged_name(std::string const& url) {
  auto const target = web::parse_target(url);
  if (!target || !target->path.starts_with(dav::resources_path)) return std::nullopt;
  auto path = dav::path_from_url(std::string_view{target->path}.substr(dav::resources_path.size()));
  return path ? std::optional{std::move(path->name)} : std::nullopt;
}

}  // namespace

web::Reply no_content() {
  return web::Reply{.status = 204, .headers = {}, .body = {}};
}

web::Reply removal_reply(std::string_view asked, DavStore::Failures const& failures,
                         web::Reply when_done) {
  if (failures.empty()) return when_done;
  bool const is_itself = failures.size() == 1 && dav::resource_of(failures.front().first) == asked;
  if (is_itself) return web::problem_of(failures.front().second);
  dav::Multistatus all;
  for (auto const& [name, error] : failures) {
    unsigned const status = web::problem_of(error).status;
    all.add(dav::href_of(dav::resource_of(name), false),
            status == 0 ? 500 : status);  // it may be removed or not
  }
  return std::move(all).finish();
}

asio::awaitable<web::Reply> DavHandler::answer(web::Request request, web::AnswerDav asked,
                                               std::string body) {
  using web::Method;
  switch (request.method) {
    case Method::propfind:
      return find_properties(std::move(request), std::move(asked), std::move(body));
    case Method::proppatch:
      return change_properties(std::move(request), std::move(asked), std::move(body));
    case Method::mkcol:
      return make_collection(std::move(request), std::move(asked));
    case Method::copy:
    case Method::move:
      return transfer(std::move(request), std::move(asked));
    case Method::lock:
      return lock(std::move(request), std::move(asked), std::move(body));
    case Method::unlock:
      return unlock(std::move(request), std::move(asked));
    default:
      return remove(std::move(request), std::move(asked));
  }
}

asio::awaitable<std::optional<web::Reply>> DavHandler::refuse_put(web::Request request,
                                                                  web::AnswerDav asked) {
  auto const there = co_await store_.find(asked.name, false);
  if (!there) co_return web::problem_of(there.error());
  if (there->kind == Kind::collection) {
    co_return web::problem(405, "There is a folder of that name, which cannot be written.");
  }
  bool const is_new = there->kind == Kind::absent;
  if (is_new) {
    auto misplaced = co_await parent_refusal(asked.name);
    if (misplaced) co_return misplaced;
  }
  Touched touched{{asked.name, false, is_new}};
  co_return co_await refusal(std::move(request), asked.name, std::move(touched));
}

asio::awaitable<web::Reply> DavHandler::make_collection(web::Request request,
                                                        web::AnswerDav asked) {
  if (request.has_body()) co_return web::problem(415, "MKCOL takes no body.");
  auto const there = co_await store_.find(asked.name, true);
  if (!there) co_return web::problem_of(there.error());
  if (there->kind != Kind::absent) {
    co_return web::problem(405, "There is something of that name already.");
  }
  auto misplaced = co_await parent_refusal(asked.name);
  if (misplaced) co_return std::move(*misplaced);
  Touched touched{{asked.name, false, true}};
  auto refused = co_await refusal(std::move(request), asked.name, std::move(touched));
  if (refused) co_return std::move(*refused);
  auto const made = co_await store_.make_collection(asked.name);
  if (!made) co_return web::problem_of(made.error());
  co_return web::Reply{.status = 201, .headers = {}, .body = {}};
}

asio::awaitable<web::Reply> DavHandler::remove(web::Request request, web::AnswerDav asked) {
  auto const there = co_await store_.find(asked.name, asked.is_slash);
  if (!there) co_return web::problem_of(there.error());
  if (there->kind == Kind::absent) {
    co_return web::problem(404, "There is nothing of that name.");
  }
  if (asked.name.empty()) co_return web::problem(403, "The root cannot be deleted.");
  bool const is_tree = there->kind == Kind::collection;
  auto const depth = dav::depth_of(request);
  if (is_tree && depth != dav::Depth::infinity) {
    co_return web::problem(400, "A folder is deleted with all that is in it: Depth: infinity.");
  }
  auto const condition = web::write_condition(request);
  if (!condition || web::rules_out(*condition, is_tree ? nullptr : &there->file)) {
    co_return web::problem(412, "The file is another one by now. Read its state again.");
  }
  Touched touched{{asked.name, is_tree, true}};
  auto refused = co_await refusal(std::move(request), asked.name, std::move(touched));
  if (refused) co_return std::move(*refused);
  auto const kept = co_await keep_parent(asked.name);
  if (!kept) co_return web::problem_of(kept.error());
  auto const failures = co_await remove_all(asked.name, there->kind, *condition);
  if (!failures.empty()) co_return removal_reply(asked.name, failures, no_content());
  auto const forgotten = co_await forget_locks(asked.name);
  if (!forgotten) co_return web::problem_of(forgotten.error());
  co_return no_content();
}

asio::awaitable<DavStore::Failures> DavHandler::remove_all(std::string name, Kind kind,
                                                           web::Condition condition) {
  DavStore::Removals names;
  if (kind == Kind::file) {
    names.push_back({name, std::move(condition)});
    auto failures = co_await store_.remove(std::move(names));
    std::string const described = dav::properties_name(name);
    if (!failures.empty() || !dav::is_known(gateway_, described)) co_return failures;
    DavStore::Removals properties{{described}};
    co_return co_await store_.remove(std::move(properties));
  }
  auto const tree = dav::tree_of(gateway_, name);
  if (!tree) co_return DavStore::Failures{{name, tree.error()}};
  for (web::FileInfo const& file : tree->files) names.push_back({file.name});
  for (std::string const& one : tree->described) names.push_back({dav::properties_name(one)});
  auto failures = co_await store_.remove(std::move(names));
  if (!failures.empty()) co_return failures;
  // The folders last: what is left of a tree must be seen to be there.
  DavStore::Removals markers;
  for (std::string const& one : tree->collections) markers.push_back({dav::marker_name(one)});
  co_return co_await store_.remove(std::move(markers));
}

asio::awaitable<Result<void>> DavHandler::keep_parent(std::string name) {
  std::string const parent{dav::parent_of(name)};
  bool const stays = parent.empty() || dav::is_known(gateway_, dav::marker_name(parent));
  if (stays) co_return Result<void>{};
  co_return co_await store_.make_collection(parent);
}

asio::awaitable<Result<void>> DavHandler::forget_locks(std::string name) {
  auto const locks = co_await store_.locks();
  if (!locks) co_return tl::unexpected(locks.error());
  auto const is_below = [&](dav::Lock const& lock) { return dav::is_within(lock.name, name); };
  if (std::ranges::none_of(*locks, is_below)) co_return Result<void>{};
  DavStore::Change const forget = [&](dav::Locks& all) -> Result<void> {
    std::erase_if(all, is_below);
    return {};
  };
  co_return co_await store_.change_locks(forget);
}

asio::awaitable<std::optional<web::Reply>> DavHandler::parent_refusal(std::string name) {
  std::string const parent{dav::parent_of(name)};
  if (parent.empty()) co_return std::nullopt;
  auto const there = co_await store_.find(parent, true);
  if (!there) co_return web::problem_of(there.error());
  if (there->kind == Kind::collection) co_return std::nullopt;
  co_return web::problem(409, "There is no folder " + parent + "; make it first, by MKCOL.");
}

asio::awaitable<std::optional<web::Reply>> DavHandler::refusal(web::Request request,
                                                               std::string name, Touched touched) {
  auto const locks = co_await store_.locks();
  if (!locks) co_return web::problem_of(locks.error());
  std::vector<std::string> submitted;
  if (auto const text = request.header("if")) {
    auto const lists = dav::parse_if(*text);
    if (!lists) co_return web::problem_of(lists.error());
    bool const goes_on = dav::is_true(*lists, [&](auto const& resource, auto const& condition) {
      return holds(name, *locks, resource, condition);
    });
    if (!goes_on) {
      co_return web::problem(412, "What the If field says is not so. Read the state again.");
    }
    submitted = dav::tokens_in(*lists);
  }
  auto const lock = dav::lock_in_the_way(*locks, touched, submitted);
  if (!lock) co_return std::nullopt;
  co_return dav::condition_reply(423, "lock-token-submitted",
                                 dav::href_of(lock->name, lock->is_collection));
}

bool DavHandler::holds(std::string const& name, dav::Locks const& locks,
                       std::optional<std::string> const& resource,
                       dav::IfCondition const& condition) const {
  auto const about = resource ? tagged_name(*resource) : std::optional{name};
  if (!about) return false;
  if (condition.is_token) {
    return std::ranges::any_of(dav::covering(locks, *about),
                               [&](dav::Lock const& lock) { return lock.token == condition.text; });
  }
  web::Lookup const found = gateway_.lookup(*about);
  return found.status == web::LookupStatus::found &&
         web::etag_of(found.file.digest) == condition.text;
}

}  // namespace chisme::node
