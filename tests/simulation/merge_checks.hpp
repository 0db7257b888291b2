#pragma once

#include <cstddef>
#include <vector>

#include "cluster/membership/member_table.hpp"
#include "tests/simulation/sight.hpp"

namespace chisme::simulation {

// MergeChecks keeps a fair sample of the records that nodes really told each other, and merges it
// into empty tables in different orders, once and twice: the result must be the same (invariant 7).
class MergeChecks {
 public:
  static constexpr std::size_t sample = 400;  // of each kind

  MergeChecks(Surroundings& around, Random random) : around_(around), random_(random) {}

  void sends(cluster::Message const& message);
  // Compares; once, at the end of a run.
  void compare();

 private:
  template <class T>
  struct Sampled {
    std::vector<T> kept;
    std::size_t seen = 0;
  };
  template <class T>
  void keep(T const& item, Sampled<T>& sampled);
  template <class T>
  std::vector<T> shuffled_twice(std::vector<T> items);
  void sends(std::vector<cluster::Record> const& records);
  void sends(cluster::MemberRecord const& record);
  void compare_catalogues();
  void compare_members();

  Surroundings& around_;
  Random random_;
  Sampled<cluster::CatalogueRecord> changes_;
  Sampled<cluster::News> news_;
};

}  // namespace chisme::simulation
