// What lists of many files cost one thread: its CPU time, as the machine may have other work.
//
//     build/release/tests/bench/list_costs [FILES]
//
// Pages are made on the loops of clients, who wait meanwhile; orders on a thread of the disk pool,
// counts of copies on a thread of their own.

#include <malloc.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <string>
#include <vector>

#include "cluster/base/random.hpp"
#include "cluster/catalogue/catalogue.hpp"
#include "node/census.hpp"
#include "node/file_search.hpp"
#include "node/view_queries.hpp"
#include "web/json.hpp"

namespace {

using namespace chisme;
using namespace chisme::cluster;

CatalogueSnapshot some_files(std::uint64_t count) {
  Random random{1};
  StoredCatalogue stored;
  for (std::uint64_t i = 1; i <= count; ++i) {
    Digest digest;
    for (auto& byte : digest.bytes) byte = static_cast<std::uint8_t>(random());
    NodeId const self{0, 1};
    std::string const name =
        "photos/" + std::to_string(i % 40) + "/IMG_" + std::to_string(i) + ".jpg";
    WallTime const modified{std::chrono::milliseconds{random() % 1'000'000'000'000}};
    ByteCount const size{random() % 10'000'000};
    stored.records.push_back(
        {{self, Epoch{1}, i}, PutRecord{name, {i, self}, size, digest, "image/jpeg", modified}});
    for (std::uint64_t holder = 1; holder <= 3; ++holder) {
      stored.records.push_back({{NodeId{0, holder}, Epoch{1}, i}, HaveRecord{digest, size}});
    }
  }
  return Catalogue{NodeId{0, 1}, Epoch{1}, stored, Instant{}}.snapshot();
}

ClusterView view_of(CatalogueSnapshot files) {
  ClusterView view;
  view.self = NodeId{0, 1};
  view.copies_wanted = 3;
  view.catalogue = std::move(files);
  for (std::uint64_t id = 1; id <= 5; ++id) {
    MemberView member;
    member.alive.id = NodeId{0, id};
    view.members.push_back(member);
  }
  return view;
}

// The median of nine.
template <class Work>
void measure(char const* what, Work work) {
  std::vector<double> times;
  for (int i = 0; i < 9; ++i) {
    std::clock_t const begun = std::clock();
    work();
    times.push_back(1e3 * static_cast<double>(std::clock() - begun) / CLOCKS_PER_SEC);
  }
  std::ranges::sort(times);
  std::printf("| %s | %.2f | %.2f |\n", what, times[4], times[8]);
}

}  // namespace

int main(int argc, char** argv) {
  std::uint64_t const count = argc > 1 ? std::strtoull(argv[1], nullptr, 10) : 100'000;
  ClusterView const view = view_of(some_files(count));
  std::printf("| %llu files | ms, median | worst |\n|---|---|---|\n",
              static_cast<unsigned long long>(count));
  measure("count of copies", [&] { (void)node::count_copies(view); });
  measure("page of 1000 by name",
          [&] { (void)web::to_json(node::listing(view, "", "photos/2", 1000, WallTime{}), {}); });
  std::size_t const before = mallinfo2().uordblks;
  auto const order =
      node::order_files({"", {}, web::FileSort::size, true}, view.catalogue, WallTime{});
  std::size_t const bytes = mallinfo2().uordblks + mallinfo2().hblkhd - before;
  measure("page of 1000 of an order", [&] {
    auto const found =
        node::page_of(order, {.after = {}, .offset = 500, .limit = 1000}, view, WallTime{});
    (void)web::to_json(found, "x", {});
  });
  for (auto const& [what, query] :
       {std::pair{"order by name", web::FileQuery{}},
        std::pair{"order by size", web::FileQuery{"", {}, web::FileSort::size, true}},
        std::pair{"order of a search",
                  web::FileQuery{"", {"7", "img"}, web::FileSort::modified}}}) {
    measure(what, [&] { (void)node::order_files(query, view.catalogue, WallTime{}); });
  }
  std::printf("an order takes %.1f bytes a file\n",
              static_cast<double>(bytes) / static_cast<double>(count));
  return 0;
}
