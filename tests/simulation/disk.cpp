#include "tests/simulation/disk.hpp"

#include "cluster/base/overloaded.hpp"

namespace chisme::simulation {

using namespace cluster;

void Disk::save(std::span<CatalogueRecord const> records, std::span<LogPosition const> positions) {
  for (CatalogueRecord const& record : records) {
    NodeId const writer = record.dot.writer;
    Subject const subject = std::visit(
        Overloaded{[](PutRecord const& put) { return Subject{put.name, {}, {}}; },
                   [](DeleteRecord const& removed) { return Subject{removed.name, {}, {}}; },
                   [&](HaveRecord const& have) { return Subject{{}, have.digest, writer}; },
                   [&](DropRecord const& drop) { return Subject{{}, drop.digest, writer}; }},
        record.change);
    records_[subject] = record;
  }
  for (LogPosition const& position : positions) {
    positions_[{position.writer, position.log}] = position;
  }
}

StoredState Disk::load(WallTime wall) const {
  StoredState stored;
  stored.wall = wall;
  for (auto const& [subject, record] : records_) stored.records.push_back(record);
  for (auto const& [key, position] : positions_) stored.positions.push_back(position);
  for (auto const& [digest, size] : objects_) stored.objects.push_back({digest, size});
  return stored;
}

}  // namespace chisme::simulation
