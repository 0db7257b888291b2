#include "node/http/dav/store.hpp"

#include <algorithm>
#include <asio/redirect_error.hpp>
#include <asio/steady_timer.hpp>
#include <asio/use_awaitable.hpp>
#include <chrono>
#include <memory>
#include <random>

#include "node/clock.hpp"
#include "node/http/await.hpp"
#include "node/http/internal_files.hpp"
#include "node/http/resumable_uploads.hpp"
#include "web/dav/children.hpp"
#include "web/dav/paths.hpp"
#include "web/media_types.hpp"
#include "web/s3/attributes.hpp"

namespace chisme::node {
namespace {

namespace dav = web::dav;

constexpr std::size_t done_at_once = 16;
constexpr std::size_t copied_bytes_at_once = 256u << 10;
constexpr int lock_attempts = 10;
constexpr std::chrono::milliseconds lock_pause{5};

// Begins `count` calls, `done_at_once` at a time; `start` is given a number and a Done.
template <class T, class Start>
asio::awaitable<std::vector<Result<T>>> do_all(asio::io_context& loop, std::size_t count,
                                               Start start) {
  struct Answers {
    std::vector<Result<T>> results;
    std::size_t missing = 0;
  };
  auto const answers = std::make_shared<Answers>();
  answers->results.assign(count, tl::unexpected(Error{}));
  for (std::size_t begin = 0; begin < count; begin += done_at_once) {
    std::size_t const end = std::min(count, begin + done_at_once);
    answers->missing = end - begin;
    auto batch = [&](web::Done<void> done) {
      for (std::size_t i = begin; i < end; ++i) {
        start(i, web::Done<T>([answers, i, done](Result<T> result) {
                answers->results[i] = std::move(result);
                if (--answers->missing == 0) done({});
              }));
      }
    };
    co_await await_done<void>(loop, batch);
  }
  co_return std::move(answers->results);
}

DavStore::Resource known_resource(web::Gateway& gateway, std::string const& name,
                                  bool prefers_collection) {
  using Kind = DavStore::Kind;
  web::FileInfo file = name.empty() ? web::FileInfo{} : gateway.lookup(name).file;
  bool const is_file = !file.name.empty();
  if (is_file && !prefers_collection) return {Kind::file, std::move(file)};
  if (dav::is_collection(gateway, name)) {
    return {Kind::collection, gateway.lookup(dav::marker_name(name)).file};
  }
  return is_file ? DavStore::Resource{Kind::file, std::move(file)} : DavStore::Resource{};
}

web::UploadRequest request_for(DavStore::Naming const& wanted) {
  web::FileInfo const& file = wanted.file;
  web::UploadRequest request;
  request.name = wanted.to;
  request.type = web::s3::kept_type(file);
  request.expires = file.expires;
  request.size = file.size;
  request.condition.must_be_absent = wanted.must_be_new;
  if (wanted.goes) request.instead_of = file.name;
  return request;
}

Error out_of_touch() {
  return {Fault::unavailable, "this node is out of touch with most of its cluster"};
}

}  // namespace

// ---- Resources ---------------------------------------------------------------------------------

asio::awaitable<Result<DavStore::Resource>> DavStore::find(std::string name,
                                                           bool prefers_collection) {
  Resource known = known_resource(gateway_, name, prefers_collection);
  if (known.kind != Kind::absent) co_return known;
  std::vector<std::string> const names{name, dav::marker_name(name)};
  auto ask = [&](std::size_t i, web::Done<web::Lookup> done) {
    gateway_.lookup_everywhere(names[i], std::move(done));
  };
  auto const answers = co_await do_all<web::Lookup>(loop_, names.size(), ask);
  for (auto const& answer : answers) {
    if (!answer) co_return tl::unexpected(answer.error());
    if (!answer->file.name.empty()) continue;
    if (answer->status == web::LookupStatus::out_of_touch) {
      co_return tl::unexpected(out_of_touch());
    }
  }
  // What was found was put into this node's catalogue.
  if (!answers[0]->file.name.empty()) co_return Resource{Kind::file, answers[0]->file};
  if (!answers[1]->file.name.empty()) co_return Resource{Kind::collection, answers[1]->file};
  co_return Resource{};
}

asio::awaitable<Result<std::optional<web::FileInfo>>> DavStore::newest(std::string name) {
  auto ask = [&](web::Done<web::Lookup> done) {
    gateway_.lookup_everywhere(name, std::move(done));
  };
  auto const found = co_await await_done<web::Lookup>(loop_, ask);
  if (!found) co_return tl::unexpected(found.error());
  if (found->status == web::LookupStatus::out_of_touch) co_return tl::unexpected(out_of_touch());
  if (found->status == web::LookupStatus::found) co_return std::optional{found->file};
  co_return std::optional<web::FileInfo>{};  // or its copies are lost for good, and what they said
}

asio::awaitable<Result<void>> DavStore::make_collection(std::string name) {
  auto request = internal_file(dav::marker_name(name), {});
  auto const made = co_await put_small(loop_, gateway_, std::move(request), "");
  if (!made) co_return tl::unexpected(made.error());
  co_return Result<void>{};
}

// Unless somebody else was quicker.
asio::awaitable<Result<void>> DavStore::make_empty_file(std::string name) {
  web::UploadRequest request;
  request.type = web::media_type_of(name);
  request.name = std::move(name);
  request.condition.must_be_absent = true;
  auto const made = co_await put_small(loop_, gateway_, std::move(request), "");
  if (!made) co_return tl::unexpected(made.error());
  co_return Result<void>{};
}

// ---- Copies ------------------------------------------------------------------------------------

asio::awaitable<Result<void>> DavStore::copy(Namings files) {
  auto link = [&](std::size_t i, web::Done<web::StoredFile> done) {
    gateway_.link(files[i].file, request_for(files[i]), std::move(done));
  };
  auto const linked = co_await do_all<web::StoredFile>(loop_, files.size(), link);
  Result<void> all;
  for (std::size_t i = 0; i < files.size(); ++i) {
    Result<void> one;
    if (!linked[i]) one = tl::unexpected(linked[i].error());
    bool const may_be_sent =
        !one && (one.error().fault == Fault::no_quorum || one.error().fault == Fault::unavailable);
    if (may_be_sent) one = co_await copy_bytes(files[i]);
    if (!one && all) all = one;
  }
  co_return all;
}

asio::awaitable<Result<void>> DavStore::copy_bytes(Naming wanted) {
  auto request = request_for(wanted);
  auto const upload = co_await begin_upload(loop_, gateway_, std::move(request));
  if (!upload) co_return tl::unexpected(upload.error());
  auto const copied = co_await copy_into(wanted.file, *upload);
  if (!copied) co_return copied;
  auto finish = [&](web::Done<web::StoredFile> done) { (*upload)->finish(std::move(done)); };
  auto const stored = co_await await_done<web::StoredFile>(loop_, finish);
  if (!stored) co_return tl::unexpected(stored.error());
  co_return Result<void>{};
}

asio::awaitable<Result<void>> DavStore::copy_into(web::FileInfo file,
                                                  std::shared_ptr<web::Upload> into) {
  std::uint64_t left = file.size.value();
  std::vector<std::byte> buffer(std::min<std::uint64_t>(copied_bytes_at_once, left));
  std::shared_ptr<web::RemoteRead> const source = gateway_.relay(file, ByteOffset{0}, file.size);
  while (left > 0) {
    std::span<std::byte> const room{buffer};
    auto read = [&](web::Done<std::size_t> done) { source->read(room, std::move(done)); };
    auto const count = co_await await_done<std::size_t>(loop_, read);
    if (!count) co_return tl::unexpected(count.error());
    if (*count == 0) co_return fail(Fault::corrupt, "a file is cut short");
    std::span<std::byte const> const bytes = room.first(*count);
    auto write = [&](web::Done<void> done) { into->write(bytes, std::move(done)); };
    auto const written = co_await await_done<void>(loop_, write);
    if (!written) co_return written;
    left -= *count;
  }
  co_return Result<void>{};
}

asio::awaitable<std::vector<web::PrefixUse>> DavStore::quotas() {
  auto count = [&](web::Done<void> done) { gateway_.count_files(std::move(done)); };
  (void)co_await await_done<void>(loop_, count);
  co_return gateway_.cluster().prefix_quotas;
}

asio::awaitable<DavStore::Failures> DavStore::remove(Removals names) {
  auto start = [&](std::size_t i, web::Done<web::RemovedFile> done) {
    auto const& [name, condition, for_good] = names[i];
    if (for_good) return gateway_.remove_for_good(name, condition, std::move(done));
    gateway_.remove(name, condition, std::move(done));
  };
  auto const removed = co_await do_all<web::RemovedFile>(loop_, names.size(), start);
  Failures failures;
  for (std::size_t i = 0; i < names.size(); ++i) {
    bool const is_gone = removed[i] || removed[i].error().fault == Fault::not_found;
    if (!is_gone) failures.emplace_back(names[i].name, removed[i].error());
  }
  co_return failures;
}

// ---- Properties --------------------------------------------------------------------------------

asio::awaitable<Result<dav::DeadProperties>> DavStore::properties(std::string name,
                                                                  bool everywhere) {
  std::string const kept = dav::properties_name(name);
  std::optional<web::FileInfo> file;
  if (everywhere) {
    auto const asked = co_await newest(kept);
    if (!asked) co_return tl::unexpected(asked.error());
    file = *asked;
  } else if (auto const known = gateway_.lookup(kept); known.status == web::LookupStatus::found) {
    file = known.file;
  }
  if (!file) co_return dav::DeadProperties{};
  auto const text = co_await read_small(loop_, gateway_, *file);
  if (!text) co_return tl::unexpected(text.error());
  auto properties = dav::parse_dead_properties(*text);
  if (!properties) co_return fail(Fault::corrupt, "properties cannot be read");
  co_return std::move(*properties);
}

asio::awaitable<Result<void>> DavStore::keep(std::string name, dav::DeadProperties properties) {
  auto request = internal_file(dav::properties_name(name), {});
  auto json = dav::to_json(properties);
  auto const kept = co_await put_small(loop_, gateway_, std::move(request), std::move(json));
  if (!kept) co_return tl::unexpected(kept.error());
  co_return Result<void>{};
}

// ---- Locks -------------------------------------------------------------------------------------

asio::awaitable<Result<DavStore::Register>> DavStore::read_register() {
  auto const file = co_await newest(dav::locks_name());
  if (!file) co_return tl::unexpected(file.error());
  if (!*file) co_return Register{};
  if (read_.file && read_.file->version == (*file)->version) co_return read_;
  auto const text = co_await read_small(loop_, gateway_, **file);
  if (!text) co_return tl::unexpected(text.error());
  auto locks = dav::parse_locks(*text);
  if (!locks) co_return fail(Fault::corrupt, "the locks cannot be read");
  read_ = Register{*file, std::move(*locks)};
  co_return read_;
}

asio::awaitable<Result<dav::Locks>> DavStore::locks() {
  auto known = co_await read_register();
  if (!known) co_return tl::unexpected(known.error());
  co_return dav::in_force(std::move(known->locks), wall_now());
}

// The version of the turn that this call took; nullopt: another one was quicker.
asio::awaitable<Result<std::optional<std::string>>> DavStore::take_turn() {
  auto request = internal_file(dav::turn_name(), {});
  auto const taken = co_await put_small(loop_, gateway_, std::move(request), "");
  if (!taken) co_return tl::unexpected(taken.error());
  auto const holds = co_await has_turn(taken->version);
  if (!holds) co_return tl::unexpected(holds.error());
  co_return *holds ? std::optional{taken->version} : std::nullopt;
}

asio::awaitable<Result<bool>> DavStore::has_turn(std::string turn) {
  auto const file = co_await newest(dav::turn_name());
  if (!file) co_return tl::unexpected(file.error());
  co_return *file && (*file)->version == turn;
}

asio::awaitable<Result<void>> DavStore::change_locks(Change change) {
  asio::steady_timer pause(loop_);
  asio::error_code ignored;
  auto token = asio::redirect_error(asio::use_awaitable, ignored);
  std::random_device random;
  for (int attempt = 0; attempt < lock_attempts; ++attempt) {
    auto const changed = co_await change_in_turn(change, attempt > 0);
    if (!changed) co_return tl::unexpected(changed.error());
    if (*changed) co_return Result<void>{};
    pause.expires_after(lock_pause * (1 + random() % 8) * (1 + attempt));
    co_await pause.async_wait(token);
  }
  co_return fail(Fault::busy, "others take and give back locks all the time");
}

// False: it was not this one's turn, or is not any more, and what was stored may not count.
asio::awaitable<Result<bool>> DavStore::change_in_turn(Change change, bool again) {
  auto const turn = co_await take_turn();
  if (!turn) co_return tl::unexpected(turn.error());
  if (!*turn) co_return false;
  auto const known = co_await read_register();
  if (!known) co_return tl::unexpected(known.error());
  auto locks = dav::in_force(known->locks, wall_now());
  auto const changed = change(locks);
  if (!changed) co_return tl::unexpected(changed.error());
  // What an earlier attempt stored may be replaced yet by whoever overtook it.
  if (locks == known->locks && !again) co_return true;
  auto json = dav::to_json(locks);
  if (locks.size() > dav::locks_max || json.size() > dav::locks_bytes_max) {
    co_return fail(Fault::no_space, "there are as many locks as the cluster keeps");
  }
  auto request = internal_file(dav::locks_name(), {});
  request.version = **turn;
  auto const stored = co_await put_small(loop_, gateway_, std::move(request), std::move(json));
  if (!stored && stored.error().fault == Fault::precondition_failed) co_return false;
  if (!stored) co_return tl::unexpected(stored.error());
  co_return co_await has_turn(**turn);
}

}  // namespace chisme::node
