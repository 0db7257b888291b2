#pragma once

#include <asio/io_context.hpp>
#include <memory>

#include "node/parts.hpp"
#include "node/prefix_quotas.hpp"
#include "web/gateway.hpp"

namespace chisme::node {

// ObjectUpload takes one file in: the bytes go to a staging file here and, at the same time, to W-1
// other nodes in placement order. A node that fails, is dead to the cluster, does not acknowledge
// packets sent four times, or makes no progress for five seconds is replaced at once: another one
// reads from the staging file what it missed, and then gets the bytes as they come. At the end an
// answer that takes long is not waited for alone: one more node is given the object. Once W nodes
// have it the core is asked to make the name visible.
//
// Back-pressure: a `write` is done when the local disk took it and no push that follows has more
// than 1 MiB waiting. Destroying it closes the pushes and removes the staging file. One web loop's
// thread.
class ObjectUpload final : public web::Upload {
 public:
  // `claim`: of quotas; null when it is under none. Faults: no_quorum (fewer than W nodes in
  // reach), no_space, too_large, unavailable (this node is leaving), busy.
  static void begin(asio::io_context& loop, NodeParts const& parts, web::UploadRequest request,
                    std::shared_ptr<PrefixQuotas::Claim> claim,
                    web::Done<std::unique_ptr<web::Upload>> done);
  ~ObjectUpload() override;
  ObjectUpload(ObjectUpload const&) = delete;
  ObjectUpload& operator=(ObjectUpload const&) = delete;

  void write(std::span<std::byte const> bytes, web::Done<void> done) override;
  void finish(web::Done<web::StoredFile> done) override;
  void retype(std::string type) override;

 private:
  struct State;
  explicit ObjectUpload(std::shared_ptr<State> state);
  std::shared_ptr<State> state_;
};

}  // namespace chisme::node
