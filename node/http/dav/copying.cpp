#include <algorithm>
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

// "b/x" for "a/x", when "a" becomes "b".
std::string renamed(std::string_view name, std::string_view from, std::string_view to) {
  return std::string{to} + std::string{name.substr(from.size())};
}

web::Reply destination_refusal(Error const& error) {
  if (error.fault == Fault::unavailable) {
    return web::problem(502, "The Destination is at another server, or not below /dav/.");
  }
  return web::problem_of(error);
}

}  // namespace

struct DavHandler::Transfer {
  std::string from;
  std::string to;
  Resource source = {};
  Resource target = {};
  bool is_move = false;
  bool is_deep = true;  // with what is in the collection
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

// Everything that gets a new name: files, made collections, properties.
Result<DavStore::Namings> DavHandler::namings(Transfer const& it) const {
  DavStore::Namings all;
  auto const add = [&](std::string const& name, std::string to) {
    web::FileInfo file = gateway_.lookup(name).file;
    if (!file.name.empty()) all.emplace_back(std::move(file), std::move(to));
  };
  auto const target_of = [&](std::string_view name) { return renamed(name, it.from, it.to); };
  if (!it.is_tree()) {
    all.emplace_back(it.source.file, it.to);
    add(dav::properties_name(it.from), dav::properties_name(it.to));
    return all;
  }
  auto const tree = dav::tree_of(gateway_, it.from);
  if (!tree) return tl::unexpected(tree.error());
  for (std::string const& one : tree->described) {
    bool const is_wanted = it.is_deep || one == it.from;
    if (is_wanted) add(dav::properties_name(one), dav::properties_name(target_of(one)));
  }
  if (!it.is_deep) return all;
  for (std::string const& one : tree->collections) {
    add(dav::marker_name(one), dav::marker_name(target_of(one)));
  }
  for (web::FileInfo const& file : tree->files) all.emplace_back(file, target_of(file.name));
  std::size_t const most = dav::path_bytes_max;
  bool const fits = std::ranges::all_of(
      tree->files, [&](web::FileInfo const& file) { return target_of(file.name).size() <= most; });
  if (!fits) return fail(Fault::invalid, "some names would be longer than 1000 bytes there");
  return all;
}

// What is at the destination goes first, unless a file takes the place of a file: then there is no
// moment without one.
asio::awaitable<web::Reply> DavHandler::carry_out(Transfer it) {
  auto all = namings(it);
  if (!all) co_return web::problem_of(all.error());
  bool const is_new = it.target.kind == Kind::absent;
  bool const replaces_file = it.target.kind == Kind::file && !it.is_tree();
  web::Reply done = no_content();
  if (is_new) done.status = 201;
  if (!is_new && !replaces_file) {
    auto const failures = co_await remove_all(it.to, it.target.kind);
    if (!failures.empty()) co_return removal_reply(failures, std::move(done));
  }
  std::string const old_properties = dav::properties_name(it.to);
  bool const drops_properties = replaces_file && dav::is_known(gateway_, old_properties) &&
                                !dav::is_known(gateway_, dav::properties_name(it.from));
  if (drops_properties) {
    std::vector<std::string> names{old_properties};
    auto const failures = co_await store_.remove(std::move(names));
    if (!failures.empty()) co_return removal_reply(failures, std::move(done));
  }
  if (it.is_tree()) {
    auto const made = co_await store_.make_collection(it.to);
    if (!made) co_return web::problem_of(made.error());
  }
  auto const copied = co_await store_.copy(std::move(*all), it.is_move);
  if (!copied) co_return web::problem_of(copied.error());
  if (!it.is_move) co_return done;
  auto const kept = co_await keep_parent(it.from);
  if (!kept) co_return web::problem_of(kept.error());
  auto const failures = co_await remove_all(it.from, it.source.kind, true);
  if (!failures.empty()) co_return removal_reply(failures, std::move(done));
  auto const forgotten = co_await forget_locks(it.from);
  if (!forgotten) co_return web::problem_of(forgotten.error());
  co_return done;
}

}  // namespace chisme::node
