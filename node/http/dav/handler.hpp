#pragma once

#include <asio/awaitable.hpp>
#include <asio/io_context.hpp>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "node/http/dav/store.hpp"
#include "web/dav/fields.hpp"
#include "web/dav/locks.hpp"
#include "web/http/request.hpp"
#include "web/plan.hpp"

namespace chisme::node {

// DavHandler answers WebDAV's requests (RFC 4918, class 1 and 2): it looks whether a lock, an If
// field or what is there is in the way, and does what was asked by DavStore.
//
// A request is one step for nobody else: a COPY or MOVE of a collection, or a DELETE, may be seen
// half done, and stays so if this node dies. A COPY or MOVE names everything anew before it removes
// old names, and removes only what it has seen, so nothing is lost. Locks are looked at when a
// request begins.
//
// One loop's thread; as DavStore. Never throws.
class DavHandler {
 public:
  DavHandler(asio::io_context& loop, web::Gateway& gateway)
      : gateway_(gateway), store_(loop, gateway) {}

  // All but PUT; `body` is whole.
  asio::awaitable<web::Reply> answer(web::Request request, web::AnswerDav asked, std::string body);
  // Why a PUT cannot be; nullopt: it may be made.
  asio::awaitable<std::optional<web::Reply>> refuse_put(web::Request request, web::AnswerDav asked);

 private:
  using Resource = DavStore::Resource;
  using Kind = DavStore::Kind;
  using Touched = std::vector<web::dav::Touched>;

  // handler.cpp
  asio::awaitable<web::Reply> make_collection(web::Request request, web::AnswerDav asked);
  asio::awaitable<web::Reply> remove(web::Request request, web::AnswerDav asked);
  // 400, 412 or 423.
  asio::awaitable<std::optional<web::Reply>> refusal(web::Request request, std::string name,
                                                     Touched touched);
  // 409, when there is no collection into which that name could come.
  asio::awaitable<std::optional<web::Reply>> parent_refusal(std::string name);
  // Removes a resource and all that is kept of it; a file only if `condition` holds by then.
  // Nothing is left, or what is told.
  asio::awaitable<DavStore::Failures> remove_all(std::string name, Kind kind,
                                                 web::Condition condition);
  // So that a collection does not go with its last member.
  asio::awaitable<Result<void>> keep_parent(std::string name);
  asio::awaitable<Result<void>> forget_locks(std::string name);
  [[nodiscard]] bool holds(std::string const& name, web::dav::Locks const& locks,
                           std::optional<std::string> const& resource,
                           web::dav::IfCondition const& condition) const;

  // properties.cpp
  asio::awaitable<web::Reply> find_properties(web::Request request, web::AnswerDav asked,
                                              std::string body);
  asio::awaitable<web::Reply> change_properties(web::Request request, web::AnswerDav asked,
                                                std::string body);

  // copying.cpp
  struct Transfer;  // a COPY or MOVE
  struct Kept;      // of a resource or a tree, all files and what is kept besides
  asio::awaitable<web::Reply> transfer(web::Request request, web::AnswerDav asked);
  asio::awaitable<std::optional<web::Reply>> transfer_refusal(web::Request request, Transfer it);
  asio::awaitable<web::Reply> carry_out(Transfer it);
  asio::awaitable<web::Reply> replace(Transfer it, Kept from, Kept to);
  [[nodiscard]] Result<Kept> kept_of(std::string const& name, Resource const& resource,
                                     bool is_deep) const;
  // Removes what has not become another file since it was seen. What is left is told, with what
  // came into `tree` since, if that is given.
  asio::awaitable<DavStore::Failures> remove_seen(Kept seen, std::optional<std::string> tree,
                                                  bool for_good = false);
  [[nodiscard]] DavStore::Failures came_since(std::string const& collection,
                                              Kept const& seen) const;

  // locking.cpp
  asio::awaitable<web::Reply> lock(web::Request request, web::AnswerDav asked, std::string body);
  asio::awaitable<web::Reply> take_lock(web::Request request, web::AnswerDav asked,
                                        web::dav::Lock wanted);
  asio::awaitable<web::Reply> refresh_lock(web::Request request, web::AnswerDav asked);
  asio::awaitable<web::Reply> unlock(web::Request request, web::AnswerDav asked);
  asio::awaitable<Result<void>> give_back(std::string token);

  web::Gateway& gateway_;
  DavStore store_;
};

// What DAV: says when some resources could not be removed, or just the one that was asked for.
[[nodiscard]] web::Reply removal_reply(std::string_view asked, DavStore::Failures const& failures,
                                       web::Reply when_done);
[[nodiscard]] web::Reply no_content();

}  // namespace chisme::node
