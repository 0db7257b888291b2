#pragma once

#include <cstdint>
#include <initializer_list>
#include <optional>
#include <span>
#include <string_view>

#include "cluster/base/planted_bug.hpp"
#include "tests/simulation/invariants.hpp"
#include "tests/simulation/schedule.hpp"

// The mistakes that were planted, and what has to find each of them.
namespace chisme::simulation {

// A set of invariants, as bits.
[[nodiscard]] constexpr std::uint32_t any_of(std::initializer_list<Invariant> of) {
  std::uint32_t bits = 0;
  for (Invariant const one : of) bits |= 1u << static_cast<unsigned>(one);
  return bits;
}

// What the runs of a row are.
enum class Setting : std::uint8_t {
  usual,       // five nodes, 40 s of faults
  by_streams,  // three nodes between which no datagram passes
  revoking,    // as usual, and tokens are revoked before the faults
};

struct PlantedRow {
  PlantedBug bug = PlantedBug::none;
  std::string_view name;
  std::string_view where;
  std::string_view mistake;
  std::uint32_t found_by = 0;      // one of these must be violated
  std::optional<FaultKind> needs;  // the only kind of fault there is; nullopt: none is needed
  unsigned within_seeds = 4;
  Setting setting = Setting::usual;
};

// Each bug, each invariant by its number, alone, and each kind of fault is in at least one row: the
// program does not compile otherwise.
[[nodiscard]] std::span<PlantedRow const> planted_rows();

}  // namespace chisme::simulation
