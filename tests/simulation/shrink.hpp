#pragma once

#include <functional>

#include "tests/simulation/case.hpp"

namespace chisme::simulation {

// Makes a case smaller while `fails` still holds for it: first fewer fault events (by halves, then
// quarters …: Zeller and Hildebrandt, "Simplifying and Isolating Failure-Inducing Input", 2002),
// then fewer nodes, then less time, and once more fewer events. REQUIRES: fails(the_case).
//
// `fails` is asked at most `trials` times, so that the answer may not be the smallest.
[[nodiscard]] Case shrink(Case the_case, std::function<bool(Case const&)> const& fails,
                          unsigned trials = 300);

// Whether a run of the case violates `invariant`.
[[nodiscard]] bool violates(Case const& the_case, Invariant invariant);

}  // namespace chisme::simulation
