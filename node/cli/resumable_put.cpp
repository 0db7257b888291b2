#include "node/cli/resumable_put.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstdlib>
#include <thread>
#include <utility>

#include "node/storage/sha256.hpp"
#include "web/base64.hpp"

namespace chisme::node::cli {
namespace {

namespace fs = std::filesystem;
using Clock = std::chrono::steady_clock;

constexpr std::chrono::milliseconds pause{300};
// The last chunk's answer comes when the whole file is stored: a slow disk's pace.
constexpr std::uint64_t slow_bytes_per_second = 20'000'000;
// As long as the cluster keeps an upload that nobody goes on with.
constexpr std::chrono::hours kept_for{24};

std::string remembered(fs::path const& memory) {
  std::error_code error;
  auto const age = fs::file_time_type::clock::now() - fs::last_write_time(memory, error);
  if (memory.empty() || error || age > kept_for) return {};
  auto const upload = read_file(memory);
  return upload && upload->starts_with("/uploads/") ? *upload : std::string{};
}

std::string base64(std::string const& text) {
  return web::base64_encoded(
      std::span(reinterpret_cast<std::uint8_t const*>(text.data()), text.size()));
}

std::string metadata_of(ResumablePut::Options const& options) {
  std::string metadata = "filename " + base64(options.name);
  if (!options.type.empty()) metadata += ",filetype " + base64(options.type);
  if (!options.ttl.empty()) metadata += ",ttl " + base64(options.ttl);
  return metadata;
}

Error again(HttpAnswer const& answer) {
  return {Fault::unavailable, problem_of(answer).message, 0};
}

}  // namespace

BodySource reader(Descriptor const& file, std::string path, std::uint64_t from) {
  return [&file, path = std::move(path),
          at = from](std::span<std::byte> into) mutable -> Result<std::size_t> {
    ssize_t got = 0;
    do {
      got = ::pread(file.number(), into.data(), into.size(), static_cast<off_t>(at));
    } while (got < 0 && errno == EINTR);
    if (got < 0) return tl::unexpected<Error>(system_failure(errno, "reading " + path));
    at += static_cast<std::uint64_t>(got);
    return static_cast<std::size_t>(got);
  };
}

fs::path upload_memory(std::string const& path, std::string const& name) {
  char const* const state = std::getenv("XDG_STATE_HOME");
  char const* const home = std::getenv("HOME");
  fs::path const root = state != nullptr && *state != 0 ? fs::path{state}
                        : home != nullptr && *home != 0 ? fs::path{home} / ".local/state"
                                                        : fs::path{};
  struct stat found{};
  std::error_code error;
  fs::path const whole = fs::canonical(path, error);
  if (root.empty() || error || ::stat(path.c_str(), &found) != 0) return {};
  Sha256 print;
  std::string const text = whole.string() + '\0' + name + '\0' + std::to_string(found.st_size) +
                           '\0' + std::to_string(found.st_mtim.tv_sec) + '.' +
                           std::to_string(found.st_mtim.tv_nsec);
  print.update(std::as_bytes(std::span(text)));
  return root / "chisme/uploads" / to_hex(print.finish()).substr(0, 32);
}

ResumablePut::ResumablePut(Options options, Descriptor const& file)
    : options_(std::move(options)),
      file_(file),
      client_(options_.nodes, options_.node_patience),
      upload_(remembered(options_.memory)) {
  client_.set_token(options_.token);
}

Result<void> ResumablePut::run(std::function<void(std::uint64_t)> const& progress,
                               std::function<void(Origin const&, std::uint64_t)> const& moved) {
  progress_ = progress;
  auto moved_on = Clock::now();
  std::optional<Origin> before;
  while (offset_ != options_.size.value()) {
    auto const done = step();
    bool const failed_for_good = !done && done.error().fault != Fault::unavailable;
    bool const too_late = !done && Clock::now() - moved_on > patience(options_.patience);
    if (failed_for_good || too_late) return done;
    if (!done) {
      offset_.reset();
      std::this_thread::sleep_for(pause);
      continue;
    }
    if (!offset_) continue;
    progress_(*offset_);
    if (*offset_ > std::exchange(safe_, *offset_)) moved_on = Clock::now();
    if (before && before != taker_) moved(*taker_, *offset_);
    before = taker_;
  }
  std::error_code ignored;
  fs::remove(options_.memory, ignored);
  return {};
}

Result<void> ResumablePut::step() {
  if (upload_.empty()) return create();
  if (!offset_) return ask();
  return send_chunk();
}

Result<void> ResumablePut::create() {
  HttpRequest request;
  request.method = "POST";
  request.target = "/uploads";
  request.headers = {{"Upload-Length", std::to_string(options_.size.value())},
                     {"Upload-Metadata", metadata_of(options_)},
                     {"Content-Length", "0"}};
  auto const answer = send(std::move(request));
  if (!answer) return tl::unexpected<Error>(answer.error());
  auto const location = answer->head.header("Location");
  if (answer->head.status != 201 || !location) {
    return tl::unexpected<Error>(answer->head.status >= 500 ? again(*answer) : problem_of(*answer));
  }
  auto const at = parse_location(*location);
  upload_ = at ? at->target : std::string{*location};
  offset_ = 0;
  // What cannot be kept only makes a second command begin anew.
  if (options_.memory.empty() || !make_directories(options_.memory.parent_path())) return {};
  (void)replace_file(options_.memory, upload_);
  return {};
}

Result<void> ResumablePut::ask() {
  HttpRequest request;
  request.method = "HEAD";
  request.target = upload_;
  if (safe_ > 0) request.headers.push_back({"Upload-Offset", std::to_string(safe_)});
  auto const answer = send(std::move(request));
  if (!answer) return tl::unexpected<Error>(answer.error());
  return learn(*answer);
}

Result<void> ResumablePut::send_chunk() {
  std::uint64_t const from = *offset_;
  HttpRequest request;
  request.method = "PATCH";
  request.target = upload_;
  request.headers = {{"Upload-Offset", std::to_string(from)},
                     {"Content-Type", "application/offset+octet-stream"}};
  request.body_size = ByteCount{std::min(chunk_bytes, options_.size.value() - from)};
  all_sent_ = from + chunk_bytes >= options_.size.value();
  request.open_body = [&]() -> Result<BodySource> {
    return [this, source = reader(file_, options_.path, from),
            sent = from](std::span<std::byte> into) mutable {
      auto const got = source(into);
      if (got) progress_(sent += *got);
      return got;
    };
  };
  auto const answer = send(std::move(request));
  if (!answer) return tl::unexpected<Error>(answer.error());
  if (answer->head.status == 409) return tl::unexpected<Error>(again(*answer));
  return learn(*answer);
}

// What is safe, from an answer; an upload that the cluster knows no more is begun anew.
Result<void> ResumablePut::learn(HttpAnswer const& answer) {
  unsigned const status = answer.head.status;
  if (status == 404 || status == 410) {
    upload_.clear();
    safe_ = 0;
    offset_.reset();
    return {};
  }
  if (!answer.is_success()) {
    return tl::unexpected<Error>(status >= 500 ? again(answer) : problem_of(answer));
  }
  std::string_view const text = answer.head.header("Upload-Offset").value_or("");
  std::uint64_t offset = 0;
  auto const read = std::from_chars(text.data(), text.data() + text.size(), offset);
  if (text.empty() || read.ec != std::errc{} || offset > options_.size.value()) {
    return fail(Fault::io, to_string(answer.origin) + " answers as if the upload were another one");
  }
  offset_ = offset;
  return {};
}

// Once all was sent, the file is being made of its parts, as slowly as a disk may be.
std::chrono::milliseconds ResumablePut::patience(std::chrono::milliseconds otherwise) const {
  if (!all_sent_) return otherwise;
  return options_.patience + std::chrono::seconds{options_.size.value() / slow_bytes_per_second};
}

Result<HttpAnswer> ResumablePut::send(HttpRequest request) {
  request.headers.push_back({"Tus-Resumable", "1.0.0"});
  client_.set_patience(patience(options_.node_patience));
  auto answer = client_.send(request);
  if (answer) taker_ = answer->origin;
  return answer;
}

}  // namespace chisme::node::cli
