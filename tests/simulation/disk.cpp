#include "tests/simulation/disk.hpp"

#include <charconv>

#include "cluster/base/check.hpp"
#include "cluster/base/overloaded.hpp"
#include "cluster/base/planted_bug.hpp"
#include "cluster/catalogue/name_record.hpp"

namespace chisme::simulation {

using namespace cluster;

namespace {

// "objects/ab"
std::string directory_of(Digest const& digest) {
  return "objects/" + to_hex(digest).substr(0, 2);
}

std::string path_of(ObjectStored const& object) {
  return directory_of(object.digest) + "/" + to_hex(object.digest) + "-" +
         std::to_string(object.size.value());
}

// Saves come in any order: what is on disk gives way to news only, as in node/storage. The planted
// bug lets the last save win.
bool is_older(CatalogueRecord const& record, CatalogueRecord const& kept) {
  if (log_of(record.change) == LogKind::holdings) return record.dot < kept.dot;
  return version_of(record) < version_of(kept);
}

std::optional<ObjectStored> parse_file_name(std::string const& name) {
  if (name.size() < 66) return std::nullopt;
  auto const digest = parse_digest(std::string_view(name).substr(0, 64));
  std::uint64_t size = 0;
  std::from_chars(name.data() + 65, name.data() + name.size(), size);
  if (!digest) return std::nullopt;
  return ObjectStored{*digest, ByteCount{size}};
}

}  // namespace

Disk::Disk(NodeId id) : id_(id) {
  write_identity();
}

void Disk::write_identity() {
  files_.create("node.toml.new");
  files_.write("node.toml.new", std::to_string(epoch_.value()));
  files_.sync_file("node.toml.new");
  files_.rename("node.toml.new", "node.toml");
  files_.sync_directory("");
}

Epoch Disk::next_epoch() {
  if (planted(PlantedBug::epoch_is_not_raised) && epoch_.value() > 0) return epoch_;
  epoch_ = Epoch{epoch_.value() + 1};
  write_identity();
  return epoch_;
}

void Disk::append(SaveCatalogue const& save) {
  unsynced_.push_back(save);
}

void Disk::sync_journal(std::size_t frames) {
  CHECK(frames <= unsynced_.size());
  for (std::size_t i = 0; i < frames; ++i) {
    apply(unsynced_.front());
    unsynced_.pop_front();
  }
}

void Disk::apply(SaveCatalogue const& frame) {
  auto const subject_of = [](CatalogueRecord const& record) {
    NodeId const writer = record.dot.writer;
    return std::visit(
        Overloaded{[](PutRecord const& put) { return Subject{put.name, {}, {}}; },
                   [](DeleteRecord const& removed) { return Subject{removed.name, {}, {}}; },
                   [&](HaveRecord const& have) { return Subject{{}, have.digest, writer}; },
                   [&](DropRecord const& drop) { return Subject{{}, drop.digest, writer}; }},
        record.change);
  };
  for (CatalogueRecord const& record : frame.records) {
    auto const [kept, is_new] = records_.try_emplace(subject_of(record), record);
    bool const older = is_older(record, kept->second) && !planted(PlantedBug::last_save_wins);
    if (!is_new && !older) kept->second = record;
  }
  for (CatalogueRecord const& record : frame.forgotten) {
    auto const kept = records_.find(subject_of(record));
    if (kept != records_.end() && kept->second.dot == record.dot) records_.erase(kept);
  }
  for (LogPosition const& position : frame.positions) {
    positions_[{position.writer, position.log}] = position;
    if (position.sequence == 0) positions_.erase({position.writer, position.log});
  }
  if (frame.horizon) horizon_ = *frame.horizon;
}

CatalogueRecord const* Disk::saved(std::string const& name) const {
  auto const found = records_.find(Subject{name, {}, {}});
  return found == records_.end() ? nullptr : &found->second;
}

std::string Disk::stage(ObjectStored const& object) {
  std::string const staged = "staging/" + std::to_string(next_staged_++);
  files_.create(staged);
  files_.write(staged, object.size.value());
  return staged;
}

void Disk::sync_staged(std::string const& staged) {
  if (planted(PlantedBug::torn_object_is_taken_for_whole)) return;
  files_.sync_file(staged);
}

void Disk::publish(std::string const& staged, ObjectStored const& object) {
  std::string const directory = directory_of(object.digest);
  if (!files_.exists(directory)) {
    files_.make_directory(directory);
    files_.sync_directory("objects");
  }
  files_.rename(staged, path_of(object));
  arriving_.insert(object.digest);
}

void Disk::sync_published(ObjectStored const& object) {
  arriving_.erase(object.digest);
  if (!files_.exists(path_of(object))) return;  // removed meanwhile
  bool const forgets = planted(PlantedBug::directory_is_not_synced);
  if (!forgets) files_.sync_directory(directory_of(object.digest));
  objects_[object.digest] = object.size;
}

void Disk::remove(Digest const& digest) {
  auto const at = objects_.find(digest);
  if (at == objects_.end() || arriving_.contains(digest)) return;
  files_.unlink(path_of({digest, at->second}));
  files_.sync_directory(directory_of(digest));
  objects_.erase(at);
}

bool Disk::is_intact(Digest const& digest) const {
  auto const at = objects_.find(digest);
  if (at == objects_.end()) return false;
  FileSystem::File const* const file = files_.find(path_of({digest, at->second}));
  return file != nullptr && !file->rotten && file->length == at->second.value();
}

void Disk::rot(Digest const& digest) {
  auto const at = objects_.find(digest);
  if (at != objects_.end()) files_.rot(path_of({digest, at->second}));
}

void Disk::lose_power(Random& random, double lost) {
  files_.lose_power(random, lost);
  arriving_.clear();
  // Frames are written in order; one that is torn fails its checksum and ends the journal.
  std::size_t kept = unsynced_.size();
  if (kept > 0 && random.chance(lost)) kept = random.below(kept + 1);
  sync_journal(kept);
  unsynced_.clear();
  std::uint32_t epoch = 0;
  FileSystem::File const* const identity = files_.find("node.toml");
  CHECK(identity != nullptr && !identity->bytes.empty());
  std::from_chars(identity->bytes.data(), identity->bytes.data() + identity->bytes.size(), epoch);
  epoch_ = Epoch{epoch};
  scan();
}

// As a start does it: staging is emptied, an object that is not as long as its name says does not
// count, and every directory is synced before what is in it counts.
void Disk::scan() {
  for (std::string const& name : files_.names_in("staging")) files_.unlink("staging/" + name);
  files_.sync_directory("staging");
  objects_.clear();
  for (std::string const& directory : files_.names_in("objects")) {
    for (std::string const& name : files_.names_in("objects/" + directory)) {
      std::string const path = "objects/" + directory + "/" + name;
      auto const object = parse_file_name(name);
      FileSystem::File const* const file = files_.find(path);
      bool const any_length = planted(PlantedBug::torn_object_is_taken_for_whole);
      if (object && (any_length || file->length == object->size.value())) {
        objects_[object->digest] = object->size;
      } else {
        files_.unlink(path);
      }
    }
    files_.sync_directory("objects/" + directory);
  }
}

StoredState Disk::load(WallTime wall) const {
  StoredState stored;
  stored.wall = wall;
  stored.horizon = horizon_;
  stored.access = access_;
  for (auto const& [subject, record] : records_) stored.records.push_back(record);
  for (auto const& [key, position] : positions_) stored.positions.push_back(position);
  for (auto const& [digest, size] : objects_) stored.objects.push_back({digest, size});
  return stored;
}

}  // namespace chisme::simulation
