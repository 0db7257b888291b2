#pragma once

#include <asio/steady_timer.hpp>
#include <atomic>
#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "cluster/core.hpp"
#include "node/census.hpp"
#include "node/changes.hpp"
#include "node/config.hpp"
#include "node/core_driver.hpp"
#include "node/event_hub.hpp"
#include "node/event_loop.hpp"
#include "node/figures.hpp"
#include "node/file_search.hpp"
#include "node/http/listener.hpp"
#include "node/link_counts.hpp"
#include "node/load_counters.hpp"
#include "node/load_probe.hpp"
#include "node/local_copies.hpp"
#include "node/object_service.hpp"
#include "node/parent_link.hpp"
#include "node/parts.hpp"
#include "node/peer/discovery.hpp"
#include "node/peer/narrow_paths.hpp"
#include "node/peer/peer_names.hpp"
#include "node/peer/transfer_client.hpp"
#include "node/peer/transfer_server.hpp"
#include "node/peer/transport.hpp"
#include "node/prefix_quotas.hpp"
#include "node/security/peer_keys.hpp"
#include "node/security/server_tls.hpp"
#include "node/storage/access_file.hpp"
#include "node/storage/catalogue_store.hpp"
#include "node/storage/disk_pool.hpp"
#include "node/storage/fence.hpp"
#include "node/storage/identity_file.hpp"
#include "node/storage/object_store.hpp"

namespace chisme::node {

// RunningNode is all parts of one node and the threads they run on: the control loop (on the thread
// that calls `run`), the transfer loop, the web loops, the disk pool.
//
// The members are declared so that each outlives what refers to it: the census, the quotas and the
// disk pool end first, for their jobs refer to everything; then what works on the loops; then the
// loops, with what hangs in their handlers; at last the stores.
class RunningNode {
 public:
  explicit RunningNode(NodeConfig config);
  ~RunningNode();
  RunningNode(RunningNode const&) = delete;
  RunningNode& operator=(RunningNode const&) = delete;

  // Opens the stores, takes the ports and starts the threads. The errors are sentences for a
  // person.
  [[nodiscard]] Result<void> start();
  // Runs the control loop until the node ends. False: it had to end, and the log says why.
  [[nodiscard]] bool run();
  // It ended to be started again at once, in its next epoch.
  [[nodiscard]] bool wants_restart() const { return wants_restart_; }
  // Ends in good order: others are told to send nobody here; what is under way gets
  // `stop_timeout` to end, WebSockets are told 1001 and connections kept no more; then others are
  // told that it is gone, as if it had died (it may come back), and `run` returns. A second call
  // ends it at once. On the control loop.
  void stop();
  // Reads the secret file, the certificate and the configuration again, where there are any: what
  // they say holds from now on, as far as it can change (changes.hpp). When one cannot be read the
  // log says why, and what was read before stays. On the control loop.
  void reload(ReadConfigAgain const& read_config);
  // With most of its cluster, so that it takes writes and knows what there is.
  [[nodiscard]] bool is_in_touch() const { return driver_->view()->in_touch; }
  [[nodiscard]] asio::io_context& control() { return control_.context(); }

  // What it runs with; after `start`, with the ports that it took.
  [[nodiscard]] NodeConfig const& config() const { return config_; }
  // "http://127.0.0.1:7701 peer 127.0.0.1:8701 id <32 hex digits>"
  [[nodiscard]] std::string description() const;

 private:
  struct WebLoop {
    ~WebLoop();
    std::unique_ptr<ObjectService> service;
    EventLoop loop;
    std::unique_ptr<HttpListener> listener;
    std::atomic<std::size_t> sessions{0};  // WebSockets that are open, as counted while it stops
  };

  Result<void> read_secrets();
  Result<void> read_certificate();
  Result<void> open_stores();
  Result<void> take_ports();
  Result<void> open_discovery();
  Result<cluster::Core> make_core();
  void make_transfers();
  void make_writer();
  void watch_fence();
  void make_driver(cluster::Core core);
  Result<void> make_web_loops();
  void connect();
  void finish_transfer(TransferClient::Finished const& finished);
  void announce(cluster::Event const& event, cluster::ClusterView const& view);
  void obey(cluster::Stop const& stop);
  void end(bool failed);
  void reload_config(ReadConfigAgain const& read_config);
  [[nodiscard]] HttpSettings http_settings() const;
  void take_no_more(Duration grace);
  void await_requests(Instant until);
  void count_sessions();
  [[nodiscard]] bool is_served() const;
  void say_goodbye();

  NodeConfig config_;
  Identity identity_{};
  std::shared_ptr<Fence> fence_ = std::make_shared<Fence>();
  std::unique_ptr<ObjectStore> objects_;
  std::unique_ptr<CatalogueStore> catalogue_;
  CatalogueStore::Contents stored_;  // until the core has them
  cluster::AccessNews stored_access_;
  LoadCounters counters_;
  NodeFigures figures_;
  NarrowPaths narrow_paths_;
  PeerKeys keys_;
  std::shared_ptr<ServerTls> tls_;  // nullptr: clients get no TLS
  EventHub events_;
  std::unique_ptr<FileSearch> search_;
  std::unique_ptr<ParentLink> parent_;
  std::atomic<std::chrono::milliseconds> trash_{};  // may change while it runs
  std::unique_ptr<NodeParts> parts_;
  std::vector<std::unique_ptr<WebLoop>> web_;
  EventLoop transfer_;
  EventLoop control_;
  asio::steady_timer stop_timer_{control_.context()};
  std::unique_ptr<PeerTransport> transport_;
  std::unique_ptr<TransferServer> transfer_server_;
  std::unique_ptr<TransferClient> transfer_client_;
  std::unique_ptr<CatalogueWriter> writer_;
  std::unique_ptr<AccessWriter> access_writer_;
  std::unique_ptr<LocalCopies> copies_;
  std::unique_ptr<CoreDriver> driver_;
  std::unique_ptr<PeerDiscovery> discovery_;  // none: it is told whom to join
  std::unique_ptr<PeerNames> peer_names_;     // none: it is told no names of hosts
  std::unique_ptr<LinkCounts> link_counts_;
  std::unique_ptr<LoadProbe> probe_;
  std::unique_ptr<DiskPool> disk_;
  std::unique_ptr<Census> census_;
  std::unique_ptr<PrefixQuotas> prefix_quotas_;
  bool stopping_ = false;
  Instant sessions_until_{};  // so long WebSockets are waited for
  bool failed_ = false;
  bool wants_restart_ = false;
};

}  // namespace chisme::node
