#pragma once

#include <asio/io_context.hpp>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "cluster/core.hpp"
#include "cluster/effect.hpp"
#include "cluster/input.hpp"
#include "cluster/view.hpp"

namespace chisme::node {

class PeerTransport;
class TransferClient;
class CatalogueWriter;
class LocalCopies;
class AccessWriter;

// CoreDriver owns a node's Core and runs it on the control loop: it tells the core what happens and
// what time it is, carries out its effects in order, and publishes views of the cluster.
//
// A view is published before the completion of a write or a lookup that it contains, so that a
// client reads its own writes. Bounded: at most `inputs_max` inputs from other threads wait; one
// more write or lookup is answered `busy`; another input waits for its turn all the same, for
// dropping it would lose news of the disk.
class CoreDriver {
 public:
  static constexpr std::size_t inputs_max = 16'384;

  // What carries effects out; each must outlive the driver.
  struct Host {
    PeerTransport& transport;
    TransferClient& transfers;
    CatalogueWriter& catalogue;
    LocalCopies& copies;
    AccessWriter& access;
    std::function<void(cluster::Event const&, cluster::ClusterView const&)> on_event;
    std::function<void(cluster::Stop)> on_stop;
  };
  using WriteDone = std::function<void(Result<cluster::WriteOutcome>)>;
  using LookupDone = std::function<void(Result<bool>)>;
  using RevokeDone = std::function<void(Result<void>)>;

  CoreDriver(asio::io_context& control, cluster::Core core, Host host);
  ~CoreDriver();
  CoreDriver(CoreDriver const&) = delete;
  CoreDriver& operator=(CoreDriver const&) = delete;

  // Lets the core begin. Call it once, before or on the control loop.
  void start();

  // On the control loop.
  void handle(cluster::Input input);
  // When it becomes full, all writes that wait end with `unknown_outcome`: some are durable
  // elsewhere, and those here are when there is room again, so that none was refused. Those that
  // begin while it is are refused with `no_space`, before anybody is told of them.
  void catalogue_is_full(bool full);

  // From any thread:
  // `handled` is called on the control loop once the core was told. (Only the order of `post`s of
  // one thread is sure: what another node sends may be read before an input that still waits.)
  void post(cluster::Input input, std::function<void()> handled = nullptr);
  // The callback is called once, on the control loop (or within the call, when busy). The request's
  // id is chosen here.
  void write(cluster::WriteRequested request, WriteDone done);
  void lookup(std::string name, LookupDone done);
  void revoke(cluster::Revocation revocation, RevokeDone done);
  // A reader found the local copy missing, cut short or unreadable.
  void suspect(Digest const& digest);
  // The newest view; never null.
  [[nodiscard]] std::shared_ptr<cluster::ClusterView const> view() const;

 private:
  struct State;
  std::shared_ptr<State> state_;
};

}  // namespace chisme::node
