#pragma once

#include <asio/awaitable.hpp>
#include <asio/io_context.hpp>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "web/dav/dead_properties.hpp"
#include "web/dav/locks.hpp"
#include "web/gateway.hpp"

namespace chisme::node {

// DavStore is what WebDAV reads and writes: files, and the small hidden files in which it keeps
// made collections, dead properties and locks (web/dav/paths.hpp). All of it lies in the cluster,
// so this holds nothing but the locks as it last read them, and every node may go on with
// everything.
//
// What is absent here is asked of all nodes; the locks are, each time, so that one just taken at
// another node counts. What lies below a collection is what this node has heard of: everything that
// is older than the convergence bound of the cluster, two seconds without partition.
//
// One loop's thread. `loop` and `gateway` must outlive it, and it every call.
class DavStore {
 public:
  DavStore(asio::io_context& loop, web::Gateway& gateway) : loop_(loop), gateway_(gateway) {}

  enum class Kind { absent, file, collection };
  struct Resource {
    Kind kind = Kind::absent;
    web::FileInfo file = {};  // of a file; of a made collection its marker; else empty
  };
  // What has that name. Where both a file and a collection do, `prefers_collection` decides.
  // Faults: unavailable, busy.
  asio::awaitable<Result<Resource>> find(std::string name, bool prefers_collection);

  // All that are in force. Faults: unavailable (this node is out of touch), corrupt.
  asio::awaitable<Result<web::dav::Locks>> locks();
  // Stores what `change` makes of them, unless it fails. It may be called several times, with what
  // others stored meanwhile. Faults: those of `change` (nothing is stored) and of writing a small
  // file; no_space (there are too many); busy (others change them all the time).
  //
  // Two nodes that change them at once take turns. A call first stores `turn` on W nodes, and goes
  // on if no node knows a newer one. It then reads the locks from all nodes, stores them with the
  // turn's version, and is done if it still has the turn. So of any two, either the later turn was
  // stored before the earlier one's last look, which then does it all again, or after it: then the
  // later one read what the earlier one stored. What an overtaken turn stores is older than what
  // the later one does, whenever it is stored.
  using Change = std::function<Result<void>(web::dav::Locks&)>;
  asio::awaitable<Result<void>> change_locks(Change change);

  // Of one resource; none when nothing is known of any. With `everywhere`, all nodes are asked.
  // Faults: those of reading a file; corrupt.
  asio::awaitable<Result<web::dav::DeadProperties>> properties(std::string name, bool everywhere);
  // Faults: those of writing a small file.
  asio::awaitable<Result<void>> keep(std::string name, web::dav::DeadProperties properties);

  // Faults: those of writing a small file.
  asio::awaitable<Result<void>> make_collection(std::string name);
  asio::awaitable<Result<void>> make_empty_file(std::string name);

  // A file, and what it is to be called besides, with all that is kept of it.
  struct Naming {
    web::FileInfo file;
    std::string to;
    bool goes = false;         // the file itself is removed afterwards
    bool must_be_new = false;  // precondition_failed when there is such a name already
  };
  using Namings = std::vector<Naming>;
  // Several at once. They are named, not copied, where enough of those that hold them are in reach.
  // The first failure, if there is one; the others are done all the same.
  asio::awaitable<Result<void>> copy(Namings files);
  // A name that is to go, if what it has by then is what the condition says.
  struct Removal {
    std::string name;
    web::Condition condition = {};
    bool for_good = false;  // it does not go into the trash
  };
  using Removals = std::vector<Removal>;
  // As they are counted now.
  asio::awaitable<std::vector<web::PrefixUse>> quotas();
  // The names that could not be removed, each with the reason; those that are absent are removed.
  using Failures = std::vector<std::pair<std::string, Error>>;
  asio::awaitable<Failures> remove(Removals names);

 private:
  // As this node read them.
  struct Register {
    std::optional<web::FileInfo> file;
    web::dav::Locks locks;
  };
  asio::awaitable<Result<std::optional<web::FileInfo>>> newest(std::string name);
  asio::awaitable<Result<Register>> read_register();
  asio::awaitable<Result<std::optional<std::string>>> take_turn();
  asio::awaitable<Result<bool>> has_turn(std::string turn);
  asio::awaitable<Result<bool>> change_in_turn(Change change, bool again);
  asio::awaitable<Result<void>> copy_bytes(Naming wanted);
  asio::awaitable<Result<void>> copy_into(web::FileInfo file, std::shared_ptr<web::Upload> into);

  asio::io_context& loop_;
  web::Gateway& gateway_;
  Register read_;
};

}  // namespace chisme::node
