#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "web/gateway.hpp"
#include "web/tus/request.hpp"

// What a resumable upload is while it is under way: a few files under an internal name, which are
// written, copied, repaired and read as all others. So its bytes are as safe as theirs, any node
// knows of it, and it outlives every node but its W holders.
//
//   ID/about        its description, JSON
//   ID/length/N     the length that was told later
//   ID/part/O-X     bytes from offset O on; X is random, for two requests may write the same offset
//   ID/done         the file is stored, and this is its SHA-256 and size; the parts may go
//
// One that may be read while it comes (web/tus/live.hpp) has a second name, by which it is found:
//
//   live/NAME/ID
//
// Parts may overlap: two requests that run at once write the same bytes of the same file. What is
// covered without a gap from the beginning on is the upload's offset, and never shrinks.
namespace chisme::web::tus {

struct About {
  std::string name;
  std::string type;
  std::string metadata;
  std::optional<ByteCount> length;
  Concat concat = Concat::none;
  std::vector<std::string> partials;
  bool live = false;
};
[[nodiscard]] About about(Create const& create);
[[nodiscard]] std::string to_json(About const& about);
// nullopt for anything that `to_json` does not write.
[[nodiscard]] std::optional<About> parse_about(std::string_view json);

[[nodiscard]] std::string files_prefix(std::string_view id);  // of all that is an upload's
[[nodiscard]] std::string about_name(std::string_view id);
[[nodiscard]] std::string length_name(std::string_view id, ByteCount length);
[[nodiscard]] std::string part_name(std::string_view id, ByteOffset offset,
                                    std::string_view unique);
[[nodiscard]] std::string done_name(std::string_view id);
[[nodiscard]] std::string live_prefix(std::string_view name);
[[nodiscard]] std::string live_name(std::string_view name, std::string_view id);

// What `done` holds.
struct Done {
  Digest digest;
  ByteCount size;
};
[[nodiscard]] std::string to_text(Done const& done);
[[nodiscard]] std::optional<Done> parse_done(std::string_view text);

struct Part {
  ByteOffset offset;
  FileInfo file;
};
// What the names of an upload's files tell.
struct Progress {
  std::vector<Part> parts;  // by offset
  std::optional<ByteCount> told_length;
  bool done = false;
  WallTime newest{};  // when something last changed
};
// `files` are those with the prefix of one upload; others among them are passed over.
[[nodiscard]] Progress progress_of(std::string_view id, std::vector<FileInfo> files);

// How many bytes from the beginning on the parts have.
[[nodiscard]] ByteCount covered(std::vector<Part> const& parts);
// The same bytes as ranges of the parts, in order.
struct Piece {
  FileInfo file;
  ByteOffset from;
  ByteCount size;
};
// Of parts by offset, the one that has the byte at `at` and reaches furthest, from there on.
[[nodiscard]] std::optional<Piece> piece_at(std::vector<Part> const& parts, ByteOffset at);
[[nodiscard]] std::vector<Piece> pieces(std::vector<Part> const& parts);

}  // namespace chisme::web::tus
