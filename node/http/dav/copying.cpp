#include <algorithm>
#include <iterator>
#include <set>
#include <utility>

#include "node/http/dav/handler.hpp"
#include "web/conditions.hpp"
#include "web/dav/children.hpp"
#include "web/dav/paths.hpp"
#include "web/problem.hpp"

// COPY and MOVE.
namespace chisme::node {
namespace {

namespace dav = web::dav;

// "b/x" for "a/x", when "a" becomes "b", and likewise of what is kept of it.
std::string renamed(std::string_view name, std::string_view from, std::string_view to) {
  std::size_t const begin = name.size() - dav::resource_of(name).size();
  return std::string{name.substr(0, begin)} + std::string{to} +
         std::string{name.substr(begin + from.size())};
}

bool is_out_of_reach(web::FileInfo const& file) {
  return file.copies == 0 && !file.local;
}

// What is kept of a resource has a few bytes before its name, for which path_bytes_max leaves room.
bool has_room(DavStore::Naming const& one) {
  return dav::resource_of(one.to).size() <= dav::path_bytes_max;
}

// Each if it still has the bytes that it had.
DavStore::Removals removals(std::vector<web::FileInfo> const& files) {
  DavStore::Removals all;
  for (web::FileInfo const& file : files) {
    DavStore::Removal one{file.name};
    one.condition.must_match = {file.digest};
    all.push_back(std::move(one));
  }
  return all;
}

web::Reply destination_refusal(Error const& error) {
  if (error.fault == Fault::unavailable) {
    return web::problem(502, "The Destination is at another server, or not below /dav/.");
  }
  return web::problem_of(error);
}

}  // namespace

// As this node saw it when the request began. Files are those of the catalogue, by whose digests a
// later removal knows whether they are still the same.
struct DavHandler::Kept {
  std::vector<web::FileInfo> files;
  std::vector<web::FileInfo> properties;
  std::vector<web::FileInfo> markers;  // of collections
};

struct DavHandler::Transfer {
  std::string from;
  std::string to;
  Resource source = {};
  Resource target = {};
  bool is_move = false;
  bool is_deep = true;  // with what is in the collection
  bool may_replace = true;
  [[nodiscard]] bool is_tree() const { return source.kind == Kind::collection; }
};

asio::awaitable<web::Reply> DavHandler::transfer(web::Request request, web::AnswerDav asked) {
  auto const destination = dav::destination_of(request);
  if (!destination) co_return destination_refusal(destination.error());
  Transfer it{.from = asked.name, .to = destination->name};
  it.is_move = request.method == web::Method::move;
  bool const is_nested = dav::is_within(it.to, it.from) || dav::is_within(it.from, it.to);
  if (is_nested) {
    co_return web::problem(403, "Neither may be the other, or be in it.");
  }
  auto const source = co_await store_.find(it.from, asked.is_slash);
  if (!source) co_return web::problem_of(source.error());
  if (source->kind == Kind::absent) co_return web::problem(404, "There is nothing of that name.");
  it.source = *source;
  auto misplaced = co_await parent_refusal(it.to);
  if (misplaced) co_return std::move(*misplaced);
  auto const target = co_await store_.find(it.to, it.is_tree());
  if (!target) co_return web::problem_of(target.error());
  it.target = *target;
  auto const depth = dav::depth_of(request);
  if (depth == dav::Depth::zero && !it.is_move) it.is_deep = false;
  bool const makes_sense = depth == dav::Depth::infinity || !it.is_deep || !it.is_tree();
  if (!depth || *depth == dav::Depth::one || !makes_sense) {
    co_return web::problem(400,
                           "A folder is moved with all that is in it, and copied with all or "
                           "nothing of it: Depth is infinity, or 0.");
  }
  it.may_replace = dav::may_overwrite(request).value_or(true);
  auto refused = co_await transfer_refusal(std::move(request), it);
  if (refused) co_return std::move(*refused);
  co_return co_await carry_out(std::move(it));
}

asio::awaitable<std::optional<web::Reply>> DavHandler::transfer_refusal(web::Request request,
                                                                        Transfer it) {
  auto const overwrite = dav::may_overwrite(request);
  if (!overwrite) co_return web::problem_of(overwrite.error());
  bool const is_new = it.target.kind == Kind::absent;
  if (!is_new && !*overwrite) {
    co_return web::problem(412, "There is something of that name already.");
  }
  auto const condition = web::write_condition(request);
  if (!condition || web::rules_out(*condition, it.is_tree() ? nullptr : &it.source.file)) {
    co_return web::problem(412, "The file is another one by now. Read its state again.");
  }
  Touched touched{{it.to, true, is_new}};
  if (it.is_move) touched.push_back({it.from, true, true});
  co_return co_await refusal(std::move(request), it.from, std::move(touched));
}

Result<DavHandler::Kept> DavHandler::kept_of(std::string const& name, Resource const& resource,
                                             bool is_deep) const {
  Kept kept;
  auto const add = [&](std::vector<web::FileInfo>& into, std::string const& one) {
    web::FileInfo file = gateway_.lookup(one).file;
    if (!file.name.empty()) into.push_back(std::move(file));
  };
  if (resource.kind == Kind::absent) return kept;
  if (resource.kind == Kind::file) kept.files.push_back(resource.file);
  if (resource.kind == Kind::file || !is_deep) {
    add(kept.properties, dav::properties_name(name));
    return kept;
  }
  auto tree = dav::tree_of(gateway_, name);
  if (!tree) return tl::unexpected(tree.error());
  kept.files = std::move(tree->files);
  for (std::string const& one : tree->described) add(kept.properties, dav::properties_name(one));
  for (std::string const& one : tree->collections) add(kept.markers, dav::marker_name(one));
  return kept;
}

// The folder itself first, then all that is named anew, and only then what of the old is not
// replaced goes: at no moment is anything without a name.
asio::awaitable<web::Reply> DavHandler::carry_out(Transfer it) {
  auto from = kept_of(it.from, it.source, it.is_deep);
  if (!from) co_return web::problem_of(from.error());
  auto to = kept_of(it.to, it.target, true);
  if (!to) co_return web::problem_of(to.error());
  bool const has_all = std::ranges::none_of(from->files, is_out_of_reach);
  if (!has_all) {
    co_return web::problem(410, "Of some of it no node in reach has a copy. Nothing was changed.");
  }
  co_return co_await replace(std::move(it), std::move(*from), std::move(*to));
}

asio::awaitable<web::Reply> DavHandler::replace(Transfer it, Kept from, Kept to) {
  DavStore::Namings all;
  std::set<std::string, std::less<>> kept;
  for (auto const* const list : {&from.files, &from.properties, &from.markers}) {
    for (web::FileInfo const& file : *list) {
      bool const must_be_new = list == &from.files && !it.may_replace;
      all.push_back({file, renamed(file.name, it.from, it.to), it.is_move, must_be_new});
    }
  }
  bool const fits = std::ranges::all_of(all, has_room);
  if (!fits) {
    co_return web::problem(400, "Some names would be longer than 1000 bytes there.");
  }
  for (DavStore::Naming const& one : all) kept.insert(one.to);
  if (it.is_tree()) kept.insert(dav::marker_name(it.to));
  for (auto* const list : {&to.files, &to.properties, &to.markers}) {
    std::erase_if(*list, [&](web::FileInfo const& file) { return kept.contains(file.name); });
  }
  if (it.is_tree()) {
    auto const made = co_await store_.make_collection(it.to);
    if (!made) co_return web::problem_of(made.error());
  }
  auto const copied = co_await store_.copy(std::move(all));
  if (!copied) co_return web::problem_of(copied.error());
  web::Reply done = no_content();
  if (it.target.kind == Kind::absent) done.status = 201;
  std::optional<std::string> tree;
  auto const left = co_await remove_seen(std::move(to), tree);
  if (!left.empty()) co_return removal_reply(it.from, left, std::move(done));
  if (!it.is_move) co_return done;
  auto const parent = co_await keep_parent(it.from);
  if (!parent) co_return web::problem_of(parent.error());
  if (it.is_tree()) tree = it.from;
  auto const failures = co_await remove_seen(std::move(from), tree, true);
  if (!failures.empty()) co_return removal_reply(it.from, failures, std::move(done));
  auto const forgotten = co_await forget_locks(it.from);
  if (!forgotten) co_return web::problem_of(forgotten.error());
  co_return done;
}

// A file that stays keeps its properties, and folders around it are there as before.
asio::awaitable<DavStore::Failures> DavHandler::remove_seen(Kept seen,
                                                            std::optional<std::string> tree,
                                                            bool for_good) {
  auto files = removals(seen.files);
  for (DavStore::Removal& file : files) file.for_good = for_good;
  auto failures = co_await store_.remove(std::move(files));
  if (tree) std::ranges::move(came_since(*tree, seen), std::back_inserter(failures));
  std::set<std::string, std::less<>> stays;
  for (auto const& [name, error] : failures) {
    std::string_view one = dav::resource_of(name);
    while (!one.empty() && stays.emplace(one).second) one = dav::parent_of(one);
  }
  auto const is_left = [&](DavStore::Removal const& one) {
    return stays.contains(dav::resource_of(one.name));
  };
  auto rest = removals(seen.properties);
  std::ranges::move(removals(seen.markers), std::back_inserter(rest));
  std::erase_if(rest, is_left);
  auto more = co_await store_.remove(std::move(rest));
  std::ranges::move(more, std::back_inserter(failures));
  co_return failures;
}

DavStore::Failures DavHandler::came_since(std::string const& collection, Kept const& seen) const {
  auto const tree = dav::tree_of(gateway_, collection);
  if (!tree) return {{collection, tree.error()}};
  std::set<std::string, std::less<>> known;
  for (auto const* const list : {&seen.files, &seen.markers}) {
    for (web::FileInfo const& file : *list) known.insert(file.name);
  }
  DavStore::Failures came;
  auto const look_at = [&](std::string const& name) {
    if (known.contains(name)) return;
    came.push_back({name, {Fault::precondition_failed, "it came while the folder was moved"}});
  };
  for (web::FileInfo const& file : tree->files) look_at(file.name);
  for (std::string const& one : tree->collections) look_at(dav::marker_name(one));
  return came;
}

}  // namespace chisme::node
