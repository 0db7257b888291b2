#include "cluster/catalogue/slots.hpp"

#include "cluster/base/check.hpp"
#include "cluster/base/random.hpp"
#include "cluster/catalogue/name_record.hpp"
#include "cluster/placement/rendezvous.hpp"

namespace chisme::cluster {

std::uint16_t slot_of(std::string_view name) {
  return static_cast<std::uint16_t>(placement_key(name) >> 52);
}

std::uint16_t slot_of(Digest const& digest) {
  return static_cast<std::uint16_t>(digest.bytes[0] << 4 | digest.bytes[1] >> 4);
}

std::uint16_t slot_of(CatalogueRecord const& record) {
  if (log_of(record.change) == LogKind::names) return slot_of(name_of(record));
  return slot_of(digest_of(record));
}

std::uint64_t mark_of(LogKind log, Dot const& dot) {
  std::uint64_t hash = mix(dot.writer.high) ^ dot.writer.low;
  hash = mix(hash) ^ (std::uint64_t{dot.epoch.value()} << 1 | static_cast<std::uint64_t>(log));
  return mix(mix(hash) ^ dot.sequence);
}

std::array<std::uint64_t, 16> SlotFingerprints::parts(unsigned level, std::size_t index) const {
  CHECK(level < slot_level && index < std::size_t{1} << 4 * level);
  std::size_t const width = slot_count >> 4 * (level + 1);  // slots of one part
  std::array<std::uint64_t, 16> parts{};
  auto slot = slots_.begin() + static_cast<std::ptrdiff_t>(index * 16 * width);
  for (std::uint64_t& part : parts) {
    for (std::size_t i = 0; i < width; ++i) part ^= *slot++;
  }
  return parts;
}

}  // namespace chisme::cluster
