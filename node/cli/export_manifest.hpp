#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <string_view>

#include "cluster/base/identity.hpp"
#include "node/storage/sha256.hpp"

// What the archives of `chisme export` are made of: a member `files/NAME` for each file, and at the
// end `chisme-manifest.json`, which says how many there were and which of them do not count.
namespace chisme::node::cli {

inline constexpr std::string_view exported_files = "files/";
inline constexpr std::string_view manifest_path = "chisme-manifest.json";
inline constexpr std::size_t manifest_bytes_max = std::size_t{1} << 20;
// A file that changed while it was written has a member whose bytes are not its own, and comes once
// more. Beyond so many of them an export gives up.
inline constexpr std::size_t void_members_max = 1000;

struct ExportManifest {
  std::uint64_t members = 0;  // of files, those that do not count included
  std::uint64_t bytes = 0;
  std::set<std::uint64_t> void_members;  // their numbers, the first is 0
  std::uint64_t missing = 0;             // files whose bytes no node had
  Digest list;                           // of the list of members (MemberList)
  friend bool operator==(ExportManifest const&, ExportManifest const&) = default;
};
[[nodiscard]] std::string encode(ExportManifest const& manifest);
// nullopt: that is no manifest, or one of a later format.
[[nodiscard]] std::optional<ExportManifest> parse_manifest(std::string_view text);

// The members in their order, as a hash: so that none can be missing, doubled or moved unseen.
class MemberList {
 public:
  void add(std::string_view sha256, std::uint64_t size, std::string_view name);
  // REQUIRES: called once, last.
  [[nodiscard]] Digest finish() { return hash_.finish(); }

 private:
  Sha256 hash_;
};

}  // namespace chisme::node::cli
