#include "node/cli/export_manifest.hpp"

#include <nlohmann/json.hpp>
#include <span>

#include "node/cli/answer_fields.hpp"

namespace chisme::node::cli {
namespace {

constexpr char const* format_name = "chisme export 1";

}  // namespace

std::string encode(ExportManifest const& manifest) {
  return nlohmann::ordered_json{
             {"format", format_name},         {"members", manifest.members},
             {"bytes", manifest.bytes},       {"missing", manifest.missing},
             {"void", manifest.void_members}, {"members_sha256", to_hex(manifest.list)}}
             .dump(2) +
         "\n";
}

std::optional<ExportManifest> parse_manifest(std::string_view text) {
  auto const json = nlohmann::json::parse(text, nullptr, false);
  auto const list = parse_digest(text_field(json, "members_sha256"));
  if (text_field(json, "format") != format_name || !list) return std::nullopt;
  ExportManifest manifest{.members = count_field(json, "members"),
                          .bytes = count_field(json, "bytes"),
                          .void_members = {},
                          .missing = count_field(json, "missing"),
                          .list = *list};
  for (auto const& number : part_field(json, "void")) {
    if (!number.is_number_unsigned()) return std::nullopt;
    manifest.void_members.insert(number.get<std::uint64_t>());
  }
  if (manifest.void_members.size() > void_members_max) return std::nullopt;
  return manifest;
}

void MemberList::add(std::string_view sha256, std::uint64_t size, std::string_view name) {
  std::string const line = std::string{sha256} + " " + std::to_string(size) + " " +
                           std::string{name} + std::string(1, '\0');
  hash_.update(std::as_bytes(std::span(line)));
}

}  // namespace chisme::node::cli
