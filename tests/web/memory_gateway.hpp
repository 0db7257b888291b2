#pragma once

#include <openssl/sha.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <deque>
#include <functional>
#include <map>
#include <set>
#include <utility>

#include "cluster/base/check.hpp"
#include "web/gateway.hpp"
#include "web/s3/attributes.hpp"

namespace chisme::web {

inline Digest sha256_of(std::string_view bytes) {
  Digest digest;
  SHA256(reinterpret_cast<unsigned char const*>(bytes.data()), bytes.size(), digest.bytes.data());
  return digest;
}

// An object in a file of memory, so that its descriptor is real.
class MemoryObject final : public OpenObject {
 public:
  explicit MemoryObject(std::string_view bytes)
      : descriptor_(memfd_create("object", MFD_CLOEXEC)), size_(bytes.size()) {
    CHECK(descriptor_ >= 0);
    CHECK(::write(descriptor_, bytes.data(), bytes.size()) == std::ssize(bytes));
  }
  ~MemoryObject() override { ::close(descriptor_); }
  MemoryObject(MemoryObject const&) = delete;
  MemoryObject& operator=(MemoryObject const&) = delete;
  [[nodiscard]] int descriptor() const override { return descriptor_; }
  [[nodiscard]] ByteCount size() const override { return ByteCount{size_}; }

 private:
  int descriptor_;
  std::uint64_t size_;
};

// MemoryGateway is a whole node in memory: files in a map, uploads that count and hash, conditions,
// events. Public members are knobs for the faults of a real one. One thread owns it. What it made
// (uploads, reads, subscriptions) must not outlive it.
class MemoryGateway final : public Gateway {
 public:
  // Knobs.
  bool in_touch = true;
  bool quorum = true;
  int leaves = 0;  // how often it was told to leave
  int stays = 0;
  int scrubs = 0;
  ScrubStatus scrubbed;
  bool unknown_outcome = false;        // finishing an upload fails with it
  bool stores_silently = false;        // it does, and yet the file is stored
  std::optional<Fault> removal_fails;  // so, with nothing done
  std::optional<Fault> link_fails;     // so, with nothing done
  std::optional<ByteCount> max_file_size;
  std::uint64_t room = 0;                // that it tells
  bool local = false;                    // it is one of a local cluster
  std::uint64_t free_bytes = ~0ull;      // for one upload
  bool copies_gone = false;              // opening the node's own copies fails
  bool deferred = false;                 // completions wait for `run_later`
  std::size_t read_bytes_max = 1 << 16;  // of one RemoteRead::read
  std::vector<Replica> holders{{NodeId{0, 1}, "http://127.0.0.1:7701", 1.0, true}};
  std::optional<Replica> bounce_to;                    // for every file
  std::map<std::string, LookupStatus> absent_because;  // lost or out_of_touch, by name
  std::map<std::string, FileInfo> elsewhere;  // what `lookup_everywhere` finds besides `files`
  std::set<std::string> origins;
  Readiness for_reads{true, ""};
  // Called with the name as a write or removal of it begins: what others do at that moment.
  std::function<void(std::string const&)> meanwhile = [](std::string const&) {};
  WallTime clock{};              // what it says the time is
  Credentials* judge = nullptr;  // of what clients show; none: it knows no secret

  // What it holds, and what was done to it.
  std::map<std::string, FileInfo, std::less<>> files;
  std::map<Digest, std::string> objects;
  std::map<std::string, std::string> removed;  // the versions of tombstones
  std::vector<UploadRequest> uploads_begun;
  std::vector<std::pair<LocalOrder, std::string>> orders;
  int uploads_aborted = 0;
  int redirects = 0;
  int in_flight = 0;
  int own_faults = 0;
  ByteCount delivered_bytes;

  FileInfo& add(std::string const& name, std::string const& bytes, std::string const& type) {
    Digest const digest = sha256_of(bytes);
    objects[digest] = bytes;
    FileInfo info{.name = name,
                  .version = next_version(),
                  .size = ByteCount{bytes.size()},
                  .type = type,
                  .digest = digest,
                  .modified = WallTime{std::chrono::milliseconds{1'700'000'000'123}},
                  .copies = 2,
                  .wanted = 3,
                  .local = true};
    return files[name] = info;
  }
  void emit(ClusterEvent const& event) {
    auto const subscribers = subscribers_;
    for (auto const& [id, callback] : subscribers) {
      if (subscribers_.contains(id)) callback(event);
    }
  }
  // Runs the completions that `deferred` held back, and those that they cause.
  void run_later() {
    while (!later_.empty()) {
      auto const next = std::move(later_.front());
      later_.pop_front();
      next();
    }
  }

  Lookup lookup(std::string_view name) override {
    auto const reason = absent_because.find(std::string{name});
    auto const found = files.find(name);
    if (reason != absent_because.end()) {
      return {reason->second, found == files.end() ? FileInfo{} : found->second};
    }
    if (found == files.end())
      return {in_touch ? LookupStatus::absent : LookupStatus::out_of_touch, {}};
    return {LookupStatus::found, found->second};
  }
  void lookup_everywhere(std::string name, Done<Lookup> done) override {
    auto const found = elsewhere.find(name);
    Lookup const answer =
        found == elsewhere.end() ? lookup(name) : Lookup{LookupStatus::found, found->second};
    complete(std::move(done), Result<Lookup>{answer});
  }
  std::vector<Replica> replicas(FileInfo const&) override { return holders; }
  std::optional<Replica> redirect(FileInfo const&, bool bounced) override {
    if (bounced) {
      for (Replica const& holder : holders) {
        if (holder.self) return holder;
      }
    }
    if (holders.empty()) return std::nullopt;
    ++redirects;
    return holders.front();
  }
  std::optional<Replica> bounce(FileInfo const&) override { return bounce_to; }
  std::optional<Replica> least_loaded_node() override {
    return holders.empty() ? std::nullopt : std::optional{holders.front()};
  }
  Listing list(std::string_view prefix, std::string_view after, std::size_t limit) override {
    Listing listing;
    for (auto file = files.upper_bound(after); file != files.end(); ++file) {
      if (!file->first.starts_with(prefix)) continue;
      if (listing.files.size() == limit) {
        listing.next = listing.files.back().name;
        break;
      }
      listing.files.push_back(file->second);
    }
    return listing;
  }
  void search(FileQuery query, FilePage page, Done<FoundFiles> done) override {
    NameMatcher matcher{query.words};
    auto const place = [&](FileInfo const& file) {
      return FilePlace{sort_value(query.sort, file.size, file.modified), file.name};
    };
    FoundFiles found;
    for (auto const& [name, file] : files) {
      if (name.starts_with('\x01') || !name.starts_with(query.prefix) || !matcher.matches(name))
        continue;
      found.total += 1;
      auto const after = page.after ? parse_place(query.sort, *page.after) : std::nullopt;
      if (!after || comes_before(query, *after, place(file))) found.files.push_back(file);
    }
    std::ranges::sort(found.files, [&](FileInfo const& a, FileInfo const& b) {
      return comes_before(query, place(a), place(b));
    });
    auto const skipped = std::min<std::uint64_t>(page.offset, found.files.size());
    found.files.erase(found.files.begin(),
                      found.files.begin() + static_cast<std::ptrdiff_t>(skipped));
    found.more = found.files.size() > page.limit;
    found.files.resize(std::min(found.files.size(), page.limit));
    complete(std::move(done), Result<FoundFiles>{std::move(found)});
  }
  void count_files(Done<void> done) override { complete(std::move(done), Result<void>{}); }
  ClusterStatus cluster() override {
    ClusterStatus status;
    status.self = "00000000000000000000000000000001";
    status.version = "0.1.0";
    status.in_touch = in_touch;
    status.files = files.size();
    status.max_file_size = max_file_size;
    status.room = ByteCount{room};
    status.local = local;
    for (Replica const& holder : holders) {
      MemberStatus member{.node = to_string(holder.node), .http = holder.http, .state = "alive"};
      member.self = holder.self;
      member.load = holder.load;
      status.members.push_back(member);
    }
    if (has_left) {
      status.members.push_back({.node = status.self, .http = {}, .state = "left", .self = true});
    }
    return status;
  }
  Readiness readiness(bool for_writes) override {
    if (for_writes && !quorum) return {false, "fewer than two nodes are in reach"};
    return for_reads;
  }
  void leave() override { ++leaves; }
  void stay() override { ++stays; }
  bool has_left = false;  // this node has said farewell
  void scrub() override { ++scrubs; }
  ScrubStatus scrub_status() override { return scrubbed; }
  void order_local(LocalOrder order, std::string http, Done<void> done) override {
    if (!local) return Gateway::order_local(order, std::move(http), std::move(done));
    bool const known =
        std::ranges::any_of(holders, [&](Replica const& one) { return one.http == http; });
    if (!known) {
      return complete(std::move(done), Result<void>{fail(Fault::not_found, "there is none")});
    }
    orders.emplace_back(order, std::move(http));
    complete(std::move(done), Result<void>{});
  }
  std::string metrics() override { return "chisme_up 1\n"; }
  bool knows_origin(std::string_view origin) override {
    return origins.contains(std::string{origin});
  }

  void begin_upload(UploadRequest request, Done<std::unique_ptr<Upload>> done) override;
  void remove(std::string name, Condition condition, Done<RemovedFile> done) override {
    meanwhile(name);
    auto const found = files.find(name);
    Result<RemovedFile> result = RemovedFile{};
    if (removal_fails) {
      result = fail(*removal_fails, "it cannot be removed");
    } else if (!quorum) {
      result = fail(Fault::no_quorum, "fewer than two nodes are in reach");
    } else if (found == files.end()) {
      result = fail(Fault::not_found, "there is no file " + name);
    } else if (!allows(condition, name)) {
      result = fail(Fault::precondition_failed, "the file is another one by now");
    } else {
      removed[name] = result->version = next_version();
      files.erase(found);
    }
    complete(std::move(done), std::move(result));
  }
  void link(FileInfo of, UploadRequest request, Done<StoredFile> done) override {
    meanwhile(request.name);
    Result<StoredFile> result;
    if (link_fails) {
      result = fail(*link_fails, "it cannot be given another name");
    } else if (!quorum || copies_gone || !objects.contains(of.digest)) {
      result = fail(Fault::no_quorum, "fewer than two nodes that have the bytes are in reach");
    } else if (!allows(request.condition, request.name)) {
      result = fail(Fault::precondition_failed, "the file is another one by now");
    } else {
      bool const created = !files.contains(request.name);
      auto const kept = s3::split_type(request.type);
      FileInfo& file = add(request.name, objects.at(of.digest), std::string{kept.type});
      file.attributes = kept.attributes;
      file.expires = request.expires;
      result = stored_as(file);
      result->created = created;
    }
    complete(std::move(done), std::move(result));
  }
  Result<std::shared_ptr<OpenObject const>> open(Digest const& digest) override {
    auto const found = objects.find(digest);
    if (copies_gone || found == objects.end()) {
      return fail(Fault::not_found, "there is no such object here");
    }
    return std::make_shared<MemoryObject>(found->second);
  }
  std::unique_ptr<RemoteRead> relay(FileInfo const& file, ByteOffset offset,
                                    ByteCount length) override;
  std::unique_ptr<Subscription> subscribe(
      std::function<void(ClusterEvent const&)> on_event) override;

  Credentials* credentials() override { return judge; }
  WallTime now() override { return clock; }

  void request_began() override { ++in_flight; }
  void request_ended(bool own_fault) override {
    --in_flight;
    own_faults += own_fault ? 1 : 0;
  }
  void delivered(ByteCount bytes) override { delivered_bytes += bytes; }

  [[nodiscard]] bool allows(Condition const& condition, std::string const& name) const {
    auto const found = files.find(name);
    bool const exists = found != files.end();
    auto const is_current = [&](Digest const& digest) {
      return exists && found->second.digest == digest;
    };
    auto const any = [&](std::vector<Digest> const& digests) {
      return std::any_of(digests.begin(), digests.end(), is_current);
    };
    if (condition.must_be_absent && exists) return false;
    if (condition.must_exist && !exists) return false;
    if (!condition.must_match.empty() && !any(condition.must_match)) return false;
    return !any(condition.must_not_match);
  }

  // Of a file or its tombstone; empty when there never was one.
  [[nodiscard]] std::string newest_version(std::string const& name) const {
    auto const file = files.find(name);
    if (file != files.end()) return file->second.version;
    auto const tombstone = removed.find(name);
    return tombstone == removed.end() ? std::string{} : tombstone->second;
  }

 private:
  class MemoryUpload;
  class MemoryRead;
  class MemorySubscription;

  template <class T>
  void complete(Done<T> done, Result<T> result) {
    if (!deferred) return done(std::move(result));
    auto const held = std::make_shared<Result<T>>(std::move(result));
    later_.push_back([done = std::move(done), held] { done(std::move(*held)); });
  }
  static StoredFile stored_as(FileInfo const& file) {
    StoredFile result;
    result.name = file.name;
    result.version = file.version;
    result.size = file.size;
    result.digest = file.digest;
    result.copies = {"00000000000000000000000000000001", "00000000000000000000000000000002"};
    result.wanted = 3;
    return result;
  }
  std::string next_version() {
    std::string const digits = std::to_string(++writes_);
    return std::string(16 - digits.size(), '0') + digits + "-00000000000000000000000000000001";
  }

  std::uint64_t writes_ = 0;
  int subscriptions_ = 0;
  std::map<int, std::function<void(ClusterEvent const&)>> subscribers_;
  std::deque<std::function<void()>> later_;
};

class MemoryGateway::MemoryUpload final : public Upload {
 public:
  MemoryUpload(MemoryGateway& gateway, UploadRequest request)
      : gateway_(gateway), request_(std::move(request)) {}
  ~MemoryUpload() override { gateway_.uploads_aborted += finished_ ? 0 : 1; }
  MemoryUpload(MemoryUpload const&) = delete;
  MemoryUpload& operator=(MemoryUpload const&) = delete;

  void write(std::span<std::byte const> bytes, Done<void> done) override {
    Result<void> result;
    if (bytes_.size() + bytes.size() > gateway_.free_bytes) {
      result = fail(Fault::no_space, "the disk is full");
    } else {
      bytes_.append(reinterpret_cast<char const*>(bytes.data()), bytes.size());
    }
    gateway_.complete(std::move(done), std::move(result));
  }
  void retype(std::string type) override { request_.type = std::move(type); }
  void finish(Done<StoredFile> done) override {
    finished_ = true;
    gateway_.complete(std::move(done), stored());
  }

 private:
  Result<StoredFile> stored() {
    if (!gateway_.quorum) return fail(Fault::no_quorum, "fewer than two nodes are in reach");
    if (gateway_.unknown_outcome) return fail(Fault::unknown_outcome, "the others fell silent");
    if (request_.size && request_.size->value() < bytes_.size()) {
      return fail(Fault::too_large, "these are more bytes than were announced");
    }
    if (request_.expected && *request_.expected != sha256_of(bytes_)) {
      return fail(Fault::digest_mismatch, "the bytes are not those that were announced");
    }
    if (!gateway_.allows(request_.condition, request_.name)) {
      return fail(Fault::precondition_failed, "the file is another one by now");
    }
    if (request_.version && gateway_.newest_version(request_.name) > *request_.version) {
      return fail(Fault::precondition_failed, "there is a newer version");
    }
    bool const created = !gateway_.files.contains(request_.name);
    auto const kept = s3::split_type(request_.type);
    FileInfo& file = gateway_.add(request_.name, bytes_, std::string{kept.type});
    file.attributes = kept.attributes;
    if (request_.version) file.version = *request_.version;
    if (gateway_.stores_silently) return fail(Fault::unknown_outcome, "the others fell silent");
    StoredFile result = stored_as(file);
    result.created = created;
    return result;
  }

  MemoryGateway& gateway_;
  UploadRequest request_;
  std::string bytes_;
  bool finished_ = false;
};

class MemoryGateway::MemoryRead final : public RemoteRead {
 public:
  MemoryRead(MemoryGateway& gateway, std::string bytes)
      : gateway_(gateway), bytes_(std::move(bytes)) {}
  void read(std::span<std::byte> into, Done<std::size_t> done) override {
    std::size_t const count = std::min({into.size(), gateway_.read_bytes_max, bytes_.size() - at_});
    if (count > 0) std::memcpy(into.data(), bytes_.data() + at_, count);
    at_ += count;
    gateway_.complete(std::move(done), Result<std::size_t>{count});
  }

 private:
  MemoryGateway& gateway_;
  std::string bytes_;
  std::size_t at_ = 0;
};

class MemoryGateway::MemorySubscription final : public Subscription {
 public:
  MemorySubscription(MemoryGateway& gateway, int id) : gateway_(gateway), id_(id) {}
  ~MemorySubscription() override { gateway_.subscribers_.erase(id_); }
  MemorySubscription(MemorySubscription const&) = delete;
  MemorySubscription& operator=(MemorySubscription const&) = delete;

 private:
  MemoryGateway& gateway_;
  int id_;
};

inline void MemoryGateway::begin_upload(UploadRequest request, Done<std::unique_ptr<Upload>> done) {
  meanwhile(request.name);
  uploads_begun.push_back(request);
  Result<std::unique_ptr<Upload>> result;
  if (!quorum) {
    result = fail(Fault::no_quorum, "fewer than two nodes are in reach");
  } else if (request.size && request.size->value() > free_bytes) {
    result = fail(Fault::no_space, "the disk is full");
  } else {
    result = std::make_unique<MemoryUpload>(*this, std::move(request));
  }
  complete(std::move(done), std::move(result));
}

inline std::unique_ptr<RemoteRead> MemoryGateway::relay(FileInfo const& file, ByteOffset offset,
                                                        ByteCount length) {
  auto const found = objects.find(file.digest);
  std::string const bytes = found == objects.end() ? std::string{} : found->second;
  std::size_t const from = std::min<std::size_t>(offset.value(), bytes.size());
  return std::make_unique<MemoryRead>(*this, bytes.substr(from, length.value()));
}

inline std::unique_ptr<Subscription> MemoryGateway::subscribe(
    std::function<void(ClusterEvent const&)> on_event) {
  int const id = ++subscriptions_;
  subscribers_[id] = std::move(on_event);
  return std::make_unique<MemorySubscription>(*this, id);
}

}  // namespace chisme::web
