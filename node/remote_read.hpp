#pragma once

#include <asio/io_context.hpp>
#include <functional>
#include <memory>
#include <vector>

#include "cluster/base/identity.hpp"
#include "cluster/base/strong.hpp"
#include "node/peer/caller.hpp"
#include "web/gateway.hpp"

namespace chisme::node {

class DiskPool;
class ObjectStore;

// A node that has the bytes; `self` means the local disk.
struct ReadSource {
  NodeId node;
  Endpoint peer;
  bool self = false;
};

// SwitchingRead reads a range of an object from its holders, best first, over the peers' TCP. When
// one fails, or makes no progress for two seconds, it goes on at the next from the same byte; when
// none is left it asks once more who there is, a second later, before it fails.
//
// One web loop's thread.
class SwitchingRead final : public web::RemoteRead {
 public:
  // Tells the holders as they are known at the moment of the call, best first.
  using Sources = std::function<std::vector<ReadSource>()>;
  struct Range {
    Digest digest;
    ByteOffset offset;
    ByteCount length;
  };
  // Whether another node was read from: the first success of each turn, and each failure that is
  // not that of a copy which is not there.
  using Outcome = std::function<void(NodeId holder, bool succeeded)>;
  struct Host {
    Caller caller;
    ObjectStore const& objects;
    DiskPool& disk;
    Outcome tell_outcome;
  };
  SwitchingRead(asio::io_context& loop, Host host, Range range, Sources sources);
  ~SwitchingRead() override;
  SwitchingRead(SwitchingRead const&) = delete;
  SwitchingRead& operator=(SwitchingRead const&) = delete;

  void read(std::span<std::byte> into, web::Done<std::size_t> done) override;

 private:
  struct State;
  std::shared_ptr<State> state_;
};

}  // namespace chisme::node
