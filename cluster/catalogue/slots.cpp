#include "cluster/catalogue/slots.hpp"

#include "cluster/base/check.hpp"
#include "cluster/base/random.hpp"
#include "cluster/catalogue/name_record.hpp"
#include "cluster/placement/rendezvous.hpp"

namespace chisme::cluster {
namespace {

std::uint64_t mark_of(LogKind log, Dot const& dot, std::uint64_t said) {
  std::uint64_t hash = mix(dot.writer.high) ^ dot.writer.low;
  hash = mix(hash) ^ (std::uint64_t{dot.epoch.value()} << 1 | static_cast<std::uint64_t>(log));
  return mix(mix(mix(hash) ^ dot.sequence) ^ said);
}

}  // namespace

std::uint64_t first_bits(Digest const& digest) {
  std::uint64_t bits = 0;
  for (std::size_t i = 0; i < sizeof bits; ++i) bits = bits << 8 | digest.bytes[i];
  return bits;
}

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

std::uint64_t mark_of(CatalogueRecord const& record) {
  if (log_of(record.change) == LogKind::holdings) {
    bool const has = std::holds_alternative<HaveRecord>(record.change);
    return mark_of(digest_of(record), record.dot, has);
  }
  Version const& version = version_of(record);
  std::uint64_t const said =
      placement_key(name_of(record)) ^ mix(version.time) ^ version.writer.low;
  return mark_of(LogKind::names, record.dot, said);
}

std::uint64_t mark_of(Digest const& digest, Dot const& dot, bool has) {
  std::uint64_t const said = first_bits(digest) ^ static_cast<std::uint64_t>(has);
  return mark_of(LogKind::holdings, dot, said);
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
