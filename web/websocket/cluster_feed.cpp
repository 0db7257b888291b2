#include "web/websocket/cluster_feed.hpp"

#include <algorithm>
#include <bit>
#include <utility>

#include "web/json.hpp"
#include "web/names.hpp"
#include "web/scheme.hpp"

namespace chisme::web {

namespace {
constexpr std::size_t files_max = 1000;
constexpr auto status_period = std::chrono::milliseconds(500);
// What may wait for a client before it counts as slow.
constexpr std::size_t queued_bytes_max = 256 << 10;

// Other programs write to the disk all the time: the room is told in steps of a percent or two, or
// the state would be sent anew for each.
ClusterStatus status_of(Gateway& gateway, bool secure) {
  ClusterStatus status = as_asked(gateway.cluster(), secure);
  std::uint64_t const step = std::max<std::uint64_t>(1, std::bit_floor(status.room.value()) / 64);
  status.room = ByteCount{status.room.value() / step * step};
  return status;
}

std::string status_json(std::string const& status) {
  return "{\"type\":\"cluster\",\"cluster\":" + status + "}";
}
}  // namespace

ClusterFeed::ClusterFeed(std::shared_ptr<Channel> channel, Gateway& gateway, Told told)
    : channel_(std::move(channel)), gateway_(gateway), told_(told) {}

ClusterFeed::~ClusterFeed() = default;

void ClusterFeed::opened() {
  gateway_.count_files([weak = weak_from_this()](Result<void> const&) {
    if (auto const self = weak.lock()) self->begin();
  });
}

void ClusterFeed::begin() {
  subscription_ = gateway_.subscribe([weak = weak_from_this()](ClusterEvent const& event) {
    if (auto const self = weak.lock()) self->send_event(event);
  });
  send_state();
  look_again();
}

void ClusterFeed::send_state() {
  auto const status = status_of(gateway_, told_.secure);
  last_status_ = to_json(status);
  if (!told_.files) return channel_->send_text(status_json(last_status_));
  auto const listing = gateway_.list("", behind_internal, files_max);
  channel_->send_text(state_json(status, listing.files));
}

bool ClusterFeed::is_behind() {
  if (channel_->queued_bytes() > queued_bytes_max) missed_ = true;
  return missed_;
}

void ClusterFeed::send_event(ClusterEvent const& event) {
  if (is_behind()) return;
  if (event.kind == missed_events) return send_state();
  if (event.kind == "file" && !told_.files) return;
  auto message = "{\"type\":" + json_string(event.kind) +
                 ",\"at\":" + std::to_string(event.at.time_since_epoch().count());
  // The event's own fields follow: its object without the opening brace.
  auto const fields = std::string_view(event.json).substr(event.json.find('{') + 1);
  if (fields.find_first_not_of(" \t\r\n") != fields.find('}')) message += ',';
  message += fields;
  channel_->send_text(event_as_asked(std::move(message), told_.secure));
}

void ClusterFeed::send_changes() {
  if (is_behind()) return;
  auto status = to_json(status_of(gateway_, told_.secure));
  if (status == last_status_) return;
  channel_->send_text(status_json(status));
  last_status_ = std::move(status);
}

void ClusterFeed::look_again() {
  timer_ = channel_->after(status_period, [weak = weak_from_this()] {
    auto const self = weak.lock();
    if (!self) return;
    self->gateway_.count_files([weak](Result<void> const&) {
      auto const counted = weak.lock();
      if (!counted) return;
      counted->send_changes();
      counted->look_again();
    });
  });
}

void ClusterFeed::drained() {
  if (std::exchange(missed_, false)) send_state();
}

void ClusterFeed::text(std::string_view) {}

void ClusterFeed::binary(std::string, bool) {
  channel_->close(CloseCode::unsupported_data, "this connection only sends");
}

void ClusterFeed::peer_closing(CloseCode) {
  channel_->answer_close();
}

void ClusterFeed::closed() {
  subscription_.reset();
  timer_.reset();
}

}  // namespace chisme::web
