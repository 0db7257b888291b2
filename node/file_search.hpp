#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <vector>

#include "cluster/base/time.hpp"
#include "cluster/view.hpp"
#include "node/storage/disk_pool.hpp"
#include "web/file_query.hpp"
#include "web/gateway.hpp"

namespace chisme::node {

// Files in the order of a query, as they were in one snapshot of the catalogue, which keeps them.
struct FileOrder {
  struct Row {
    std::int64_t value;  // web::sort_value
    cluster::PutRecord const* file;
  };
  web::FileQuery query;
  cluster::CatalogueSnapshot snapshot;
  std::vector<Row> rows;
  std::optional<WallTime> expires = {};  // when the first of them does
};
// Of what has not expired at `now`; in time that grows with the files that begin with the query's
// prefix.
[[nodiscard]] FileOrder order_files(web::FileQuery query,
                                    cluster::CatalogueSnapshot const& snapshot, WallTime now);
// A page of it, with the copies that `view` knows of, without what has expired since.
[[nodiscard]] web::FoundFiles page_of(FileOrder const& order, web::FilePage const& page,
                                      cluster::ClusterView const& view, WallTime now);

// FileSearch makes orders one at a time on a thread of the disk pool, where they hold up no client,
// and keeps the last few. One is given again as long as the catalogue is the same and none of its
// files has expired, and for three
// times as long as it took to make: while files are stored without pause, a list of a million is
// some seconds old, and a short one a few milliseconds.
//
// Thread-safe. Its jobs refer to it: it outlives the pool.
class FileSearch {
 public:
  static constexpr std::size_t orders_max = 8;
  static constexpr std::size_t rows_max = 4'000'000;  // of all orders that are kept: 64 MB
  static constexpr unsigned waiting_max = 64;
  using View = std::shared_ptr<cluster::ClusterView const>;
  using Order = std::shared_ptr<FileOrder const>;

  explicit FileSearch(DiskPool& disk) : lane_(disk) {}

  // One that was kept; null when it must be made.
  [[nodiscard]] Order kept(web::FileQuery const& query, cluster::ClusterView const& view,
                           Instant now);
  // Makes it of what `view()` gives when its turn comes, and calls `done` on the pool's thread.
  // Fault: busy; then `done` is not called.
  [[nodiscard]] Result<void> make(web::FileQuery query, std::function<View()> view,
                                  std::function<void(Order)> done);

 private:
  struct Kept {
    Order order;
    Instant until{};
  };
  void keep(Order order, Instant now, Instant until);

  DiskPool::Lane lane_;
  std::mutex mutex_;
  std::vector<Kept> kept_;  // the last used comes last
  unsigned waiting_ = 0;
};

}  // namespace chisme::node
