#include "node/cli/doctor_checks.hpp"

#include <netdb.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <memory>
#include <nlohmann/json.hpp>
#include <set>
#include <utility>

#include "node/cli/answer_fields.hpp"
#include "node/cli/text.hpp"
#include "node/storage/posix.hpp"
#include "web/http_date.hpp"

namespace chisme::node::cli {
namespace {

using Json = nlohmann::json;
using FindingState = Finding::State;
using SystemClock = std::chrono::system_clock;

// `Date` has whole seconds, and the question travels for a while.
constexpr double skew_seen_seconds = 3;
// Nodes follow each other's clocks by 30 s, and refuse what is 60 s ahead.
constexpr double skew_wrong_seconds = 30;
constexpr std::uint64_t open_files_wanted = 4096;
constexpr double disk_full_ratio = 0.9;  // from here on a node is given no copies
constexpr double disk_filling_ratio = 0.8;
constexpr int datagram_mtu = 1280;
constexpr std::chrono::hours certificate_soon{24 * 14};

struct Answer {
  Origin origin;
  Json cluster;
  double ahead_seconds = 0;
};

double seconds_between(SystemClock::time_point from, SystemClock::time_point to) {
  return std::chrono::duration<double>(to - from).count();
}

Result<Answer> ask(HttpClient& client, Origin const& origin) {
  HttpRequest request;
  request.target = "/cluster";
  auto const begun = SystemClock::now();
  auto const answer = client.send_to(origin, request);
  auto const ended = SystemClock::now();
  if (!answer) return tl::unexpected<Error>(answer.error());
  if (!answer->is_success()) return tl::unexpected<Error>(problem_of(*answer));
  Answer told{origin, Json::parse(answer->body, nullptr, false), 0};
  if (!told.cluster.is_object()) {
    return fail(Fault::io, to_string(origin) + " sent a status that is none");
  }
  auto const date = web::parse_http_date(answer->head.header("Date").value_or(""));
  if (date) {
    SystemClock::time_point const its{
        std::chrono::duration_cast<SystemClock::duration>(date->time_since_epoch())};
    auto const middle = begun + (ended - begun) / 2;
    told.ahead_seconds = seconds_between(middle, its) + 0.5;
  }
  return told;
}

Finding finding(char const* check, std::string node, FindingState state, std::string sentence) {
  return {check, std::move(node), state, std::move(sentence)};
}

void judge_cluster(Json const& cluster, std::vector<Finding>& found) {
  auto const count = [&](char const* key) { return count_field(cluster, key); };
  if (!flag_field(cluster, "in_touch", true)) {
    found.push_back(finding("touch", "", FindingState::wrong,
                            "the node that was asked does not see most of the others"));
  }
  for (Json const& member : part_field(cluster, "members")) {
    std::string const state = text_field(member, "state");
    if (state == "alive" || state == "left") continue;
    found.push_back(finding("members", printable(text_field(member, "http")), FindingState::warning,
                            "it is " + printable(state) +
                                ": start it again, or, if it is lost, "
                                "leave it: its copies are made again"));
  }
  if (count("lost") > 0) {
    found.push_back(finding("copies", "", FindingState::wrong,
                            counted(count("lost"), "file") +
                                " without a copy in reach: start "
                                "the nodes that held them, or import a backup"));
  }
  std::uint64_t const few = count("under_replicated");
  found.push_back(
      finding("copies", "", few > 0 ? FindingState::warning : FindingState::fine,
              few > 0 ? counted(few, "file") + " with fewer copies than wanted (" +
                            std::to_string(count("copies_wanted")) + ")"
                      : counted(count("files"), "file") + ", with the copies that are wanted"));
}

void judge_versions(std::vector<Answer> const& answers, std::vector<Finding>& found) {
  std::set<std::string> versions;
  for (Answer const& answer : answers) versions.insert(text_field(answer.cluster, "version"));
  std::string list;
  for (std::string const& version : versions)
    list += (list.empty() ? "" : ", ") + printable(version);
  found.push_back(
      finding("versions", "", versions.size() > 1 ? FindingState::warning : FindingState::fine,
              versions.size() > 1 ? "nodes run different versions (" + list + "): finish the update"
                                  : "all nodes run version " + list));
}

void judge_node(Answer const& answer, std::vector<Finding>& found) {
  std::string const node = to_string(answer.origin);
  std::uint64_t const files = count_field(answer.cluster, "open_files_max");
  if (files > 0 && files < open_files_wanted) {
    found.push_back(finding("files", node, FindingState::warning,
                            "it may open " + std::to_string(files) +
                                " files at a time; raise the "
                                "limit (LimitNOFILE=, ulimit -n) to " +
                                std::to_string(open_files_wanted) + " or more"));
  } else {
    found.push_back(finding("files", node, FindingState::fine,
                            "it may open " + std::to_string(files) + " files at a time"));
  }
  if (std::string const why = printable(text_field(answer.cluster, "fenced")); !why.empty()) {
    found.push_back(finding("disk", node, FindingState::wrong,
                            "its disk failed (" + why + "): mend it and start the node again"));
  }
  for (Json const& member : part_field(answer.cluster, "members")) {
    if (!flag_field(member, "self")) continue;
    double const used = real_field(member, "disk_used");
    FindingState const state = used >= disk_full_ratio      ? FindingState::wrong
                               : used >= disk_filling_ratio ? FindingState::warning
                                                            : FindingState::fine;
    found.push_back(finding(
        "disk", node, state,
        std::to_string(std::lround(used * 100)) + " % of its disk or quota is used, " +
            format_bytes(count_field(answer.cluster, "room")) + " are free" +
            (state == FindingState::fine ? ""
                                         : ": it gets no copies from 90 % on; add room or nodes")));
  }
}

// What the route to an address takes in one packet; 0: the system does not say.
int mtu_to(Origin const& peer) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_DGRAM;
  addrinfo* results = nullptr;
  if (::getaddrinfo(peer.host.c_str(), peer.port.c_str(), &hints, &results) != 0) return 0;
  std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)> const addresses(results, ::freeaddrinfo);
  Descriptor const socket{::socket(results->ai_family, SOCK_DGRAM | SOCK_CLOEXEC, 0)};
  if (::connect(socket.number(), results->ai_addr, results->ai_addrlen) != 0) return 0;
  bool const v6 = results->ai_family == AF_INET6;
  int mtu = 0;
  socklen_t size = sizeof mtu;
  int const got = ::getsockopt(socket.number(), v6 ? int{IPPROTO_IPV6} : int{IPPROTO_IP},
                               v6 ? IPV6_MTU : IP_MTU, &mtu, &size);
  return got == 0 ? mtu : 0;
}

void judge_peer_port(Json const& member, std::vector<Finding>& found) {
  std::string const told = text_field(member, "peer");
  auto const peer = parse_location("http://" + told);
  if (told.empty() || !peer) return;
  auto const connected = Connection::open(peer->origin, std::chrono::seconds{3});
  std::string const node = printable(text_field(member, "http"));
  if (!connected) {
    found.push_back(finding("peers", node, FindingState::wrong,
                            "its port for nodes, " + printable(told) +
                                ", cannot be reached from "
                                "here: open it in firewalls, TCP and UDP"));
    return;
  }
  int const mtu = mtu_to(peer->origin);
  bool const narrow = mtu > 0 && mtu < datagram_mtu;
  found.push_back(finding("peers", node, narrow ? FindingState::warning : FindingState::fine,
                          "its port for nodes, " + printable(told) + ", can be reached" +
                              (mtu > 0 ? ", in packets of " + std::to_string(mtu) + " bytes" : "") +
                              (narrow ? ": fewer than 1280, so that gossip goes in pieces" : "")));
}

void judge_certificate(Origin const& origin, std::vector<Finding>& found) {
  if (!origin.secure) return;
  auto const connection = Connection::open(origin, std::chrono::seconds{5});
  if (!connection) return;
  auto const left = connection->certificate_left();
  if (!left) return;
  auto const days = std::chrono::duration_cast<std::chrono::hours>(*left).count() / 24;
  bool const soon = *left < certificate_soon;
  found.push_back(finding("tls", to_string(origin),
                          soon ? FindingState::warning : FindingState::fine,
                          "its certificate is valid for " + std::to_string(days) + " days" +
                              (soon ? ": make a new one (chisme ca) and reload the node" : "")));
}

void judge_token(HttpClient& client, Origin const& origin, std::vector<Finding>& found) {
  HttpRequest request;
  request.target = "/access";
  auto const answer = client.send_to(origin, request);
  auto const access = answer ? Json::parse(answer->body, nullptr, false) : Json();
  std::string const role = printable(text_field(access, "role"));
  if (role.empty()) return;
  std::string const expires = printable(text_field(access, "expires"));
  found.push_back(finding("token", to_string(origin), FindingState::fine,
                          "access is " + printable(text_field(access, "access")) +
                              ", this command may do what " + role + " may" +
                              (expires.empty() ? "" : ", until " + expires)));
}

std::vector<Origin> origins_of_members(Json const& cluster) {
  std::vector<Origin> origins;
  for (Json const& member : part_field(cluster, "members")) {
    auto const at = parse_location(text_field(member, "http"));
    if (at && text_field(member, "state") == "alive") origins.push_back(at->origin);
  }
  return origins;
}

}  // namespace

char const* to_string(Finding::State state) {
  switch (state) {
    case FindingState::fine:
      return "fine";
    case FindingState::warning:
      return "warning";
    case FindingState::wrong:
      return "wrong";
  }
  return "wrong";
}

std::vector<Finding> judge_clocks(std::vector<ClockReading> const& readings) {
  std::vector<Finding> found;
  if (readings.empty()) return found;
  auto const [slowest, fastest] = std::ranges::minmax(readings, {}, &ClockReading::ahead_seconds);
  double const apart = fastest.ahead_seconds - slowest.ahead_seconds;
  FindingState const state = apart >= skew_wrong_seconds  ? FindingState::wrong
                             : apart >= skew_seen_seconds ? FindingState::warning
                                                          : FindingState::fine;
  std::string sentence =
      "clocks are at most " + std::to_string(std::lround(std::ceil(apart))) + " s apart";
  if (state != FindingState::fine) {
    sentence += " (" + slowest.node + " is the slowest, " + fastest.node +
                " the fastest): let all machines follow one time (chrony, systemd-timesyncd)";
  }
  found.push_back(finding("clock", "", state, std::move(sentence)));
  return found;
}

Result<std::vector<Finding>> examine(HttpClient& client) {
  Result<Answer> first = fail(Fault::invalid, "no node was named");
  for (Origin const& origin : client.nodes()) {
    if (first = ask(client, origin); first) break;
  }
  if (!first) return tl::unexpected<Error>(first.error());
  std::vector<Finding> found;
  judge_cluster(first->cluster, found);
  std::vector<Answer> answers;
  std::vector<ClockReading> clocks;
  for (Origin const& origin : origins_of_members(first->cluster)) {
    auto answer = ask(client, origin);
    if (!answer) {
      found.push_back(finding("clients", to_string(origin), FindingState::wrong,
                              "it lives, but does not answer here: " + answer.error().message));
      continue;
    }
    found.push_back(finding("clients", to_string(origin), FindingState::fine, "it answers"));
    clocks.push_back({to_string(origin), answer->ahead_seconds});
    answers.push_back(std::move(*answer));
  }
  for (Json const& member : part_field(first->cluster, "members")) {
    if (text_field(member, "state") == "alive") judge_peer_port(member, found);
  }
  for (Finding& one : judge_clocks(clocks)) found.push_back(std::move(one));
  judge_versions(answers, found);
  for (Answer const& answer : answers) {
    judge_node(answer, found);
    judge_certificate(answer.origin, found);
  }
  judge_token(client, first->origin, found);
  return found;
}

}  // namespace chisme::node::cli
