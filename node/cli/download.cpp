#include "node/cli/download.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <thread>
#include <utility>

namespace chisme::node::cli {
namespace {

constexpr std::chrono::milliseconds avoidance{1500};

std::string etag_of(Digest const& digest) {
  return "\"" + to_hex(digest) + "\"";
}

}  // namespace

Result<Route> ask_route(HttpClient& client, std::string const& name) {
  HttpRequest request;
  request.target = "/route?file=" + encode_query(name);
  auto const answer = client.send(request);
  if (!answer) return tl::unexpected<Error>(answer.error());
  if (!answer->is_success()) return tl::unexpected<Error>(problem_of(*answer));
  auto const json = nlohmann::json::parse(answer->body, nullptr, false);
  Route route;
  auto const digest =
      json.is_object() ? parse_digest(json.value("sha256", "")) : std::optional<Digest>{};
  if (!digest || !json.contains("size") || !json["size"].is_number_unsigned()) {
    return fail(Fault::io, to_string(answer->origin) + " sent a route that is none");
  }
  route.version = json.value("version", "");
  route.object = {*digest, ByteCount{json["size"].get<std::uint64_t>()}};
  for (auto const& replica : json.value("replicas", nlohmann::json::array())) {
    auto const at = parse_location(replica.value("http", ""));
    if (at) route.replicas.push_back(at->origin);
  }
  return route;
}

Download::Download(Options options, Route route, PartFile& part)
    : options_(std::move(options)), part_(part), route_(std::move(route)) {
  for (std::size_t block = 0; block < part_.block_count(); ++block) {
    if (!part_.has(block)) missing_.push_back(block);
  }
  present_ = part_.bytes_present();
}

Result<void> Download::run(std::function<void(std::uint64_t)> const& progress) {
  progress_ = progress;
  last_arrival_ = Clock::now();
  std::vector<std::thread> workers;
  std::size_t const count = std::min<std::size_t>(options_.connections, missing_.size());
  for (std::size_t i = 0; i < count; ++i) workers.emplace_back([this] { work(); });
  for (std::thread& worker : workers) worker.join();
  if (error_) return tl::unexpected<Error>(*error_);
  return {};
}

void Download::work() {
  HttpClient client({}, options_.holder_patience);
  client.set_token(options_.token);
  while (auto const task = next_task()) {
    auto const bytes = fetch(client, *task);
    if (bytes) {
      succeeded(*task, *bytes);
    } else {
      retry(*task);
    }
  }
}

// Waits for a block to fetch and a holder to fetch it from; nullopt when there is no more to do.
std::optional<Download::Task> Download::next_task() {
  std::unique_lock lock(mutex_);
  for (;;) {
    if (error_ || (missing_.empty() && in_flight_ == 0)) return std::nullopt;
    auto const now = Clock::now();
    if (now - last_arrival_ > options_.patience) {
      error_ = Error{Fault::unavailable,
                     "no holder of " + options_.name +
                         " answers: what has arrived is kept, so that "
                         "the same command goes on from there",
                     0};
      changed_.notify_all();
      return std::nullopt;
    }
    if (!missing_.empty()) {
      if (auto const holder = choose_holder(now)) {
        Task const task{missing_.front(), *holder};
        missing_.pop_front();
        ++in_flight_;
        ++busy_[task.holder];
        return task;
      }
    }
    changed_.wait_for(lock, std::chrono::milliseconds{100});
  }
}

// The one that sends the fewest blocks, the best ranked of those.
std::optional<Origin> Download::choose_holder(Clock::time_point now) const {
  Origin const* best = nullptr;
  unsigned fewest = 0;
  for (Origin const& holder : route_.replicas) {
    auto const avoided = avoided_until_.find(holder);
    if (avoided != avoided_until_.end() && now < avoided->second) continue;
    auto const at = busy_.find(holder);
    unsigned const sending = at == busy_.end() ? 0 : at->second;
    if (best != nullptr && sending >= fewest) continue;
    best = &holder;
    fewest = sending;
  }
  if (best == nullptr) return std::nullopt;
  return *best;
}

Result<std::vector<std::byte>> Download::fetch(HttpClient& client, Task const& task) {
  std::uint64_t const first = part_.offset_of(task.block).value();
  std::uint64_t const size = part_.size_of(task.block).value();
  HttpRequest request;
  request.target = "/files/" + encode_path(options_.name) + "?via=local";
  request.headers = {
      {"Range", "bytes=" + std::to_string(first) + "-" + std::to_string(first + size - 1)},
      {"If-Match", etag_of(route_.object.digest)}};
  std::vector<std::byte> bytes;
  bytes.reserve(size);
  auto const answer = client.send_to(
      task.holder, request,
      [&](web::Response const& head, std::span<std::byte const> more) -> Result<void> {
        if (head.status != 206 || head.header("ETag") != etag_of(route_.object.digest) ||
            bytes.size() + more.size() > size) {
          return fail(Fault::unavailable, to_string(task.holder) + " sends other bytes");
        }
        bytes.insert(bytes.end(), more.begin(), more.end());
        return {};
      });
  if (!answer) return tl::unexpected<Error>(answer.error());
  if (!answer->is_success()) return tl::unexpected<Error>(problem_of(*answer));
  if (bytes.size() != size) {
    return fail(Fault::unavailable, to_string(task.holder) + " sends too few bytes");
  }
  return bytes;
}

void Download::succeeded(Task const& task, std::span<std::byte const> bytes) {
  std::lock_guard const lock(mutex_);
  --in_flight_;
  --busy_[task.holder];
  if (auto const stored = part_.store(task.block, bytes); !stored && !error_) {
    error_ = stored.error();
  }
  present_ += bytes.size();
  last_arrival_ = Clock::now();
  progress_(present_);
  changed_.notify_all();
}

void Download::retry(Task const& task) {
  {
    std::lock_guard const lock(mutex_);
    --in_flight_;
    --busy_[task.holder];
    missing_.push_front(task.block);
    avoided_until_[task.holder] = Clock::now() + avoidance;
    changed_.notify_all();
  }
  ask_again();
}

// Any node knows the holders: those that were named, and those that hold the file.
void Download::ask_again() {
  std::vector<Origin> nodes = options_.nodes;
  {
    std::lock_guard const lock(mutex_);
    nodes.insert(nodes.end(), route_.replicas.begin(), route_.replicas.end());
  }
  HttpClient client(std::move(nodes), options_.holder_patience);
  client.set_token(options_.token);
  auto route = ask_route(client, options_.name);
  std::lock_guard const lock(mutex_);
  if (route && route->object.digest == route_.object.digest) {
    if (!route->replicas.empty()) route_.replicas = std::move(route->replicas);
  } else if (route && !error_) {
    error_ = Error{Fault::precondition_failed,
                   options_.name + " was replaced by another version: run the command again", 0};
  } else if (!route && !error_ &&
             (route.error().fault == Fault::not_found || route.error().fault == Fault::lost)) {
    error_ = route.error();
  }
  changed_.notify_all();
}

}  // namespace chisme::node::cli
