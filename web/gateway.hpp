#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "cluster/base/identity.hpp"
#include "cluster/base/result.hpp"
#include "cluster/base/strong.hpp"
#include "cluster/base/time.hpp"
#include "web/credentials.hpp"
#include "web/file_query.hpp"
#include "web/ttl.hpp"

// What the web needs of a node. `node/` implements it, once per web loop; every call and every
// completion is on that loop's thread.
namespace chisme::web {

// Called once, later or from within the call itself, unless the object that would call it is
// destroyed first.
template <class T>
using Done = std::function<void(Result<T>)>;

struct FileInfo {
  std::string name;
  std::string version;  // opaque text (to_string(Version))
  ByteCount size;
  std::string type;  // media type
  Digest digest;
  WallTime modified{};
  std::uint32_t copies = 0;  // on members that are not dead
  std::uint32_t wanted = 0;
  bool local = false;           // this node has a verified copy
  std::string attributes = {};  // what S3's clients are told besides (s3/attributes.hpp)
  // From then on it is absent. In the trash, where its time may be over before, that time does not
  // count here (web/trash.hpp).
  std::optional<WallTime> expires = {};
};

enum class LookupStatus {
  found,
  absent,        // and this node is in touch with a majority: 404
  lost,          // the name exists, but no copy of its bytes is in reach: 410
  out_of_touch,  // absent here, but others may have it: 503
};
struct Lookup {
  LookupStatus status = LookupStatus::absent;
  FileInfo file;  // only when found or lost
};

// A node that can serve a file.
struct Replica {
  NodeId node;
  std::string http;  // origin: "http://127.0.0.1:7702"
  double load = 0;   // (requests in flight + 1) / capacity; smaller is better
  bool self = false;
};

struct Listing {
  std::vector<FileInfo> files;
  std::optional<std::string> next;  // `after` of the next page
};

// A page of the files that a query is about.
struct FoundFiles {
  std::vector<FileInfo> files;
  std::uint64_t total = 0;  // of all pages
  bool more = false;        // behind the last of `files`
};

// A condition on the name's current version (RFC 9110, 13.1); ETags are digests.
struct Condition {
  bool must_be_absent = false;         // If-None-Match: *
  bool must_exist = false;             // If-Match: *
  std::vector<Digest> must_match;      // If-Match: "..."
  std::vector<Digest> must_not_match;  // If-None-Match: "..."
  friend bool operator==(Condition const&, Condition const&) = default;
};

struct UploadRequest {
  std::string name;  // checked and normalised (names.hpp)
  std::string type;
  std::optional<ByteCount> size;   // when announced, or at most; there is room for it
  std::optional<Digest> expected;  // Repr-Digest / Content-Digest
  Condition condition;
  // The version is to be newer than what this other name has, too; empty: no such name.
  std::string newer_than = {};
  // Of a write that may be done more than once, by several nodes: the version that it has each
  // time. precondition_failed when the name has a newer one.
  std::optional<std::string> version = {};
  // Of a part: the file that it will be of, how much of that is before it and, when that is known,
  // how much all of it will be. It counts for that file's quota.
  struct PartOf {
    std::string name;
    ByteCount before;
    std::optional<ByteCount> size;
  };
  std::optional<PartOf> part_of = {};
  // A file that goes when this one is there: its bytes do not count twice.
  std::string instead_of = {};
  // It is kept for so long from its being stored on (of a write with a version: from the version's
  // time on), or until then; neither: for ever. Fault::invalid when its type leaves no room for it.
  std::optional<TimeToLive> ttl = {};
  std::optional<WallTime> expires = {};
};
struct StoredFile {
  std::string name;
  std::string version;
  ByteCount size;
  Digest digest;
  std::vector<std::string> copies;  // ids of the nodes on which it is durable
  std::uint32_t wanted = 0;
  bool created = false;  // there was no such name before
  std::optional<WallTime> expires = {};
};

// Upload is one file on its way in. Destroying it before `finish` completed aborts: nothing becomes
// visible. At most one call is pending at a time.
class Upload {
 public:
  virtual ~Upload() = default;
  // Takes the next bytes; they must stay as they are until `done`. Faults: no_space, too_large, io.
  virtual void write(std::span<std::byte const> bytes, Done<void> done) = 0;
  // No more bytes: verify, make durable on W nodes, make visible. Faults: digest_mismatch,
  // no_quorum, precondition_failed (nothing visible); unknown_outcome (close without an answer).
  virtual void finish(Done<StoredFile> done) = 0;
  // Changes the type that the request said, for what is known only of all bytes
  // (s3/attributes.hpp); not when it expires. REQUIRES: `finish` was not called.
  virtual void retype(std::string type) = 0;
};

struct RemovedFile {
  std::string version;
};

// An open local object: read by offset (sendfile, pread) from any thread while it lives.
class OpenObject {
 public:
  virtual ~OpenObject() = default;
  [[nodiscard]] virtual int descriptor() const = 0;
  [[nodiscard]] virtual ByteCount size() const = 0;
  // Whether these bytes may be sent as they are. If not, `verify` compares them with their hashes,
  // at most `verified_at_once` of them; Faults: corrupt, busy. An object whose bytes cannot rot
  // needs neither.
  [[nodiscard]] virtual bool is_trusted(ByteOffset, ByteCount) const { return true; }
  virtual void verify(ByteOffset, ByteCount, Done<void> done) const { done({}); }
  static constexpr ByteCount verified_at_once{4u << 20};
};

// Bytes of a file read from whichever holders answer, changing holder when one fails. Destroying
// it cancels. At most one read is pending at a time.
class RemoteRead {
 public:
  virtual ~RemoteRead() = default;
  // Fills at most `into.size()` bytes; 0 at the end. `into` must live until `done`.
  virtual void read(std::span<std::byte> into, Done<std::size_t> done) = 0;
};

struct MemberStatus {
  std::string node;
  std::string http;
  std::string peer = {};  // where other nodes reach it: "127.0.0.1:8701"
  std::string state;      // alive, suspect, dead, left
  bool self = false;
  bool draining = false;
  std::uint32_t in_flight = 0;
  double load = 0;
  double capacity = 1;
  double bytes_per_second = 0;
  double disk_used_ratio = 0;
  std::uint32_t health = 0;
  std::uint64_t files = 0;     // copies that the catalogue says it holds
  std::uint32_t protocol = 0;  // the highest version of the protocol between nodes that it speaks
};
// What the files whose names begin so may have together, and have.
struct PrefixUse {
  std::string prefix;
  ByteCount limit;
  ByteCount used;
};
struct ClusterStatus {
  std::string self;
  std::string version;  // of the program
  bool in_touch = true;
  std::uint32_t copies_wanted = 0;
  std::uint32_t copies_durable = 0;
  std::uint64_t files = 0;
  std::uint64_t under_replicated = 0;
  std::uint64_t lost = 0;  // of these, files of which no node in reach has a copy
  std::uint64_t repairs_pending = 0;
  std::optional<ByteCount> max_file_size;  // nullopt: none
  ByteCount room;                          // how many bytes of objects this node would still take
  bool local = false;                      // `order_local` works here
  std::chrono::milliseconds trash{};       // how long removed files are kept; 0: not at all
  std::uint64_t open_files_max = 0;        // of this node's process; 0: unknown
  std::string fenced;  // why this node takes no writes until it is restarted; empty: it takes them
  std::vector<PrefixUse> prefix_quotas;
  std::vector<MemberStatus> members;
};

// Something that happened, for `/ws/cluster`; `kind` is member, file, repair, lost, redirect,
// refused or departure; or `missed_events`: others did not come, the state is to be read anew.
inline constexpr std::string_view missed_events = "missed";
struct ClusterEvent {
  std::string kind;
  std::string json;  // one JSON object with the event's own fields
  WallTime at{};     // by this node's clock
};
// Destroying it unsubscribes.
class Subscription {
 public:
  virtual ~Subscription() = default;
};

struct Readiness {
  bool ready = false;
  std::string reason;  // a sentence when not ready
};

// How far the reading of all copies of this node has come, or how far it came the last time.
struct ScrubStatus {
  static constexpr std::size_t damaged_told_max = 1000;
  bool running = false;
  std::uint64_t copies = 0;   // that there were when it began
  std::uint64_t checked = 0;  // of these
  ByteCount bytes;            // of all of them
  ByteCount bytes_checked;
  std::uint64_t damaged = 0;          // of those checked: repaired from others' copies
  std::vector<Digest> damaged_first;  // at most `damaged_told_max` of them
};

// What may be done to the processes of a local cluster, that of `chisme up`.
enum class LocalOrder { kill, start, stop, resume };

class Gateway {
 public:
  virtual ~Gateway() = default;

  // From this node's own catalogue, at once.
  [[nodiscard]] virtual Lookup lookup(std::string_view name) = 0;
  // Asks the other nodes for a name that is absent here (or older than the client has seen).
  virtual void lookup_everywhere(std::string name, Done<Lookup> done) = 0;
  // The holders that may serve it, best first.
  [[nodiscard]] virtual std::vector<Replica> replicas(FileInfo const& file) = 0;
  // The holder to redirect to, counted as a redirect. With `bounced`, never somewhere else again:
  // this node when it is a holder.
  [[nodiscard]] virtual std::optional<Replica> redirect(FileInfo const& file, bool bounced) = 0;
  // Whether this holder should send the request on (protocol.md, bounce), and where.
  [[nodiscard]] virtual std::optional<Replica> bounce(FileInfo const& file) = 0;
  [[nodiscard]] virtual std::optional<Replica> least_loaded_node() = 0;
  [[nodiscard]] virtual Listing list(std::string_view prefix, std::string_view after,
                                     std::size_t limit) = 0;
  // The same in any order, for those that match; may be a little older than `list`. Fault: busy.
  virtual void search(FileQuery query, FilePage page, Done<FoundFiles> done) = 0;
  // Of what is counted over all files `cluster` and `metrics` tell what the last `count_files`
  // found, or one that was done for somebody else. Counting takes its time with many files.
  virtual void count_files(Done<void> done) = 0;
  [[nodiscard]] virtual ClusterStatus cluster() = 0;
  [[nodiscard]] virtual Readiness readiness(bool for_writes) = 0;
  [[nodiscard]] virtual std::string metrics() = 0;  // Prometheus text format
  // Whether `origin` ("http://127.0.0.1:7702") is the page of a member of this cluster.
  [[nodiscard]] virtual bool knows_origin(std::string_view origin) = 0;

  virtual void begin_upload(UploadRequest request, Done<std::unique_ptr<Upload>> done) = 0;
  // Where removed files are kept for a while (base/expiry.hpp), it has a place there first.
  // Faults: not_found, precondition_failed, no_quorum, unknown_outcome; invalid (its name is too
  // long for the trash).
  virtual void remove(std::string name, Condition condition, Done<RemovedFile> done) = 0;
  // For good at once.
  virtual void remove_for_good(std::string name, Condition condition, Done<RemovedFile> done) {
    remove(std::move(name), std::move(condition), std::move(done));
  }
  // Gives the bytes of `file` a further name, that of `request`, where they are: nothing is sent.
  // Faults: those of Upload::finish; no_quorum also when fewer than W nodes that have the bytes are
  // in reach (then they can be uploaded all the same); unavailable (this gateway cannot).
  virtual void link(FileInfo, UploadRequest, Done<StoredFile> done) {
    done(fail(Fault::unavailable, "a file has one name here"));
  }
  [[nodiscard]] virtual Result<std::shared_ptr<OpenObject const>> open(Digest const& digest) = 0;
  // All bytes of a small local object, verified, if they are in memory; null otherwise.
  [[nodiscard]] virtual std::shared_ptr<std::string const> in_memory(Digest const&) {
    return nullptr;
  }
  [[nodiscard]] virtual std::unique_ptr<RemoteRead> relay(FileInfo const& file, ByteOffset offset,
                                                          ByteCount length) = 0;
  [[nodiscard]] virtual std::unique_ptr<Subscription> subscribe(
      std::function<void(ClusterEvent const&)> on_event) = 0;

  // This node hands its copies over and leaves the cluster. Again: it goes with what is left.
  virtual void leave() = 0;
  // It stays after all, unless it goes already.
  virtual void stay() {}

  // Begins to read all copies of this node and to compare them with their hashes, unless that goes
  // on already.
  virtual void scrub() {}
  [[nodiscard]] virtual ScrubStatus scrub_status() { return {}; }

  // Kills, starts, stops or continues the member at that address ("http://127.0.0.1:7702"), which
  // may be this node; a node that is to end itself may not come to answer. Faults: not_found (there
  // is no such node, or this is no local cluster), precondition_failed (it runs already, or does
  // not), busy, unavailable.
  virtual void order_local(LocalOrder, std::string, Done<void> done) {
    done(fail(Fault::not_found, "this node is not one of a local cluster, that of `chisme up`"));
  }

  // nullptr: this node knows no secret, so that no credential is valid here.
  [[nodiscard]] virtual Credentials* credentials() { return nullptr; }

  // This node's clock. The beginning of 1970, when nothing that is signed now is good, without one.
  [[nodiscard]] virtual WallTime now() { return WallTime{}; }

  // Load accounting: a request began and ended; bytes went out to a client.
  virtual void request_began() = 0;
  virtual void request_ended(bool own_fault) = 0;
  virtual void delivered(ByteCount bytes) = 0;
};

}  // namespace chisme::web
