#pragma once

#include <span>
#include <string>
#include <string_view>

#include "web/gateway.hpp"

// The JSON that HTTP and WebSocket share. Each function returns one JSON value as text; bytes that
// are not UTF-8 become U+FFFD. Never throws.
namespace chisme::web {

// {"name","size","type","sha256","version","modified","copies","wanted"}, and "expires" if it does
[[nodiscard]] std::string to_json(FileInfo const& file);
// A file that is still being uploaded:
// {"name","size","type","modified","copies","incomplete":true}, where the size is what can be read
// of it and `copies`, of the whole file, is 0.
struct IncompleteFile {
  std::string name;
  std::string type;
  ByteCount size;
  WallTime begun{};
};
// {"files":[…],"next":null|"name"}, both kinds by name.
[[nodiscard]] std::string to_json(Listing const& listing,
                                  std::span<IncompleteFile const> incomplete);
// {"files":[…],"next":null|"place","total":N}, and "incomplete":[…] when there are any.
[[nodiscard]] std::string to_json(FoundFiles const& found, std::optional<std::string> const& next,
                                  std::span<IncompleteFile const> incomplete);
// {"name","version","size","sha256","copies":[…],"wanted"}, and "expires" if it does
[[nodiscard]] std::string to_json(StoredFile const& stored);
// {"files":[…]}
[[nodiscard]] std::string to_json(std::span<StoredFile const> stored);
// [{"node","http","ws","load"}…]
[[nodiscard]] std::string to_json(std::span<Replica const> replicas);
// {"file","version","size","type","sha256","replicas":[…]}
[[nodiscard]] std::string route_json(FileInfo const& file, std::span<Replica const> replicas);
// docs/openapi.json has its fields. `format` says what they mean: it changes when one goes or means
// something else, and not when one is added.
inline constexpr unsigned cluster_format = 1;
[[nodiscard]] std::string to_json(ClusterStatus const& status);
// {"running","copies","checked","bytes","bytes_checked","damaged","damaged_sha256":[…]}
[[nodiscard]] std::string to_json(ScrubStatus const& status);
// The /ws/cluster message "state": {"type":"state","cluster":{…},"files":[…]}
[[nodiscard]] std::string state_json(ClusterStatus const& status, std::span<FileInfo const> files);
// The text as a JSON string, with its quotes.
[[nodiscard]] std::string json_string(std::string_view text);

// "2026-11-23T12:00:00.123Z" (RFC 3339).
[[nodiscard]] std::string rfc3339(WallTime time);

}  // namespace chisme::web
