// Fills the data directory of a node that does not run with files that nobody uploaded: names and
// holdings through the catalogue's own store, and for each an empty file where its object would be.
//
//     build/release/tests/bench/fill_node DATA 1000000
//
// The objects' names are no hashes of their bytes: a node on this directory starts and lists, but
// whoever checks or reads a copy finds it corrupt. tests/bench/many_files.py measures with it.

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <string>

#include "cluster/base/random.hpp"
#include "node/storage/catalogue_store.hpp"
#include "node/storage/identity_file.hpp"

namespace {

namespace fs = std::filesystem;
using namespace chisme;
using namespace chisme::cluster;

constexpr std::uint64_t batch_files = 10'000;  // a transaction

Digest digest_of_file(std::uint64_t file) {
  Random random{file};
  Digest digest;
  for (auto& byte : digest.bytes) byte = static_cast<std::uint8_t>(random());
  return digest;
}

void add(SaveCatalogue& save, node::Identity const& self, std::uint64_t file) {
  char name[64];
  std::snprintf(name, sizeof name, "photos/%04u/IMG_%08llu.jpg", static_cast<unsigned>(file % 40),
                static_cast<unsigned long long>(file));
  constexpr std::int64_t some_time = 1'700'000'000'000;
  Version const version{(std::uint64_t{some_time} << 16) + file, self.id};
  Digest const digest = digest_of_file(file);
  Dot const dot{self.id, self.epoch, file + 1};
  WallTime const modified{std::chrono::milliseconds{some_time}};
  save.records.push_back(
      {dot, PutRecord{name, version, ByteCount{}, digest, "image/jpeg", modified}});
  save.records.push_back({dot, HaveRecord{digest, ByteCount{}}});
}

Result<void> fill(fs::path const& data, std::uint64_t count) {
  auto const self = node::start_identity(data);
  if (!self) return tl::unexpected<Error>(self.error());
  auto store = node::CatalogueStore::open(data);
  if (!store) return tl::unexpected<Error>(store.error());
  for (std::uint64_t begin = 0; begin < count; begin += batch_files) {
    std::uint64_t const end = std::min(count, begin + batch_files);
    SaveCatalogue save{
        .save = SaveId{end}, .records = {}, .positions = {}, .forgotten = {}, .horizon = {}};
    for (std::uint64_t file = begin; file < end; ++file) {
      add(save, *self, file);
      std::string const hex = to_hex(digest_of_file(file));
      fs::path const directory = data / "objects" / hex.substr(0, 2);
      fs::create_directories(directory);
      if (!std::ofstream{directory / (hex + "-0")}) {
        return fail(Fault::io, "making an object: " + std::string{std::strerror(errno)});
      }
    }
    for (LogKind const log : {LogKind::names, LogKind::holdings}) {
      save.positions.push_back({self->id, log, self->epoch, end});
    }
    if (auto saved = (*store)->save({&save, 1}); !saved) return saved;
  }
  return {};
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) {
    std::fprintf(stderr, "usage: fill_node DATA COUNT\n");
    return 2;
  }
  auto const filled = fill(argv[1], std::strtoull(argv[2], nullptr, 10));
  if (filled) return 0;
  std::fprintf(stderr, "%s\n", filled.error().message.c_str());
  return 1;
}
