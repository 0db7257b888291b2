#include <cstddef>
#include <cstdint>
#include <string>

#include "cluster/base/check.hpp"
#include "node/storage/catalogue_store.hpp"
#include "node/storage/posix.hpp"
#include "tests/fuzz/directory.hpp"
#include "tests/fuzz/input.hpp"

// The catalogue's files after anything happened to the disk: the store opens them and reads what is
// there, or refuses them in a sentence; what it refuses as damaged it leaves as it is.
//
// A byte (bit 0: the rest is the whole file; bit 1: without the log) and patches of files that a
// store wrote: a byte (bit 0: of the log; bit 1: cut it there; bit 2: from its end), two bytes of
// place, a byte of length, bytes.
using namespace chisme;
using namespace chisme::node;

namespace {

constexpr char const* file_name_of_catalogue = "catalogue.sqlite";
constexpr char const* log_name = "catalogue.sqlite-wal";

cluster::SaveCatalogue some_save() {
  using namespace cluster;
  SaveCatalogue save;
  for (std::uint64_t n = 1; n <= 20; ++n) {
    Digest digest;
    digest.bytes.fill(static_cast<std::uint8_t>(n));
    Dot const dot{NodeId{1, n % 3}, Epoch{1}, n};
    Version const version{n, NodeId{1, 2}};
    std::string const name = "film " + std::to_string(n);
    if (n % 4 == 0) {
      save.records.push_back({dot, DeleteRecord{name, version, {}}});
    } else {
      save.records.push_back(
          {dot, PutRecord{name, version, ByteCount{n}, digest, "video/mp4", {}}});
      save.records.push_back({dot, HaveRecord{digest, ByteCount{n}}});
    }
    save.positions.push_back({NodeId{1, n % 3}, LogKind::names, Epoch{1}, n});
  }
  save.horizon.emplace().horizon = {{1, NodeId{1, 1}}, save.positions, {}};
  return save;
}

struct Files {
  std::string catalogue;
  std::string log;
};

// Files of a store that was cut off: its first save is merged, its second stands in the log.
Files written_by_a_store() {
  fuzz::Directory const directory;
  cluster::SaveCatalogue const save = some_save();
  for (bool const first : {true, false}) {
    auto store = CatalogueStore::open(directory.path());
    CHECK(store.has_value());
    CHECK((*store)->save({&save, 1}).has_value());
    CHECK((*store)->save_peers({}).has_value());
    if (first) continue;
    Files const files{read_file(directory.path() / file_name_of_catalogue).value(),
                      read_file(directory.path() / log_name).value()};
    CHECK(!files.log.empty() && !files.catalogue.empty());
    return files;
  }
  return {};
}

void patch(std::string& file, std::uint8_t kind, fuzz::Input& input) {
  std::size_t at = input.number(2) * 2;
  std::string_view const bytes = input.take(input.byte());
  at = std::min(at, file.size());
  if ((kind & 4) != 0) at = file.size() - at;
  if ((kind & 2) != 0) return file.resize(at);
  file.replace(at, std::min(bytes.size(), file.size() - at), bytes);
}

Files damaged(fuzz::Input& input) {
  static Files const whole = written_by_a_store();
  std::uint8_t const kind = input.byte();
  if ((kind & 1) != 0) return {std::string{input.rest()}, {}};
  Files files = whole;
  if ((kind & 2) != 0) files.log.clear();
  while (!input.empty()) {
    std::uint8_t const what = input.byte();
    patch((what & 1) != 0 ? files.log : files.catalogue, what, input);
  }
  return files;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
  static fuzz::Directory const directory;
  fuzz::Input input{data, size};
  Files const files = damaged(input);
  auto const path = directory.write(file_name_of_catalogue, files.catalogue);
  auto const log = directory.path() / log_name;
  ::unlink((path.string() + "-shm").c_str());
  ::unlink(log.c_str());
  if (!files.log.empty()) directory.write(log_name, files.log);
  auto store = CatalogueStore::open(directory.path());
  if (!store) {
    CHECK(!store.error().message.empty());
    if (store.error().fault == Fault::corrupt) CHECK(read_file(path) == files.catalogue);
    return 0;
  }
  auto const contents = (*store)->load();
  if (!contents) {
    CHECK(!contents.error().message.empty());
    return 0;
  }
  cluster::SaveCatalogue const save = some_save();
  auto const saved = (*store)->save({&save, 1});
  if (!saved) CHECK(!saved.error().message.empty());
  return 0;
}
