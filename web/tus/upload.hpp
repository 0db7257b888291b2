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
//   ID/length       the length that was told later: it is this file's media type
//   ID/writer       whose turn it is: the request that stored the newest version of this file; the
//                   media type is the offset at which that request began
//   ID/part/O-V     bytes from offset O on, by the writer V
//   ID/done         the file is stored, the parts may go; of an upload that may be read while it
//                   comes (web/tus/live.hpp) it has the SHA-256 and size of the file
//
// The latter has a second name, by which it is found:
//
//   live/NAME/ID
//
// What is covered without a gap from the beginning on is the upload's offset, and never shrinks.
// Parts may overlap: a request may store what it had already when it is overtaken. It is not
// acknowledged, and where the bytes are the later writer's too, those are taken.
//
// So of a complete upload all nodes take the same pieces, and the newest version among what it was
// completed by is the version of the file: decided before anybody makes it, whoever does so.
namespace chisme::web::tus {

struct About {
  std::string name;
  std::string type;
  std::string metadata;
  std::optional<ByteCount> length;
  Concat concat = Concat::none;
  std::vector<std::string> partials;
  bool live = false;
  std::optional<TimeToLive> ttl = {};
};
[[nodiscard]] About about(Create const& create);
[[nodiscard]] std::string to_json(About const& about);
// nullopt for anything that `to_json` does not write.
[[nodiscard]] std::optional<About> parse_about(std::string_view json);

[[nodiscard]] std::string uploads_prefix();                   // of all uploads
[[nodiscard]] std::string files_prefix(std::string_view id);  // of all that is an upload's
[[nodiscard]] std::string parts_prefix(std::string_view id);
[[nodiscard]] std::string about_name(std::string_view id);
[[nodiscard]] std::string length_name(std::string_view id);
[[nodiscard]] std::string writer_name(std::string_view id);
[[nodiscard]] std::string part_name(std::string_view id, ByteOffset offset,
                                    std::string_view writer);
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

// A number that a file's media type is.
[[nodiscard]] std::string number_type(std::uint64_t number);
[[nodiscard]] std::optional<std::uint64_t> number_of(FileInfo const& file);

struct Part {
  ByteOffset offset;
  std::string writer;
  FileInfo file;
};
// What the names of an upload's files tell.
struct Progress {
  std::vector<Part> parts;  // by offset, then by writer
  std::optional<ByteCount> told_length;
  std::string length_version;
  bool done = false;
  WallTime newest{};  // when something last changed
};
// `files` are those with the prefix of one upload; others among them are passed over.
[[nodiscard]] Progress progress_of(std::string_view id, std::vector<FileInfo> files);

// How many bytes from the beginning on the parts have.
[[nodiscard]] ByteCount covered(std::vector<Part> const& parts);
// The bytes from `from` on up to the first gap, as ranges of the parts, in order.
struct Piece {
  FileInfo file;
  ByteOffset from;
  ByteCount size;
};
[[nodiscard]] std::vector<Piece> pieces(std::vector<Part> const& parts, ByteOffset from = {});
// From `at` on, the first of them; nullopt when that byte is not there.
[[nodiscard]] std::optional<Piece> piece_at(std::vector<Part> const& parts, ByteOffset at);
// The file's version once all is there; `about_version` is that of the description.
[[nodiscard]] std::string file_version(std::string const& about_version, Progress const& progress);

}  // namespace chisme::web::tus
