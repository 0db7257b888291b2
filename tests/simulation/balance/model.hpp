#pragma once

#include <cstddef>
#include <deque>
#include <memory>
#include <vector>

#include "cluster/base/random.hpp"
#include "tests/simulation/balance/chooser.hpp"
#include "tests/simulation/balance/knowledge.hpp"
#include "tests/simulation/balance/measures.hpp"
#include "tests/simulation/balance/server.hpp"
#include "tests/simulation/balance/setting.hpp"

namespace chisme::simulation::balance {

// Model is one cluster with its clients, under virtual time: clients ask random nodes for files
// whose popularity follows Zipf's law, nodes redirect them, streams of heavy-tailed length share
// what their node has. Its parts' random numbers come from streams of their own, so that all
// policies see the same clients.
class Model {
 public:
  Model(Setting const& setting, Random random);
  Model(Model const&) = delete;
  Model& operator=(Model const&) = delete;

  // Warms up, then runs for `seconds` that are measured. Call it once.
  void run(double seconds, Measures& measures);

 private:
  struct Client {
    double arrives = 0;
    std::size_t node = 0;
    std::size_t file = 0;
    double work = 0;
    bool bounced = false;
  };
  void place_files(Random random);
  void step(double until);
  void client_asks();
  void client_redirected(Client client);
  void stream_ends(std::size_t node);
  void begin(Client const& client, std::size_t node);
  double draw_work();
  [[nodiscard]] double offered_streams() const;

  Setting setting_;
  Random clients_;
  std::vector<Server> servers_;
  Knowledge knowledge_;
  std::unique_ptr<Chooser> chooser_;
  std::vector<std::vector<NodeId>> holders_;  // by file
  std::vector<double> popularity_;            // by file, summed up
  std::deque<Client> redirected_;             // on their way, the first to arrive first
  double request_rate_ = 0;
  double next_request_ = 0;
  double now_ = 0;
  Measures* measures_ = nullptr;  // set while it is measured
};

}  // namespace chisme::simulation::balance
