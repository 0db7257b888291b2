#pragma once

#include <asio/io_context.hpp>
#include <cstdint>
#include <map>
#include <memory>

#include "cluster/base/random.hpp"
#include "cluster/load/balancer.hpp"
#include "cluster/load/load_probes.hpp"
#include "cluster/load/redirect_tally.hpp"
#include "node/client_credentials.hpp"
#include "node/core_driver.hpp"
#include "node/parts.hpp"
#include "node/prefix_quotas.hpp"
#include "node/recent_objects.hpp"
#include "web/gateway.hpp"

namespace chisme::node {

class ObjectFile;

// ObjectService is what one web loop knows and can do of its node. Questions are answered from the
// newest view that the control loop published; work is begun here and ends on this loop.
//
// One web loop's thread. `parts` must outlive it, and it every connection of its loop.
class ObjectService final : public web::Gateway {
 public:
  ObjectService(asio::io_context& loop, NodeParts const& parts, Random random);
  ~ObjectService() override;
  ObjectService(ObjectService const&) = delete;
  ObjectService& operator=(ObjectService const&) = delete;

  web::Lookup lookup(std::string_view name) override;
  void lookup_everywhere(std::string name, web::Done<web::Lookup> done) override;
  std::vector<web::Replica> replicas(web::FileInfo const& file) override;
  std::optional<web::Replica> redirect(web::FileInfo const& file, bool bounced) override;
  std::optional<web::Replica> bounce(web::FileInfo const& file) override;
  std::optional<web::Replica> least_loaded_node() override;
  web::Listing list(std::string_view prefix, std::string_view after, std::size_t limit) override;
  void search(web::FileQuery query, web::FilePage page, web::Done<web::FoundFiles> done) override;
  void count_files(web::Done<void> done) override;
  web::ClusterStatus cluster() override;
  web::Readiness readiness(bool for_writes) override;
  std::string metrics() override;
  bool knows_origin(std::string_view origin) override;
  void leave() override;
  void stay() override;
  void scrub() override;
  web::ScrubStatus scrub_status() override;
  void order_local(web::LocalOrder order, std::string http, web::Done<void> done) override;

  void begin_upload(web::UploadRequest request,
                    web::Done<std::unique_ptr<web::Upload>> done) override;
  void remove(std::string name, web::Condition condition,
              web::Done<web::RemovedFile> done) override;
  void remove_for_good(std::string name, web::Condition condition,
                       web::Done<web::RemovedFile> done) override;
  void link(web::FileInfo file, web::UploadRequest request,
            web::Done<web::StoredFile> done) override;
  Result<std::shared_ptr<web::OpenObject const>> open(Digest const& digest) override;
  std::shared_ptr<std::string const> in_memory(Digest const& digest) override;
  std::unique_ptr<web::RemoteRead> relay(web::FileInfo const& file, ByteOffset offset,
                                         ByteCount length) override;
  std::unique_ptr<web::Subscription> subscribe(
      std::function<void(web::ClusterEvent const&)> on_event) override;

  web::Credentials* credentials() override {
    return credentials_.has_secret() ? &credentials_ : nullptr;
  }

  WallTime now() override;

  void request_began() override {
    ++parts_.counters.in_flight;
    ++parts_.counters.requests;
  }
  void request_ended(bool own_fault) override {
    --parts_.counters.in_flight;
    if (own_fault) ++parts_.counters.own_faults;
  }
  void delivered(ByteCount bytes) override { parts_.counters.bytes_delivered += bytes.value(); }

  // Forgets, without calling them, the completions that still wait. For the end of the node.
  void abandon();

 private:
  // Completions that wait for the core. They stay on this loop: what they hold belongs to it.
  struct Waiting;
  using View = std::shared_ptr<cluster::ClusterView const>;

  // Calls `done`, on this loop, with what the request claims of the quotas that it is under: null
  // when it is under none. Fault: no_space.
  void claim(web::UploadRequest const& request,
             web::Done<std::shared_ptr<PrefixQuotas::Claim>> done);
  void link_claimed(web::FileInfo file, web::UploadRequest request,
                    std::shared_ptr<PrefixQuotas::Claim> claim, web::Done<web::StoredFile> done);
  // The bytes of a small object that were verified.
  void remember(Digest const& digest, ObjectFile const& file);
  [[nodiscard]] std::vector<cluster::Candidate> candidates(cluster::ClusterView const& view,
                                                           std::span<NodeId const> holders) const;
  // The same for a file's holders; asks for younger loads where they are old.
  [[nodiscard]] std::vector<cluster::Candidate> holders_of(cluster::ClusterView const& view,
                                                           Digest const& digest);
  void tell_redirect(web::FileInfo const& file, web::Replica const& target) const;
  std::optional<web::Replica> send_to(cluster::ClusterView const& view,
                                      std::span<cluster::Candidate const> candidates,
                                      std::optional<NodeId> chosen, Redirected why);

  asio::io_context& loop_;
  NodeParts const& parts_;
  Random random_;
  cluster::RedirectTally tally_;
  cluster::WantedLoads wanted_loads_;
  RecentObjects recent_;
  ClientCredentials credentials_;
  std::shared_ptr<Waiting> waiting_;
};

}  // namespace chisme::node
