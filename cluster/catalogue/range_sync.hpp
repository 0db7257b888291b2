#pragma once

#include <cstdint>

#include "cluster/catalogue/catalogue.hpp"

namespace chisme::cluster {

// Range-based set reconciliation (Meyer 2022, "Range-based set reconciliation"): finds the records
// in which two catalogues differ, whatever their log positions say.
//
// The subjects fall into 4096 slots (slots.hpp), each with a fingerprint of its records. One side
// sends the fingerprints of the 16 parts of all; each answer goes one level down where they
// differ, and at the slots lists the marks of all records there; the next one sends the records
// that the other lacks and asks for those that it lacks itself. So six messages level both sides,
// and one record among a million files costs about 10 KB. No message depends on an earlier one.
//
// A message is bounded by the constants of RangeSync, and its records by `delta_bytes_max`. What
// does not fit is left to the next exchange; `from` says where each begins, so that where there
// are always some differences (writes that are under way) all slots get their turn.

// The first message of an exchange.
[[nodiscard]] RangeSync open_range_sync(Catalogue const& catalogue, std::uint16_t from);
// What to answer. REQUIRES: the message's records have been merged, its horizon is this one, and
// neither side is filling: both have had everything before the floors. Of that, what this node says
// of its own copies and the other lacks is said anew (`Catalogue::say_again`).
[[nodiscard]] RangeSync answer_to(RangeSync const& message, Catalogue& catalogue);
// Such an answer is not sent.
[[nodiscard]] bool says_nothing(RangeSync const& message);

}  // namespace chisme::cluster
