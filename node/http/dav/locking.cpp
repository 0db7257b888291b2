#include <algorithm>
#include <random>
#include <utility>

#include "node/clock.hpp"
#include "node/http/dav/handler.hpp"
#include "web/dav/bodies.hpp"
#include "web/dav/multistatus.hpp"
#include "web/dav/paths.hpp"
#include "web/problem.hpp"

// LOCK and UNLOCK.
namespace chisme::node {
namespace {

namespace dav = web::dav;

// A URI of 132 random bits: whoever does not know it cannot submit it. Shorter than a UUID's would
// be, since clients put several into one If field, and some have little room for it.
std::string new_token() {
  constexpr std::string_view characters =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
  constexpr int count = 22;
  std::random_device device;
  std::string token = "chisme:";
  for (int i = 0; i < count; ++i) token += characters[device() & 63];
  return token;
}

web::Reply locks_reply(unsigned status, dav::Locks const& locks) {
  return dav::xml_reply(status, "<D:prop xmlns:D=\"DAV:\"><D:lockdiscovery>" +
                                    dav::discovery_xml(locks, wall_now()) +
                                    "</D:lockdiscovery></D:prop>\n");
}

web::Reply is_locked(dav::Lock const& lock) {
  return dav::condition_reply(423, "no-conflicting-lock",
                              dav::href_of(lock.name, lock.is_collection));
}

}  // namespace

asio::awaitable<web::Reply> DavHandler::lock(web::Request request, web::AnswerDav asked,
                                             std::string body) {
  if (body.empty()) co_return co_await refresh_lock(std::move(request), std::move(asked));
  auto const depth = dav::depth_of(request);
  if (!depth) co_return web::problem_of(depth.error());
  if (*depth == dav::Depth::one) {
    co_return web::problem(400,
                           "A lock is of one resource or of all below it: Depth is 0 or "
                           "infinity.");
  }
  auto const wish = dav::parse_lockinfo(body);
  if (!wish) co_return web::problem_of(wish.error());
  dav::Lock wanted{.token = new_token(), .name = asked.name, .owner = wish->owner};
  wanted.is_exclusive = wish->is_exclusive;
  wanted.is_deep = *depth == dav::Depth::infinity;
  wanted.life = dav::timeout_of(request);
  wanted.expires = wall_now() + wanted.life;
  co_return co_await take_lock(std::move(request), std::move(asked), std::move(wanted));
}

// What is not there yet becomes an empty file (RFC 4918, 7.3).
asio::awaitable<web::Reply> DavHandler::take_lock(web::Request request, web::AnswerDav asked,
                                                  dav::Lock wanted) {
  auto const there = co_await store_.find(asked.name, asked.is_slash);
  if (!there) co_return web::problem_of(there.error());
  bool const is_new = there->kind == Kind::absent;
  if (is_new) {
    auto misplaced = co_await parent_refusal(asked.name);
    if (misplaced) co_return std::move(*misplaced);
  }
  wanted.is_collection = there->kind == Kind::collection;
  Touched touched;
  if (is_new) touched.push_back({asked.name, false, true});
  auto refused = co_await refusal(std::move(request), asked.name, std::move(touched));
  if (refused) co_return std::move(*refused);
  std::optional<dav::Lock> against;
  bool may_be_stored = false;
  dav::Locks now;
  DavStore::Change const take = [&](dav::Locks& locks) -> Result<void> {
    std::erase_if(locks, [&](dav::Lock const& lock) { return lock.token == wanted.token; });
    against = dav::lock_against(locks, wanted);
    if (against) return fail(Fault::precondition_failed, "it is locked");
    locks.push_back(wanted);
    now = dav::covering(locks, wanted.name);
    may_be_stored = true;
    return {};
  };
  auto const taken = co_await store_.change_locks(take);
  // Nobody is told its token: it would be in the way of all until it ends.
  if (!taken && may_be_stored) co_await give_back(wanted.token);
  if (against) co_return is_locked(*against);
  if (!taken) co_return web::problem_of(taken.error());
  if (is_new) {
    auto const made = co_await store_.make_empty_file(asked.name);
    bool const is_there = made || made.error().fault == Fault::precondition_failed;
    if (!is_there) {
      co_await give_back(wanted.token);
      co_return web::problem_of(made.error());
    }
  }
  auto reply = locks_reply(is_new ? 201 : 200, now);
  reply.headers.add("Lock-Token", "<", wanted.token, ">");
  co_return reply;
}

asio::awaitable<web::Reply> DavHandler::refresh_lock(web::Request request, web::AnswerDav asked) {
  auto const text = request.header("if");
  if (!text) {
    co_return web::problem(400, "LOCK without a body goes on with a lock: name it in If.");
  }
  auto const lists = dav::parse_if(*text);
  if (!lists) co_return web::problem_of(lists.error());
  auto const submitted = dav::tokens_in(*lists);
  auto const life = dav::timeout_of(request);
  bool is_found = false;
  dav::Locks now;
  DavStore::Change const refresh = [&](dav::Locks& locks) -> Result<void> {
    now.clear();
    is_found = false;
    for (dav::Lock& lock : locks) {
      bool const is_named = std::ranges::find(submitted, lock.token) != submitted.end();
      if (!is_named || !dav::covers(lock, asked.name)) continue;
      is_found = true;
      lock.life = life;
      lock.expires = wall_now() + life;
      now.push_back(lock);
    }
    if (!is_found) return fail(Fault::precondition_failed, "there is no such lock");
    return {};
  };
  auto const refreshed = co_await store_.change_locks(refresh);
  if (!is_found && !refreshed && refreshed.error().fault == Fault::precondition_failed) {
    co_return dav::condition_reply(412, "lock-token-matches-request-uri");
  }
  if (!refreshed) co_return web::problem_of(refreshed.error());
  co_return locks_reply(200, now);
}

asio::awaitable<web::Reply> DavHandler::unlock(web::Request request, web::AnswerDav asked) {
  auto const token = dav::lock_token_of(request);
  if (!token) co_return web::problem(400, "Say which lock, in the field Lock-Token: <TOKEN>.");
  auto const locks = co_await store_.locks();
  if (!locks) co_return web::problem_of(locks.error());
  auto const is_it = [&](dav::Lock const& lock) { return lock.token == *token; };
  auto const found = std::ranges::find_if(*locks, is_it);
  if (found == locks->end() || !dav::covers(*found, asked.name)) {
    co_return dav::condition_reply(409, "lock-token-matches-request-uri");
  }
  auto const given = co_await give_back(*token);
  if (!given) co_return web::problem_of(given.error());
  co_return no_content();
}

asio::awaitable<Result<void>> DavHandler::give_back(std::string token) {
  DavStore::Change const change = [&](dav::Locks& all) -> Result<void> {
    std::erase_if(all, [&](dav::Lock const& lock) { return lock.token == token; });
    return {};
  };
  co_return co_await store_.change_locks(change);
}

}  // namespace chisme::node
