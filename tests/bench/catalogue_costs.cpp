// Measures what the catalogue costs at several numbers of files, and prints a Markdown table:
//
//     build/release/tests/bench/catalogue_costs 10000 100000 1000000
//
// Five nodes, three copies of each file, names of about 25 bytes. Two real catalogues level through
// AntiEntropy; every message is encoded and decoded. Memory is what malloc says is in use.

#include <malloc.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "cluster/base/random.hpp"
#include "tests/cluster/catalogue/nodes.hpp"

namespace {

using namespace chisme;
using namespace chisme::cluster;
using namespace chisme::cluster::testing;

constexpr std::uint64_t writers = 5;
constexpr std::uint64_t copies = 3;
constexpr std::uint64_t first_writer = 101;  // not the two nodes that level

double seconds_of(std::function<void()> const& work) {
  auto const start = std::chrono::steady_clock::now();
  work();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

std::size_t bytes_in_use() {
  struct mallinfo2 const info = mallinfo2();
  return info.uordblks + info.hblkhd;
}

Digest digest_of_file(std::uint64_t file) {
  Random random{file};
  Digest digest;
  for (auto& byte : digest.bytes) byte = static_cast<std::uint8_t>(random());
  return digest;
}

NodeId writer(std::uint64_t number) {
  return {mix(number % writers), first_writer + number % writers};
}

// The put of a file and the haves of its holders, with dots as honest writers give them.
class Writers {
 public:
  std::vector<CatalogueRecord> write(std::uint64_t file) {
    std::uint64_t const number = mix(file) % writers;
    char name[64];
    std::snprintf(name, sizeof name, "photos/%04u/IMG_%08llu.jpg", static_cast<unsigned>(file % 40),
                  static_cast<unsigned long long>(file));
    Digest const digest = digest_of_file(file);
    ByteCount const size{1 << 20};
    WallTime const modified{std::chrono::milliseconds{1'700'000'000'000}};
    Version const version{(std::uint64_t{1'700'000'000'000} << 16) + file, writer(number)};
    std::vector<CatalogueRecord> records;
    records.push_back({{writer(number), Epoch{1}, ++names_[number]},
                       PutRecord{name, version, size, digest, "image/jpeg", modified}});
    for (std::uint64_t i = 0; i < copies; ++i) {
      std::uint64_t const holder = (number + i) % writers;
      records.push_back(
          {{writer(holder), Epoch{1}, ++holdings_[holder]}, HaveRecord{digest, size}});
    }
    return records;
  }
  std::vector<LogPosition> positions() const {
    std::vector<LogPosition> positions;
    for (std::uint64_t i = 0; i < writers; ++i) {
      positions.push_back({writer(i), LogKind::names, Epoch{1}, names_[i]});
      positions.push_back({writer(i), LogKind::holdings, Epoch{1}, holdings_[i]});
    }
    return positions;
  }

 private:
  std::uint64_t names_[writers]{};
  std::uint64_t holdings_[writers]{};
};

// As a disk gives it back, but for the record `left_out` (counted from 1).
StoredCatalogue stored(std::uint64_t files, std::uint64_t left_out, Writers& writing) {
  StoredCatalogue stored;
  for (std::uint64_t file = 0; file < files; ++file) {
    for (CatalogueRecord& record : writing.write(file)) {
      if (--left_out != 0) stored.records.push_back(std::move(record));
    }
  }
  stored.positions = writing.positions();
  return stored;
}

struct Costs {
  std::uint64_t files = 0;
  double load_seconds = 0;
  double bytes_per_file = 0;
  double update_microseconds = 0;
  double level_seconds = 0;
  std::uint64_t level_bytes = 0;
  int level_messages = 0;
  double range_seconds = 0;
  std::uint64_t range_bytes = 0;
};

// From the first gossip until both have the same, without waiting for time to pass.
double level(Nodes& nodes, Node& one, Node& two) {
  return seconds_of([&] {
    while (!nodes.agree()) {
      nodes.gossip(one, two);
      nodes.now += std::chrono::milliseconds{600};
    }
  });
}

void measure_levelling(Costs& costs, Node& full) {
  Nodes nodes{2};
  Node empty{2};
  nodes.join(full);
  nodes.join(empty);
  costs.level_seconds = level(nodes, empty, full);
  costs.level_bytes = nodes.bytes;
  for (auto const& [kind, count] : nodes.kinds) costs.level_messages += count;
}

void measure_range_sync(Costs& costs, Node& full) {
  Writers writing;
  Node lacking{2, stored(costs.files, costs.files * (copies + 1) / 2, writing)};
  Nodes nodes{2};
  nodes.join(full);
  nodes.join(lacking);
  costs.range_seconds = level(nodes, lacking, full);
  costs.range_bytes = nodes.bytes;
}

void measure_updates(Costs& costs, Node& full, Writers& writing) {
  constexpr std::uint64_t updates = 2000;
  std::vector<std::vector<CatalogueRecord>> news;
  for (std::uint64_t i = 0; i < updates; ++i) news.push_back(writing.write(costs.files + i));
  CatalogueSnapshot published;
  double const seconds = seconds_of([&] {
    for (auto const& update : news) {
      for (CatalogueRecord const& record : update) tell(full, record);
      published = full.catalogue.snapshot();
      (void)full.catalogue.take_touched();
      (void)full.catalogue.take_fresh();
    }
  });
  costs.update_microseconds = seconds / updates * 1e6;
}

Costs measure(std::uint64_t files) {
  Costs costs{.files = files};
  Writers writing;
  std::size_t const before = bytes_in_use();
  StoredCatalogue from_disk = stored(files, 0, writing);
  std::optional<Node> full;
  costs.load_seconds = seconds_of([&] { full.emplace(1, std::move(from_disk)); });
  costs.bytes_per_file = static_cast<double>(bytes_in_use() - before) / static_cast<double>(files);
  measure_levelling(costs, *full);
  measure_range_sync(costs, *full);
  measure_updates(costs, *full, writing);
  return costs;
}

void print_update_bytes() {
  constexpr int told = 4;  // times by each node: 4 * ceil(log10(5 + 1)), see Dissemination
  Writers writing;
  std::size_t record_bytes = 0;
  for (CatalogueRecord const& record : writing.write(1)) record_bytes += encoded_size(record);
  std::size_t const digest_bytes =
      encoded_size(Message{CatalogueDigest{writing.positions(), true}});
  std::printf(
      "A new file (one put, three haves) is %zu bytes of records; gossip carries them at "
      "most %d times from each of %llu nodes: %zu bytes in all, %zu per node. An exchange of "
      "anti-entropy that finds nothing costs two digests of %zu bytes.\n\n",
      record_bytes, told, static_cast<unsigned long long>(writers), record_bytes * told * writers,
      record_bytes * told, digest_bytes);
}

void print(Costs const& costs) {
  std::printf(
      "| %llu | %.0f B | %.2f s | %.1f us | %.2f s, %.1f MB, %d messages | %.4f s, %.1f kB |\n",
      static_cast<unsigned long long>(costs.files), costs.bytes_per_file, costs.load_seconds,
      costs.update_microseconds, costs.level_seconds, static_cast<double>(costs.level_bytes) / 1e6,
      costs.level_messages, costs.range_seconds, static_cast<double>(costs.range_bytes) / 1e3);
  std::fflush(stdout);
}

}  // namespace

int main(int count, char** arguments) {
  std::vector<std::uint64_t> sizes;
  for (int i = 1; i < count; ++i) sizes.push_back(std::strtoull(arguments[i], nullptr, 10));
  if (sizes.empty()) sizes = {10'000, 100'000, 1'000'000};
  print_update_bytes();
  std::printf(
      "| files | memory per file | load at start | one update | an empty node levels | one "
      "record of all differs |\n|---|---|---|---|---|---|\n");
  for (std::uint64_t const files : sizes) print(measure(files));
  return 0;
}
