#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <span>

#include "cluster/base/random.hpp"
#include "tests/simulation/balance/knowledge.hpp"
#include "tests/simulation/balance/setting.hpp"

namespace chisme::simulation::balance {

// Chooser is a policy: who serves a client that asked some node for a file of some holders.
class Chooser {
 public:
  virtual ~Chooser() = default;

  // A client came to `asked`: the node that should serve it, which may be `asked` itself.
  virtual std::size_t choose(std::size_t asked, std::span<NodeId const> holders, double now) = 0;
  // A redirected client came to the holder `target`: where it sends the client on to, if anywhere.
  virtual std::optional<std::size_t> bounce(std::size_t target, std::span<NodeId const> holders,
                                            double now);
  // Whether what it chooses takes effect at once, as nothing real can.
  [[nodiscard]] virtual bool is_instant() const { return false; }
  // How many loads it has asked for.
  [[nodiscard]] virtual std::size_t probes() const { return 0; }
};

[[nodiscard]] std::unique_ptr<Chooser> chooser(Policy policy, Knowledge& knowledge,
                                               std::vector<Server> const& servers, Random random);

}  // namespace chisme::simulation::balance
