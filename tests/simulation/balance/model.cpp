#include "tests/simulation/balance/model.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

namespace chisme::simulation::balance {
namespace {

// Work follows a bounded Pareto distribution: shape 1.5, the longest a hundred times the shortest.
constexpr double pareto_shape = 1.5;
constexpr double longest = 100;

// Its mean when the shortest is 1.
double pareto_mean() {
  double const tail = 1 - std::pow(longest, -pareto_shape);
  return pareto_shape / (pareto_shape - 1) * (1 - std::pow(longest, 1 - pareto_shape)) / tail;
}

std::vector<Server> make_servers(Setting const& setting) {
  std::vector<Server> servers;
  for (std::size_t i = 0; i < setting.nodes; ++i) {
    bool const slow = setting.shape == Shape::heterogeneous && i % 5 == 4;
    servers.emplace_back(slow ? node_streams * slow_share : node_streams);
  }
  return servers;
}

}  // namespace

Model::Model(Setting const& setting, Random random)
    : setting_{setting},
      clients_{random.split(1)},
      servers_{make_servers(setting)},
      knowledge_{setting, servers_},
      chooser_{chooser(setting.policy, knowledge_, servers_, random.split(3))} {
  place_files(random.split(2));
  request_rate_ = offered_streams() / mean_work;
}

double Model::offered_streams() const {
  double capacity = 0;
  for (Server const& server : servers_) capacity += server.capacity();
  return utilisation * capacity;
}

// On distinct nodes, whatever their speed: placement follows disks.
void Model::place_files(Random random) {
  std::size_t const files = setting_.nodes * files_per_node;
  double popularity = 0;
  for (std::size_t file = 0; file < files; ++file) {
    std::vector<NodeId> holders;
    while (holders.size() < copies) {
      NodeId const node = node_id(random.below(setting_.nodes));
      if (std::ranges::count(holders, node) == 0) holders.push_back(node);
    }
    holders_.push_back(std::move(holders));
    popularity += std::pow(static_cast<double>(file + 1), -popularity_power);
    popularity_.push_back(popularity);
  }
}

void Model::run(double seconds, Measures& measures) {
  double const end = warm_up + seconds;
  bool const degrades = setting_.shape == Shape::degraded;
  double const offered = offered_streams();
  std::size_t ticks = 0;
  for (double tick = 0; tick < end;) {
    tick = static_cast<double>(++ticks) * Knowledge::sample_period;
    step(tick);
    if (measures_ == nullptr && tick >= warm_up) {
      measures_ = &measures;
      if (degrades) servers_.front().set_capacity(node_streams * slow_share, now_);
    }
    knowledge_.sample(now_);
    if (measures_ != nullptr) measures_->observe(servers_);
  }
  measures.probed(chooser_->probes());
  measures.run_ended(servers_, offered, end * static_cast<double>(setting_.nodes));
}

// Does everything that happens until then, in order.
void Model::step(double until) {
  for (;;) {
    std::size_t first = 0;
    double ends = std::numeric_limits<double>::infinity();
    for (std::size_t i = 0; i < servers_.size(); ++i) {
      double const next = servers_[i].next_end();
      if (next < ends) {
        ends = next;
        first = i;
      }
    }
    double const comes =
        redirected_.empty() ? std::numeric_limits<double>::infinity() : redirected_.front().arrives;
    double const next = std::min({ends, comes, next_request_});
    if (next > until) break;
    now_ = std::max(now_, next);
    if (next == ends) {
      stream_ends(first);
    } else if (next == comes) {
      Client const client = redirected_.front();
      redirected_.pop_front();
      client_redirected(client);
    } else {
      client_asks();
    }
  }
  now_ = until;
}

void Model::client_asks() {
  double const draw = clients_.uniform() * popularity_.back();
  Client client;
  client.file =
      static_cast<std::size_t>(std::ranges::lower_bound(popularity_, draw) - popularity_.begin());
  std::size_t const asked = clients_.below(setting_.nodes);
  client.work = draw_work();
  next_request_ -= std::log(1 - clients_.uniform()) / request_rate_;  // Poisson
  if (measures_ != nullptr) measures_->request();
  client.node = chooser_->choose(asked, holders_[client.file], now_);
  if (client.node == asked || chooser_->is_instant()) return begin(client, client.node);
  client.arrives = now_ + redirect_delay;
  redirected_.push_back(client);
}

void Model::client_redirected(Client client) {
  auto const other =
      client.bounced ? std::nullopt : chooser_->bounce(client.node, holders_[client.file], now_);
  if (!other) return begin(client, client.node);
  if (measures_ != nullptr) measures_->bounce();
  client.node = *other;
  client.bounced = true;
  client.arrives = now_ + redirect_delay;
  redirected_.push_back(client);
}

void Model::begin(Client const& client, std::size_t node) {
  knowledge_.arrived(node);
  servers_[node].begin(client.work, now_);
}

void Model::stream_ends(std::size_t node) {
  Server::Ended const ended = servers_[node].end_next(now_);
  if (measures_ != nullptr) measures_->ended((now_ - ended.began) / ended.work);
}

double Model::draw_work() {
  double const tail = 1 - std::pow(longest, -pareto_shape);
  double const length = std::pow(1 - clients_.uniform() * tail, -1 / pareto_shape);
  return length * mean_work / pareto_mean();
}

}  // namespace chisme::simulation::balance
