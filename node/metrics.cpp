#include "node/metrics.hpp"

#include <algorithm>
#include <string_view>

#include "node/log.hpp"
#include "node/version.hpp"
#include "node/view_queries.hpp"

namespace chisme::node {
namespace {

// Appends to a text in Prometheus' format.
class Text {
 public:
  void metric(std::string_view name, std::string_view type, std::string_view help) {
    name_ = name;
    line("# HELP " + name_ + " " + std::string{help});
    line("# TYPE " + name_ + " " + std::string{type});
  }
  // A value of the metric begun last. Labels: `state="alive"`, or none.
  void value(std::uint64_t number, std::string_view labels = "") {
    std::string const set = labels.empty() ? "" : "{" + std::string{labels} + "}";
    line(name_ + set + " " + std::to_string(number));
  }
  void simple(std::string_view name, std::string_view type, std::string_view help,
              std::uint64_t number) {
    metric(name, type, help);
    value(number);
  }
  [[nodiscard]] std::string take() { return std::move(text_); }

 private:
  void line(std::string const& text) { text_ += text + "\n"; }
  std::string name_;
  std::string text_;
};

void write_members(Text& text, cluster::ClusterView const& view) {
  text.metric("chisme_members", "gauge", "Members as this node sees them, by state.");
  using enum cluster::MemberState;
  for (cluster::MemberState const state : {alive, suspect, dead, left}) {
    auto const number = std::ranges::count(view.members, state, &cluster::MemberView::state);
    text.value(static_cast<std::uint64_t>(number),
               "state=\"" + std::string{to_string(state)} + "\"");
  }
}

void write_counters(Text& text, LoadCounters const& counters) {
  text.simple("chisme_requests_total", "counter", "Client requests begun.", counters.requests);
  text.simple("chisme_request_faults_total", "counter",
              "Client requests that failed by this node's own fault.", counters.own_faults);
  text.simple("chisme_requests_in_flight", "gauge", "Client requests being served.",
              counters.in_flight);
  text.simple("chisme_delivered_bytes_total", "counter", "Bytes of files sent to clients.",
              counters.bytes_delivered);
  text.simple("chisme_received_bytes_total", "counter", "Bytes of files received from clients.",
              counters.bytes_received);
  text.simple("chisme_uploads_total", "counter", "Uploads begun.", counters.uploads);
  text.simple("chisme_upload_failures_total", "counter", "Uploads that were not stored.",
              counters.uploads_failed);
  text.simple("chisme_redirects_total", "counter", "Clients sent to another node.",
              counters.redirects);
  text.simple("chisme_peer_sent_bytes_total", "counter",
              "Bytes of objects that other nodes pulled from this one.", counters.bytes_to_peers);
  text.simple("chisme_verified_bytes_total", "counter",
              "Bytes of copies read again to compare them with their hashes.",
              counters.bytes_verified);
  text.simple("chisme_copies_verified_total", "counter", "Copies that were read and are intact.",
              counters.copies_verified);
  text.simple("chisme_copies_corrupt_total", "counter",
              "Copies that had changed, were cut short or could not be read.",
              counters.copies_corrupt);
  text.simple("chisme_copies_removed_total", "counter", "Copies removed as no longer wanted.",
              counters.copies_removed);
}

}  // namespace

std::string metrics_text(LoadCounters const& counters, cluster::ClusterView const& view,
                         Census::Count const& count, OtherFigures const& others) {
  Text text;
  text.metric("chisme_build_info", "gauge", "Version of the program.");
  text.value(1, "version=\"" + std::string{program_version} + "\"");
  write_counters(text, counters);
  write_members(text, view);
  text.simple("chisme_in_touch", "gauge", "1 when in touch with a majority of the members.",
              view.in_touch ? 1 : 0);
  text.simple("chisme_files", "gauge", "Files in the catalogue.",
              view.catalogue.size() - std::min(count.internal, view.catalogue.size()));
  auto const own = count.copies.find(view.self);
  text.simple("chisme_copies", "gauge", "Copies that this node holds.",
              own == count.copies.end() ? 0 : own->second);
  text.simple("chisme_files_under_replicated", "gauge", "Files with fewer copies than wanted.",
              count.under_replicated);
  text.simple("chisme_files_lost", "gauge", "Files of which no node in reach has a copy.",
              count.lost);
  text.simple("chisme_repairs_pending", "gauge", "Copies queued or being made.",
              view.repairs_pending);
  text.simple("chisme_peer_messages_dropped_total", "counter",
              "Messages between nodes that were refused or could not be sent.",
              others.peer_messages_dropped);
  text.simple("chisme_fenced", "gauge",
              "1 when the disk failed to sync: no writes until a restart.", others.fenced ? 1 : 0);
  text.simple("chisme_stored_bytes", "gauge",
              "Bytes of copies, of those that are arriving and of the quarantine.",
              others.used.value());
  text.simple("chisme_quarantine_files", "gauge", "Corrupt copies kept in the quarantine.",
              others.quarantine.files);
  text.simple("chisme_quarantine_bytes", "gauge", "Bytes of the copies in the quarantine.",
              others.quarantine.bytes.value());
  text.simple("chisme_log_lines_dropped_total", "counter", "Log lines dropped.", log::dropped());
  return text.take();
}

}  // namespace chisme::node
