#include "node/cli/doctor_proof.hpp"

#include <algorithm>
#include <chrono>
#include <nlohmann/json.hpp>
#include <random>
#include <thread>
#include <vector>

#include "node/cli/answer_fields.hpp"
#include "node/cli/download.hpp"
#include "node/cli/store_file.hpp"
#include "node/storage/sha256.hpp"

namespace chisme::node::cli {
namespace {

using Json = nlohmann::json;
using Clock = std::chrono::steady_clock;
using namespace std::chrono_literals;

constexpr std::uint64_t probe_bytes = std::uint64_t{8} << 20;
constexpr std::uint64_t piece_bytes = std::uint64_t{64} << 10;
// So that the stream lasts about four seconds, as a film of 16 Mbit/s would.
constexpr auto piece_time = 31ms;
constexpr auto copies_patience = 60s;
constexpr auto stream_patience = 30s;
constexpr auto return_patience = 20s;
constexpr auto look_again = 50ms;

double seconds_since(Clock::time_point begun) {
  return std::chrono::duration<double>(Clock::now() - begun).count();
}

Result<HttpAnswer> succeed(Result<HttpAnswer> answer) {
  if (!answer || answer->is_success()) return answer;
  return tl::unexpected<Error>(problem_of(*answer));
}

class Prover {
 public:
  explicit Prover(HttpClient& client) : client_(client), everybody_(all_nodes(client), 5s) {
    everybody_.set_token(client.token());
  }
  Result<Proof> run();

 private:
  Result<void> store_probe();
  Result<void> choose_victim();
  Result<void> stream();
  Result<void> take_away();
  Result<HttpAnswer> order(std::string const& what);
  void bring_back();
  void await_copies();
  // The next piece from this node; true if it came.
  bool fetch(HttpClient& client, Origin const& node, std::uint64_t offset);
  Result<Json> ask_cluster();
  Result<Route> await_holders(std::size_t wanted, std::string const& besides);

  HttpClient& client_;
  HttpClient everybody_;
  std::string name_;
  std::vector<std::byte> probe_;
  std::vector<std::byte> received_;
  std::vector<Origin> holders_;
  Origin victim_;
  Origin other_;
  bool local_ = false;
  bool taken_ = false;
  std::size_t copies_ = 0;
  Clock::time_point taken_at_;
  Proof proof_;
};

Result<Json> Prover::ask_cluster() {
  HttpRequest request;
  request.target = "/cluster";
  auto const answer = succeed(everybody_.send(request));
  if (!answer) return tl::unexpected<Error>(answer.error());
  return Json::parse(answer->body, nullptr, false);
}

Result<void> Prover::store_probe() {
  std::random_device random;
  name_ = ".chisme-doctor/probe-" + std::to_string(random());
  probe_.resize(probe_bytes);
  std::mt19937_64 bytes{random()};
  for (std::byte& byte : probe_) byte = static_cast<std::byte>(bytes() & 0xff);
  HttpRequest request;
  request.method = "PUT";
  request.target = "/files/" + encode_path(name_);
  request.body_size = ByteCount{probe_.size()};
  request.open_body = [this]() -> Result<BodySource> {
    return [this, at = std::size_t{0}](std::span<std::byte> into) mutable -> Result<std::size_t> {
      std::size_t const count = std::min(into.size(), probe_.size() - at);
      std::copy_n(probe_.begin() + static_cast<std::ptrdiff_t>(at), count, into.begin());
      at += count;
      return count;
    };
  };
  auto const stored = succeed(everybody_.send(request));
  if (!stored) return tl::unexpected<Error>(stored.error());
  return {};
}

// Until so many nodes besides that one are told of as holders.
Result<Route> Prover::await_holders(std::size_t wanted, std::string const& besides) {
  auto const until = Clock::now() + copies_patience;
  for (;;) {
    auto route = ask_route(everybody_, name_);
    if (route) {
      auto const count = std::ranges::count_if(
          route->replicas, [&](Origin const& node) { return to_string(node) != besides; });
      if (static_cast<std::size_t>(count) >= wanted) return route;
    }
    if (Clock::now() >= until) {
      return fail(Fault::unavailable, "the probe does not get its " + std::to_string(wanted) +
                                          " copies within a minute");
    }
    std::this_thread::sleep_for(look_again);
  }
}

Result<void> Prover::choose_victim() {
  auto const cluster = ask_cluster();
  if (!cluster) return tl::unexpected<Error>(cluster.error());
  std::vector<Origin> alive;
  for (Json const& member : part_field(*cluster, "members")) {
    auto const at = parse_location(text_field(member, "http"));
    if (at && text_field(member, "state") == "alive") alive.push_back(at->origin);
  }
  if (alive.size() < 3) {
    return fail(Fault::invalid, "only " + std::to_string(alive.size()) +
                                    " nodes are alive: failover is proved with three or more");
  }
  local_ = flag_field(*cluster, "local");
  copies_ = std::min<std::size_t>(count_field(*cluster, "copies_wanted"), alive.size());
  if (copies_ < 2) return fail(Fault::invalid, "one copy of each file survives nothing");
  if (auto stored = store_probe(); !stored) return stored;
  auto const route = await_holders(copies_, "");
  if (!route) return tl::unexpected<Error>(route.error());
  holders_ = route->replicas;
  victim_ = holders_.front();
  other_ = holders_.back();
  proof_.victim = to_string(victim_);
  return {};
}

Result<void> Prover::take_away() {
  proof_.how = local_ ? "killed" : "hung up on";
  taken_ = true;
  taken_at_ = Clock::now();
  if (!local_) {
    std::erase(holders_, victim_);
    return {};
  }
  auto const done = succeed(order("kill"));
  if (!done) return tl::unexpected<Error>(done.error());
  return {};
}

// What `chisme up` does with the victim.
Result<HttpAnswer> Prover::order(std::string const& what) {
  HttpRequest request;
  request.method = "POST";
  request.target = "/cluster/local/" + what + "?http=" + encode_query(to_string(victim_));
  HttpClient asking({}, 10s);
  asking.set_token(client_.token());
  return asking.send_to(other_, request);
}

// And waits until it serves again, so that all is as it was.
void Prover::bring_back() {
  if (!taken_ || !local_ || !order("start")) return;
  HttpRequest request;
  request.target = "/readyz";
  HttpClient asking({}, 1s);
  for (auto const until = Clock::now() + return_patience; Clock::now() < until;) {
    if (succeed(asking.send_to(victim_, request))) return;
    std::this_thread::sleep_for(look_again);
  }
}

bool Prover::fetch(HttpClient& client, Origin const& node, std::uint64_t offset) {
  std::uint64_t const size = std::min(piece_bytes, probe_bytes - offset);
  HttpRequest request;
  request.target = "/files/" + encode_path(name_) + "?via=local";
  request.headers = {
      {"Range", "bytes=" + std::to_string(offset) + "-" + std::to_string(offset + size - 1)}};
  std::vector<std::byte> bytes;
  auto const answer = client.send_to(
      node, request, [&](web::Response const&, std::span<std::byte const> more) -> Result<void> {
        bytes.insert(bytes.end(), more.begin(), more.end());
        return {};
      });
  if (!answer || answer->head.status != 206 || bytes.size() != size) return false;
  received_.insert(received_.end(), bytes.begin(), bytes.end());
  return true;
}

// A player's stream: piece by piece from one node, and from the next when that one fails.
Result<void> Prover::stream() {
  HttpClient player({}, 1s);
  player.set_token(client_.token());
  std::size_t at = 0;
  auto last = Clock::now();
  while (received_.size() < probe_bytes) {
    if (!taken_ && received_.size() >= probe_bytes / 4) {
      if (auto taken = take_away(); !taken) return taken;
      last = Clock::now();
    }
    auto const begun = Clock::now();
    bool const came = fetch(player, holders_[at % holders_.size()], received_.size());
    if (!came) {
      ++at;
      if (Clock::now() - last > stream_patience) {
        return fail(Fault::unavailable, "the stream stood still for half a minute");
      }
      if (at % holders_.size() == 0) std::this_thread::sleep_for(look_again);
      continue;
    }
    if (taken_) proof_.gap_seconds = std::max(proof_.gap_seconds, seconds_since(last));
    last = Clock::now();
    std::this_thread::sleep_until(begun + piece_time);
  }
  proof_.bytes = received_.size();
  for (std::size_t i = 0; i < probe_.size(); ++i) {
    if (i >= received_.size() || probe_[i] != received_[i]) ++proof_.bytes_lost;
  }
  return {};
}

void Prover::await_copies() {
  if (!local_) {
    proof_.repair = "and no copy had to be made again, for that node lives";
    return;
  }
  auto const cluster = ask_cluster();
  std::size_t alive = 0;
  for (Json const& member : cluster ? part_field(*cluster, "members") : Json::array()) {
    if (text_field(member, "state") == "alive" && !flag_field(member, "draining")) ++alive;
  }
  if (alive < copies_) {
    proof_.repair = "there are not enough other nodes for as many copies";
    return;
  }
  auto const again = await_holders(copies_, proof_.victim);
  if (again) {
    proof_.repair_seconds = seconds_since(taken_at_);
  } else {
    proof_.repair = "the copies were not made again within a minute: --repair-delay is longer?";
  }
}

Result<Proof> Prover::run() {
  auto done = choose_victim().and_then([&] { return stream(); });
  if (done) await_copies();
  bring_back();
  if (!name_.empty()) {
    HttpRequest removal;
    removal.method = "DELETE";
    removal.target = "/files/" + encode_path(name_);
    auto const removed = everybody_.send(removal);
    bool const gone = removed && (removed->is_success() || removed->head.status == 404);
    if (done && !gone) {
      done = fail(Fault::io, "the probe " + name_ + " could not be removed: chisme rm " + name_);
    }
  }
  if (!done) return tl::unexpected<Error>(done.error());
  return proof_;
}

}  // namespace

Result<Proof> prove_failover(HttpClient& client) {
  return Prover{client}.run();
}

}  // namespace chisme::node::cli
