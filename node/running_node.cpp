#include "node/running_node.hpp"

#include <sys/resource.h>

#include <algorithm>
#include <asio/post.hpp>
#include <future>
#include <random>
#include <thread>
#include <utility>

#include "cluster/base/overloaded.hpp"
#include "cluster/membership/member_table.hpp"
#include "node/catalogue_writer.hpp"
#include "node/clock.hpp"
#include "node/failpoint.hpp"
#include "node/log.hpp"
#include "node/peer/address.hpp"
#include "node/view_queries.hpp"
#include "web/names.hpp"
#include "web/tus/upload.hpp"

namespace chisme::node {
namespace {

std::uint64_t random_seed() {
  std::random_device device;
  return (std::uint64_t{device()} << 32) | device();
}

std::uint64_t descriptors_max() {
  rlimit limit{};
  return ::getrlimit(RLIMIT_NOFILE, &limit) == 0 ? limit.rlim_cur : 1024;
}

cluster::Profile profile_of(Network network) {
  switch (network) {
    case Network::loopback:
      return cluster::loopback_profile();
    case Network::lan:
      return cluster::lan_profile();
    case Network::wan:
      return cluster::wan_profile();
  }
  return cluster::loopback_profile();
}

// The web loops share their port among themselves, so they would not notice another program's.
// Returns the endpoint; port 0 becomes a free one.
Result<Endpoint> free_endpoint(Endpoint const& endpoint) {
  asio::io_context loop;
  asio::ip::tcp::acceptor acceptor{loop};
  asio::error_code error;
  auto const wanted = to_tcp(endpoint);
  acceptor.open(wanted.protocol(), error);
  if (!error) acceptor.set_option(asio::ip::tcp::acceptor::reuse_address{true}, error);
  if (!error) acceptor.bind(wanted, error);
  if (!error) acceptor.listen(1, error);
  if (!error) return from_tcp(acceptor.local_endpoint());
  if (error == asio::error::address_in_use) {
    return fail(Fault::io,
                "the client port " + to_string(endpoint) +
                    " is in use by another program; stop it or choose another port with --listen",
                error.value());
  }
  return fail(Fault::io,
              "cannot listen for clients on " + to_string(endpoint) + ": " + error.message(),
              error.value());
}

// The objects that `holder` has said it holds, in order: a copy is told of only once its name was
// synced, and removed only once that was taken back.
std::vector<Digest> held_by(NodeId holder, std::vector<cluster::CatalogueRecord> const& records) {
  std::vector<Digest> held;
  for (cluster::CatalogueRecord const& record : records) {
    auto const* const have = std::get_if<cluster::HaveRecord>(&record.change);
    if (have != nullptr && record.dot.writer == holder) held.push_back(have->digest);
  }
  std::ranges::sort(held);
  return held;
}

cluster::Discovery::Sight sight_of(cluster::ClusterView const& view, NodeId node) {
  cluster::Discovery::Sight sight;
  for (cluster::MemberView const& member : view.members) {
    if (member.self || !cluster::is_live(member.state)) continue;
    ++sight.others;
    if (member.alive.id == node) sight.lives_in = member.alive.epoch;
  }
  return sight;
}

// Those that need no call: the living, this node among them.
std::vector<Endpoint> peers_alive(cluster::ClusterView const& view) {
  std::vector<Endpoint> peers;
  for (cluster::MemberView const& member : view.members) {
    if (member.self || cluster::is_live(member.state)) peers.push_back(member.alive.peer);
  }
  return peers;
}

// Every write makes such events; an operator would act on none.
bool is_routine(cluster::Event const& event) {
  auto const* const repair = std::get_if<cluster::RepairProgress>(&event);
  return std::holds_alternative<cluster::FileChanged>(event) ||
         (repair != nullptr && repair->stage != cluster::RepairStage::failed);
}

std::string describe(cluster::Event const& event) {
  return std::visit(
      Overloaded{[](cluster::MemberChanged const& member) {
                   return "node " + to_string(member.node) + " at " + to_string(member.http) +
                          " is " + to_string(member.state);
                 },
                 [](cluster::FileChanged const& file) {
                   return (file.removed ? "removed " : "stored ") + file.name;
                 },
                 [](cluster::RepairProgress const& repair) {
                   return "copying " + to_hex(repair.digest) + " to node " +
                          chisme::to_string(repair.target) + ": " + to_string(repair.stage);
                 },
                 [](cluster::CopiesLost const& lost) {
                   return "no live node has a copy of " + to_hex(lost.digest);
                 },
                 [](cluster::PeerRefused const& refused) {
                   return "node " + to_string(refused.node) + " at " + to_string(refused.peer) +
                          " is refused: it speaks protocol versions " +
                          std::to_string(refused.versions.lowest) + " to " +
                          std::to_string(refused.versions.highest);
                 },
                 [](cluster::DepartureReport const& report) {
                   return std::to_string(report.files_left) +
                          " files have too few copies on nodes that stay" +
                          (report.leaves_anyway ? "; leaving anyway" : "");
                 }},
      event);
}

unsigned web_loops_of(NodeConfig const& config) {
  return config.web_loops > 0 ? config.web_loops
                              : std::max(1u, std::thread::hardware_concurrency());
}

// What all loops share, and each one's part of the rest.
void take_limits(HttpSettings& settings, ClientLimits const& limits, unsigned loops) {
  using Milliseconds = std::chrono::milliseconds;
  settings.clients =
      std::make_shared<Clients>(Clients::Limits{.connections_max = limits.connections,
                                                .per_address_max = limits.connections_per_address,
                                                .requests_per_second = limits.requests_per_second,
                                                .loopback = limits.loopback,
                                                .trusted_proxies = limits.trusted_proxies});
  settings.head.headers_bytes_max = limits.head_bytes.value();
  settings.head_timeout = std::chrono::duration_cast<Milliseconds>(limits.head_timeout);
  settings.idle_timeout = std::chrono::duration_cast<Milliseconds>(limits.idle_timeout);
  settings.progress_timeout = std::chrono::duration_cast<Milliseconds>(limits.progress_timeout);
  settings.pace = {limits.slowest, limits.slowest_window};
  settings.buffer_bytes_max = limits.buffer_bytes.value() / loops;
}

}  // namespace

RunningNode::WebLoop::~WebLoop() {
  listener.reset();
}

RunningNode::RunningNode(NodeConfig config) : config_{std::move(config)} {}

RunningNode::~RunningNode() {
  for (auto const& web : web_) web->loop.stop_and_join();
  transfer_.stop_and_join();
  for (auto const& web : web_) web->service->abandon();
}

Result<void> RunningNode::start() {
  if (auto read = read_secrets(); !read) return read;
  if (auto read = read_certificate(); !read) return read;
  if (auto opened = open_stores(); !opened) return opened;
  if (auto taken = take_ports(); !taken) return taken;
  FAILPOINT("recovery.ports_taken");
  disk_ = std::make_unique<DiskPool>(config_.disk_threads);
  auto core = make_core();
  if (!core) return tl::unexpected(core.error());
  FAILPOINT("recovery.core_made");
  make_transfers();
  make_writer();
  make_driver(std::move(*core));
  watch_fence();
  if (auto made = make_web_loops(); !made) return made;
  connect();
  FAILPOINT("recovery.connected");
  return {};
}

Result<void> RunningNode::open_stores() {
  // Meanwhile, for it takes as long as to read the catalogue.
  auto listing = std::async(std::launch::async, list_objects, config_.data / "objects");
  auto const identity = start_identity(config_.data);
  if (!identity) return tl::unexpected(identity.error());
  identity_ = *identity;
  auto catalogue = CatalogueStore::open(config_.data, fence_);
  if (!catalogue) return tl::unexpected(catalogue.error());
  catalogue_ = std::move(*catalogue);
  auto contents = catalogue_->load();
  if (!contents) return tl::unexpected(contents.error());
  stored_ = std::move(*contents);
  auto access = read_access_file(config_.data);
  if (!access) return tl::unexpected(access.error());
  stored_access_ = std::move(*access);
  auto const told = held_by(identity_.id, stored_.records);
  auto objects = ObjectStore::open(
      config_.data,
      {.quota = config_.quota,
       .arriving = config_.clients.staging_bytes,
       .descriptors = descriptor_limits(descriptors_max()).files},
      fence_,
      {.was_synced = [&](Digest const& digest) { return std::ranges::binary_search(told, digest); },
       .listing = listing.get()});
  if (!objects) return tl::unexpected(objects.error());
  objects_ = std::move(*objects);
  return {};
}

Result<void> RunningNode::take_ports() {
  auto const http = free_endpoint(config_.http);
  if (!http) return tl::unexpected(http.error());
  config_.http = *http;
  PeerTransport::Self self{identity_.id, identity_.epoch, config_.peer};
  if (config_.advertise_http) self.told_address = config_.advertise_http->address;
  transport_ = std::make_unique<PeerTransport>(control(), self, narrow_paths_, keys_);
  if (auto bound = transport_->bind(); !bound) return bound;
  config_.peer = transport_->local();
  return open_discovery();
}

Result<void> RunningNode::open_discovery() {
  if (!config_.discover) return {};
  cluster::Announcement const self{identity_.id, identity_.epoch, transport_->answers_to(),
                                   cluster::spoken_versions};
  PeerDiscovery::Host host{keys_, [this](NodeId node) { return sight_of(*driver_->view(), node); },
                           [this](cluster::Announcement const& found) {
                             driver_->handle(cluster::PeerFound{found.peer});
                           }};
  discovery_ =
      std::make_unique<PeerDiscovery>(control(), self, Random{random_seed()}, std::move(host));
  return discovery_->open(config_.discover_port);
}

Result<cluster::Core> RunningNode::make_core() {
  cluster::StoredState stored{
      std::move(stored_.records), std::move(stored_.positions), {}, wall_now(),
      std::move(stored_.horizon), std::move(stored_access_)};
  for (StoredObject const& copy : objects_->objects()) {
    stored.objects.push_back({copy.digest, copy.size});
  }

  cluster::CoreConfig core{
      .profile = profile_of(config_.network),
      .copies_wanted = config_.copies_wanted,
      .copies_durable = config_.copies_durable,
      .repair_delay = config_.repair_delay,
      .last_copy_repair_delay = config_.last_copy_repair_delay,
      .surplus_kept = config_.keep_surplus,
      .copy_promise = std::min(config_.keep_surplus, Duration{std::chrono::minutes{1}}),
      .unreferenced_kept = config_.keep_removed,
      .unreferenced_kept_when_full =
          std::min(config_.keep_removed, Duration{std::chrono::minutes{10}}),
      .scratch_prefix = web::tus::uploads_prefix(),
      .scrub_period = config_.scrub_period,
      .seeds = config_.join,
      .expects_peers = !config_.join_names.empty(),
      .remembered = std::move(stored_.peers)};
  cluster::Self self{.id = identity_.id,
                     .epoch = identity_.epoch,
                     .run_nonce = random_seed(),
                     .peer = transport_->answers_to(),
                     .http = config_.advertise_http.value_or(config_.http),
                     .zone = config_.zone,
                     .weight = config_.weight};
  return cluster::Core{std::move(core), std::move(self), std::move(stored), Random{random_seed()},
                       steady_now()};
}

void RunningNode::make_transfers() {
  TransferServer::Host server{*objects_, *disk_,
                              [this](StoredObject object, std::function<void()> known) {
                                figures_.pushed_here(object.size);
                                driver_->post(cluster::ObjectStored{object.digest, object.size},
                                              std::move(known));
                              },
                              [this](Digest digest) { driver_->suspect(digest); },
                              [this](ByteCount sent) { counters_.bytes_to_peers += sent.value(); }};
  transfer_server_ = std::make_unique<TransferServer>(transfer_.context(), std::move(server));
  TransferClient::Host client{
      *objects_,
      *disk_,
      {identity_.id, narrow_paths_, keys_},
      [this](StoredObject object) {
        driver_->post(cluster::ObjectStored{object.digest, object.size});
      },
      [this](TransferClient::Finished const& finished) { finish_transfer(finished); }};
  transfer_client_ = std::make_unique<TransferClient>(transfer_.context(), std::move(client));
}

void RunningNode::make_writer() {
  writer_ = std::make_unique<CatalogueWriter>(
      control(), *catalogue_, *disk_,
      [this](cluster::SaveId save) { driver_->handle(cluster::CatalogueSaved{save}); },
      [this](bool full) {
        objects_->catalogue_is_full(full);
        driver_->catalogue_is_full(full);
      },
      [this](Duration waited) { figures_.committed(waited); });
  access_writer_ = std::make_unique<AccessWriter>(
      control(), config_.data, *disk_, fence_,
      [this](cluster::AccessSaveId save) { driver_->handle(cluster::AccessSaved{save}); });
}

void RunningNode::make_driver(cluster::Core core) {
  LocalCopies::Host copies{*objects_, *disk_, counters_,
                           [this](cluster::Input input) { driver_->handle(std::move(input)); }};
  copies_ = std::make_unique<LocalCopies>(control(), std::move(copies), config_.scrub_rate);
  CoreDriver::Host host{*transport_,
                        *transfer_client_,
                        *writer_,
                        *copies_,
                        *access_writer_,
                        [this](cluster::Event const& event, cluster::ClusterView const& view) {
                          announce(event, view);
                        },
                        [this](cluster::Stop const& stop) { obey(stop); }};
  driver_ = std::make_unique<CoreDriver>(control(), std::move(core), std::move(host));
  link_counts_ = std::make_unique<LinkCounts>(identity_.id, *driver_);
}

void RunningNode::watch_fence() {
  fence_->on_close([this](std::string const& reason) {
    log::error(
        LogComponent::storage,
        "the disk failed (" + reason +
            "): this node takes no writes until it is restarted, and goes on serving what it has");
    driver_->post(cluster::StorageFenced{});
  });
}

Result<void> RunningNode::make_web_loops() {
  search_ = std::make_unique<FileSearch>(*disk_);
  census_ = std::make_unique<Census>();
  prefix_quotas_ = std::make_unique<PrefixQuotas>(config_.prefix_quotas,
                                                  [core = driver_.get()] { return core->view(); });
  auto const parent = config_.parent_socket;
  if (parent && is_parent_socket(*parent) && is_loopback(config_.http)) {
    parent_ = std::make_unique<ParentLink>(*disk_, *parent);
  }
  trash_ = trash_of(config_);
  parts_ = std::make_unique<NodeParts>(NodeParts{identity_.id,
                                                 config_.max_file_size,
                                                 trash_,
                                                 *fence_,
                                                 *objects_,
                                                 *disk_,
                                                 *driver_,
                                                 narrow_paths_,
                                                 keys_,
                                                 *link_counts_,
                                                 events_,
                                                 counters_,
                                                 *census_,
                                                 *search_,
                                                 *prefix_quotas_,
                                                 parent_.get(),
                                                 copies_->full_scrub(),
                                                 figures_,
                                                 *transport_,
                                                 *transfer_client_});
  Random random{random_seed()};
  unsigned const loops = web_loops_of(config_);
  HttpSettings settings = http_settings();
  figures_.watch(settings.clients);
  for (unsigned i = 0; i < loops; ++i) {
    auto web = std::make_unique<WebLoop>();
    settings.counters = std::make_shared<ClientCounters>();
    figures_.watch(settings.counters);
    web->service = std::make_unique<ObjectService>(web->loop.context(), *parts_, Random{random()});
    web->listener = std::make_unique<HttpListener>(web->loop.context(), *web->service, settings);
    web_.push_back(std::move(web));
    if (auto listening = web_.back()->listener->listen(config_.http); !listening) return listening;
  }
  return {};
}

HttpSettings RunningNode::http_settings() const {
  HttpSettings settings;
  settings.service.max_file_size = config_.max_file_size;
  settings.service.access = access_of(config_);
  settings.service.cors_origins = config_.cors_origins;
  settings.service.hosts = config_.hosts;
  settings.service.hosts.push_back(address_text(config_.http));
  if (config_.advertise_http) {
    settings.service.hosts.push_back(address_text(*config_.advertise_http));
  }
  settings.uploads_kept = config_.keep_uploads;
  take_limits(settings, config_.clients, web_loops_of(config_));
  settings.tls = tls_;
  settings.plain_for_all = config_.insecure_lan;
  settings.descriptors = descriptor_limits(descriptors_max()).clients;
  return settings;
}

void RunningNode::connect() {
  transport_->start(
      {[this](cluster::Channel channel, cluster::Envelope envelope) {
         driver_->handle(cluster::Received{channel, std::move(envelope)});
       },
       [this](Endpoint peer) { driver_->handle(cluster::PeerUnreachable{peer}); },
       [this](TransferConnection connection) { transfer_server_->adopt(connection); }});
  std::vector<asio::io_context*> loops;
  for (auto const& web : web_) loops.push_back(&web->loop.context());
  probe_ = std::make_unique<LoadProbe>(
      control(), LoadProbe::Watched{counters_, *objects_, *disk_, std::move(loops)},
      [this](cluster::LoadSampled const& sampled) {
        figures_.sampled(sampled);
        log::sum_up();
        driver_->handle(sampled);
      });
  driver_->start();
  if (discovery_) discovery_->start();
  if (!config_.join_names.empty()) {
    peer_names_ = std::make_unique<PeerNames>(
        control(), config_.join_names,
        PeerNames::Host{[this] { return peers_alive(*driver_->view()); },
                        [this](Endpoint peer) { driver_->handle(cluster::PeerFound{peer}); }});
    peer_names_->start();
  }
  probe_->start();
  transfer_.start();
  for (auto const& web : web_) web->loop.start();
}

void RunningNode::finish_transfer(TransferClient::Finished const& finished) {
  if (!finished.result) {
    log::warning(LogComponent::cluster,
                 "a copy could not be fetched: " + finished.result.error().message);
  }
  if (finished.result) figures_.copied(finished.result->size);
  driver_->post(
      cluster::TransferFinished{finished.transfer, finished.result.has_value(), finished.corrupt});
}

void RunningNode::announce(cluster::Event const& event, cluster::ClusterView const& view) {
  figures_.happened(event, identity_.id);
  auto const* const file = std::get_if<cluster::FileChanged>(&event);
  if (file != nullptr && web::is_internal(file->name)) return;
  auto const level = is_routine(event) ? LogLevel::debug : LogLevel::info;
  if (log::shows(LogComponent::cluster, level)) {
    log::write(LogComponent::cluster, level, describe(event));
  }
  if (!events_.is_silent()) events_.publish(cluster_event(view, event));
}

std::string RunningNode::description() const {
  return (tls_ ? "https://" : "http://") + to_string(config_.http) + " peer " +
         to_string(config_.peer) + " id " + to_string(identity_.id);
}

}  // namespace chisme::node
