#include "node/storage/catalogue_batch.hpp"

#include <iterator>

#include "cluster/catalogue/name_record.hpp"

namespace chisme::node {

using cluster::CatalogueRecord;
using cluster::LogKind;
using cluster::SaveCatalogue;

// As the tables of the disk do: the greater version of a name stays, the later word on a copy.
void CatalogueBatch::put(Layer& layer, CatalogueRecord record) {
  if (log_of(record.change) == LogKind::names) {
    auto const [at, is_new] = layer.names.try_emplace(name_of(record), record);
    bool const is_older = version_of(record) < version_of(at->second);
    if (!is_new && !is_older) at->second = std::move(record);
    return;
  }
  auto const [at, is_new] =
      layer.copies.try_emplace(Copy{digest_of(record), record.dot.writer}, record);
  if (!is_new && at->second.dot < record.dot) at->second = std::move(record);
}

void CatalogueBatch::add(SaveCatalogue save) {
  if (layers_.empty() || layers_.back().is_closed()) layers_.emplace_back();
  Layer& layer = layers_.back();
  layer.last = save.save;
  for (CatalogueRecord& record : save.records) put(layer, std::move(record));
  for (auto const& at : save.positions) layer.positions.insert_or_assign({at.writer, at.log}, at);
  layer.forgotten = std::move(save.forgotten);
  layer.horizon = std::move(save.horizon);
}

std::size_t CatalogueBatch::records() const {
  std::size_t count = 0;
  for (Layer const& layer : layers_) {
    count += layer.names.size() + layer.copies.size() + layer.forgotten.size();
  }
  return count;
}

std::vector<SaveCatalogue> CatalogueBatch::take() {
  std::vector<SaveCatalogue> saves;
  for (Layer& layer : std::exchange(layers_, {})) {
    SaveCatalogue save{layer.last, {}, {}, std::move(layer.forgotten), std::move(layer.horizon)};
    for (auto& [name, record] : layer.names) save.records.push_back(std::move(record));
    for (auto& [copy, record] : layer.copies) save.records.push_back(std::move(record));
    for (auto const& [log, position] : layer.positions) save.positions.push_back(position);
    saves.push_back(std::move(save));
  }
  return saves;
}

}  // namespace chisme::node
