#include "node/metrics.hpp"

#include <prometheus/metric_family.h>
#include <prometheus/text_serializer.h>

#include <algorithm>
#include <array>
#include <limits>
#include <string_view>
#include <utility>
#include <vector>

#include "node/log.hpp"
#include "node/version.hpp"
#include "node/view_queries.hpp"

namespace chisme::node {
namespace {

using prometheus::ClientMetric;
using prometheus::MetricFamily;
using prometheus::MetricType;
using Labels = std::vector<ClientMetric::Label>;

// The families that are written down, in order.
class Families {
 public:
  void begin(MetricType type, std::string_view name, std::string_view help) {
    families_.push_back({std::string{name}, std::string{help}, type, {}});
  }
  // A value of the family begun last.
  void value(double number, Labels labels = {}) {
    ClientMetric& metric = add(std::move(labels));
    metric.counter.value = number;
    metric.gauge.value = number;
  }
  void value(std::uint64_t number, Labels labels = {}) {
    value(static_cast<double>(number), std::move(labels));
  }
  ClientMetric& add(Labels labels) {
    ClientMetric metric;
    metric.label = std::move(labels);
    return families_.back().metric.emplace_back(std::move(metric));
  }
  template <class Number>
  void counter(std::string_view name, std::string_view help, Number number) {
    begin(MetricType::Counter, name, help);
    value(number);
  }
  template <class Number>
  void gauge(std::string_view name, std::string_view help, Number number) {
    begin(MetricType::Gauge, name, help);
    value(number);
  }
  void append(std::vector<MetricFamily> more) {
    for (MetricFamily& family : more) families_.push_back(std::move(family));
  }
  // A family that has no values yet says nothing.
  [[nodiscard]] std::string text() {
    std::erase_if(families_, [](MetricFamily const& family) { return family.metric.empty(); });
    return prometheus::TextSerializer{}.Serialize(families_);
  }

 private:
  std::vector<MetricFamily> families_;
};

constexpr std::array<std::string_view, ClientCounters::methods> method_names{
    "GET",       "HEAD",  "PUT",  "POST", "DELETE", "PATCH",  "OPTIONS", "PROPFIND",
    "PROPPATCH", "MKCOL", "COPY", "MOVE", "LOCK",   "UNLOCK", "other"};
static_assert(method_names.back() == "other");
constexpr std::array<std::string_view, ClientCounters::status_classes> status_names{
    "none", "1xx", "2xx", "3xx", "4xx", "5xx"};
constexpr std::array<std::string_view, refused_kinds> refused_names{
    "connections", "connections_of_address",
    "rate",        "last_connections",
    "memory",      "unencrypted",
    "slow",        "timeout"};
constexpr std::array<std::string_view, peer_drops> drop_names{"too_long", "not_sent", "stranger",
                                                              "malformed"};
constexpr std::array<std::string_view, redirect_reasons> redirect_names{"no_copy", "load", "busy",
                                                                        "page"};

// What the loops counted together in one place: `of` finds it in one loop's.
template <class Of>
std::uint64_t added_up(NodeFigures const& figures, Of of) {
  std::uint64_t all = 0;
  for (auto const& loop : figures.loops()) all += of(*loop).value();
  return all;
}

std::string label_of(web::RouteClass route) {
  return std::string{web::to_string(route)};
}

// Those that happened: all that could would be hundreds of lines of 0.
void write_answers(Families& out, NodeFigures const& figures) {
  out.begin(MetricType::Counter, "chisme_http_requests_total",
            "Requests by what they are about, method and class of the answer's status; none: the "
            "connection ended without one.");
  for (std::size_t route = 0; route < web::route_classes; ++route) {
    for (std::size_t method = 0; method < ClientCounters::methods; ++method) {
      for (std::size_t status = 0; status < ClientCounters::status_classes; ++status) {
        auto const answers =
            added_up(figures, [&](ClientCounters const& loop) -> LoopCounter const& {
              return loop.answers[route][method][status];
            });
        if (answers == 0) continue;
        out.value(answers, {{"route", label_of(static_cast<web::RouteClass>(route))},
                            {"method", std::string{method_names[method]}},
                            {"status", std::string{status_names[status]}}});
      }
    }
  }
}

void write_first_byte(Families& out, NodeFigures const& figures, std::size_t route,
                      std::size_t kind) {
  constexpr auto& bounds = ClientCounters::first_byte_bounds;
  prometheus::ClientMetric::Histogram histogram;
  for (std::size_t bucket = 0; bucket < ClientCounters::buckets; ++bucket) {
    histogram.sample_count +=
        added_up(figures, [&](ClientCounters const& loop) -> LoopCounter const& {
          return loop.first_bytes[route][kind].requests[bucket];
        });
    double const bound =
        bucket < bounds.size() ? bounds[bucket] : std::numeric_limits<double>::infinity();
    histogram.bucket.push_back({histogram.sample_count, bound});
  }
  if (histogram.sample_count == 0) return;
  auto const waited = added_up(figures, [&](ClientCounters const& loop) -> LoopCounter const& {
    return loop.first_bytes[route][kind].nanoseconds;
  });
  histogram.sample_sum = static_cast<double>(waited) / 1e9;
  out.add({{"route", label_of(static_cast<web::RouteClass>(route))},
           {"kind", kind == 0 ? "read" : "write"}})
      .histogram = std::move(histogram);
}

void write_first_bytes(Families& out, NodeFigures const& figures) {
  out.begin(MetricType::Histogram, "chisme_http_first_byte_seconds",
            "Time from the end of a request's head to the first byte of its answer: of writes, "
            "with the time that the body took.");
  for (std::size_t route = 0; route < web::route_classes; ++route) {
    for (std::size_t kind = 0; kind < 2; ++kind) write_first_byte(out, figures, route, kind);
  }
}

void write_clients(Families& out, NodeFigures const& figures) {
  out.gauge("chisme_connections", "Connections of clients that are open.", figures.connections());
  out.counter("chisme_connections_accepted_total", "Connections of clients that were taken.",
              added_up(figures, [](ClientCounters const& loop) -> LoopCounter const& {
                return loop.connections;
              }));
  out.begin(MetricType::Counter, "chisme_http_refused_total",
            "Connections and requests that were turned away or cut off, by why.");
  for (std::size_t why = 0; why < refused_kinds; ++why) {
    out.value(added_up(figures,
                       [&](ClientCounters const& loop) -> LoopCounter const& {
                         return loop.refused[why];
                       }),
              {{"reason", std::string{refused_names[why]}}});
  }
  out.begin(MetricType::Counter, "chisme_tls_handshakes_total",
            "Handshakes with clients, by how they ended.");
  out.value(
      added_up(figures,
               [](ClientCounters const& loop) -> LoopCounter const& { return loop.handshakes; }),
      {{"result", "done"}});
  out.value(added_up(figures,
                     [](ClientCounters const& loop) -> LoopCounter const& {
                       return loop.handshakes_failed;
                     }),
            {{"result", "failed"}});
}

void write_requests(Families& out, LoadCounters const& counters) {
  out.counter("chisme_requests_total", "Client requests begun.", counters.requests.load());
  out.counter("chisme_request_faults_total",
              "Client requests that failed by this node's own fault.", counters.own_faults.load());
  out.gauge("chisme_requests_in_flight", "Client requests being served.",
            std::uint64_t{counters.in_flight.load()});
  out.counter("chisme_delivered_bytes_total", "Bytes of files sent to clients.",
              counters.bytes_delivered.load());
  out.counter("chisme_received_bytes_total", "Bytes of files received from clients.",
              counters.bytes_received.load());
  out.counter("chisme_uploads_total", "Uploads begun.", counters.uploads.load());
  out.counter("chisme_uploads_acknowledged_total",
              "Uploads that were stored on as many nodes as a write needs.",
              counters.uploads_acknowledged.load());
  out.counter("chisme_upload_failures_total", "Uploads that were not stored.",
              counters.uploads_failed.load());
  out.begin(MetricType::Counter, "chisme_redirects_total",
            "Clients sent to another node, by why: no copy is here, others have less to do, this "
            "one has too much to do, the page was asked for.");
  for (std::size_t why = 0; why < redirect_reasons; ++why) {
    out.value(counters.redirects[why].load(), {{"reason", std::string{redirect_names[why]}}});
  }
}

void write_copies(Families& out, LoadCounters const& counters) {
  out.counter("chisme_peer_sent_bytes_total",
              "Bytes of objects that other nodes pulled from this one.",
              counters.bytes_to_peers.load());
  out.counter("chisme_verified_bytes_total",
              "Bytes of copies read again to compare them with their hashes.",
              counters.bytes_verified.load());
  out.counter("chisme_copies_verified_total", "Copies that were read and are intact.",
              counters.copies_verified.load());
  out.counter("chisme_copies_corrupt_total",
              "Copies that had changed, were cut short or could not be read.",
              counters.copies_corrupt.load());
  out.counter("chisme_copies_removed_total", "Copies removed as no longer wanted.",
              counters.copies_removed.load());
}

void write_members(Families& out, cluster::ClusterView const& view) {
  out.begin(MetricType::Gauge, "chisme_members", "Members as this node sees them, by state.");
  using enum cluster::MemberState;
  for (cluster::MemberState const state : {alive, suspect, dead, left}) {
    auto const number = std::ranges::count(view.members, state, &cluster::MemberView::state);
    out.value(static_cast<std::uint64_t>(number), {{"state", to_string(state)}});
  }
  out.gauge("chisme_in_touch", "1 when in touch with a majority of the members.",
            std::uint64_t{view.in_touch});
  out.gauge("chisme_copies_wanted", "Copies of a file that are wanted, R.",
            std::uint64_t{view.copies_wanted});
  out.gauge("chisme_copies_durable", "Copies that a write waits for, W.",
            std::uint64_t{view.copies_durable});
}

void write_files(Families& out, MetricSources const& from) {
  cluster::ClusterView const& view = from.view;
  Census::Count const& count = from.count;
  out.gauge("chisme_files", "Files in the catalogue.",
            std::uint64_t{view.catalogue.size()} -
                std::min<std::uint64_t>(count.internal, view.catalogue.size()));
  auto const own = count.copies.find(view.self);
  out.gauge("chisme_copies", "Copies that this node holds.",
            own == count.copies.end() ? std::uint64_t{0} : own->second);
  out.gauge("chisme_files_under_replicated", "Files with fewer copies than wanted.",
            count.under_replicated);
  out.gauge("chisme_files_lost", "Files of which no node in reach has a copy.", count.lost);
  out.gauge("chisme_repairs_pending", "Copies queued or being made.", view.repairs_pending);
  out.gauge("chisme_repairs_running", "Copies that this node is fetching.",
            std::uint64_t{from.transfers});
}

void write_storage(Families& out, MetricSources const& from) {
  out.gauge("chisme_fenced", "1 when the disk failed to sync: no writes until a restart.",
            std::uint64_t{from.fenced});
  out.gauge("chisme_stored_bytes",
            "Bytes of copies, of those that are arriving and of the quarantine.",
            from.used.value());
  out.gauge("chisme_room_bytes",
            "Bytes of copies that would still fit, on the disk and in the quota.",
            from.room.value());
  out.counter("chisme_prefix_quota_refused_total",
              "Times that a file, or more of it, did not fit into the quota of a prefix.",
              from.refused_by_quota);
  double most = 0;
  for (web::PrefixUse const& use : from.prefix_quotas) {
    most = std::max(most,
                    static_cast<double>(use.used.value()) / static_cast<double>(use.limit.value()));
  }
  out.gauge("chisme_prefix_quota_used_ratio",
            "Used part of that quota of a prefix of which most is used; 0 without one.", most);
  out.gauge("chisme_quarantine_files", "Corrupt copies kept in the quarantine.",
            std::uint64_t{from.quarantine.files});
  out.gauge("chisme_quarantine_bytes", "Bytes of the copies in the quarantine.",
            from.quarantine.bytes.value());
}

void write_peers(Families& out, PeerCounters const& peers) {
  out.begin(MetricType::Counter, "chisme_peer_messages_dropped_total",
            "Messages between nodes that were refused or could not be sent, by why.");
  for (std::size_t why = 0; why < peer_drops; ++why) {
    out.value(peers.dropped[why].load(), {{"reason", std::string{drop_names[why]}}});
  }
  out.counter("chisme_gossip_datagrams_sent_total", "Datagrams sent to other nodes.",
              peers.datagrams_sent.load());
  out.counter("chisme_gossip_datagrams_received_total",
              "Datagrams of other nodes that were understood.", peers.datagrams_received.load());
  out.counter("chisme_gossip_sent_bytes_total", "Bytes of the datagrams sent.",
              peers.datagram_bytes_sent.load());
  out.counter("chisme_gossip_received_bytes_total", "Bytes of all datagrams that came.",
              peers.datagram_bytes_received.load());
  out.counter("chisme_peer_stream_messages_received_total",
              "Messages of other nodes that came over connections.",
              peers.stream_messages_received.load());
}

void write_log(Families& out) {
  out.counter("chisme_log_lines_dropped_total", "Log lines dropped, for they came too fast.",
              log::dropped());
  out.counter("chisme_log_lines_left_out_total",
              "Log lines left out, for they had been said many times.", log::left_out());
}

// By the names that Prometheus' own libraries give them.
void write_process(Families& out, ProcessFigures::Figures const& process) {
  out.counter("process_cpu_seconds_total", "Total user and system CPU time spent in seconds.",
              process.cpu_seconds);
  if (process.resident_bytes) {
    out.gauge("process_resident_memory_bytes", "Resident memory size in bytes.",
              *process.resident_bytes);
  }
  if (process.virtual_bytes) {
    out.gauge("process_virtual_memory_bytes", "Virtual memory size in bytes.",
              *process.virtual_bytes);
  }
  if (process.open_descriptors) {
    out.gauge("process_open_fds", "Number of open file descriptors.", *process.open_descriptors);
  }
  out.gauge("process_max_fds", "Maximum number of open file descriptors.", process.descriptors_max);
  out.gauge("process_start_time_seconds", "Start time of the process since unix epoch in seconds.",
            std::chrono::duration<double>{process.started.time_since_epoch()}.count());
}

}  // namespace

std::string metrics_text(MetricSources const& sources) {
  Families out;
  out.begin(MetricType::Gauge, "chisme_build_info", "Version of the program; the value is 1.");
  out.value(std::uint64_t{1}, {{"version", std::string{program_version}}});
  write_requests(out, sources.counters);
  write_answers(out, sources.figures);
  write_first_bytes(out, sources.figures);
  write_clients(out, sources.figures);
  write_copies(out, sources.counters);
  write_members(out, sources.view);
  write_files(out, sources);
  write_storage(out, sources);
  write_peers(out, sources.peers);
  write_log(out);
  out.append(sources.figures.collect());
  write_process(out, sources.process);
  return out.text();
}

}  // namespace chisme::node
