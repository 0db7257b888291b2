#pragma once

#include <memory>
#include <string>

#include "web/gateway.hpp"
#include "web/websocket/channel.hpp"

namespace chisme::web {

// ClusterFeed serves /ws/cluster: the full state on connect (at most 1000 files), then each
// event as it happens, and the cluster's status when it changed, at most twice a second. Without
// files, of which one node tells as much as all, it starts with the status.
//
// A client that is too slow for the events misses them and gets the full state anew once it has
// read what was sent; so does each client when the node has more events than it can bring.
class ClusterFeed final : public Session, public std::enable_shared_from_this<ClusterFeed> {
 public:
  struct Told {
    bool files = true;
    bool secure = false;  // the client came by TLS
  };
  ClusterFeed(std::shared_ptr<Channel> channel, Gateway& gateway, Told told);
  ~ClusterFeed() override;

  void opened() override;
  void text(std::string_view message) override;
  void binary(std::string piece, bool last) override;
  void peer_closing(CloseCode code) override;
  void drained() override;
  void closed() override;

 private:
  void begin();
  void send_state();
  void send_event(ClusterEvent const& event);
  void send_changes();
  void look_again();
  [[nodiscard]] bool is_behind();

  std::shared_ptr<Channel> channel_;
  Gateway& gateway_;
  Told told_;
  std::unique_ptr<Subscription> subscription_;
  std::unique_ptr<ByteStream::Timer> timer_;
  std::string last_status_;
  bool missed_ = false;  // events, since the client is behind
};

}  // namespace chisme::web
