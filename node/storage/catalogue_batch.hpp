#pragma once

#include <cstddef>
#include <map>
#include <optional>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "cluster/effect.hpp"

namespace chisme::node {

// CatalogueBatch is what waits to be saved together: saves are added in their order, and what is
// taken has the same effect on the disk as all of them.
//
// Bounded by the catalogue: of each name, of each copy and of each log it keeps what was told last,
// however long it waits and whatever comes meanwhile. A save that forgets records, or replaces the
// horizon, is the last of its layer; that is done once for each horizon, which are hours apart.
//
// One thread owns it.
class CatalogueBatch {
 public:
  void add(cluster::SaveCatalogue save);
  [[nodiscard]] bool empty() const { return layers_.empty(); }
  // Records that wait; each takes at most `cluster::size_bound` of itself.
  [[nodiscard]] std::size_t records() const;
  // In order; each has the id of the last save in it, which stands for those before it. Leaves the
  // batch empty.
  [[nodiscard]] std::vector<cluster::SaveCatalogue> take();

 private:
  using Copy = std::pair<Digest, NodeId>;
  using Log = std::pair<NodeId, cluster::LogKind>;
  struct Layer {
    cluster::SaveId last;
    std::map<std::string, cluster::CatalogueRecord> names;
    std::map<Copy, cluster::CatalogueRecord> copies;
    std::map<Log, cluster::LogPosition> positions;
    std::vector<cluster::CatalogueRecord> forgotten;
    std::optional<cluster::StoredHorizon> horizon;
    [[nodiscard]] bool is_closed() const { return !forgotten.empty() || horizon; }
  };
  static void put(Layer& layer, cluster::CatalogueRecord record);

  std::vector<Layer> layers_;
};

}  // namespace chisme::node
