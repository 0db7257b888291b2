#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "cluster/base/check.hpp"
#include "tests/fuzz/input.hpp"
#include "web/tus/upload.hpp"

// What a node makes of the files of a resumable upload, which others wrote: descriptions, ends,
// lengths, and parts that overlap, leave gaps and lie about where they are.
using namespace chisme;
using namespace chisme::web;

namespace {

constexpr std::string_view upload_id = "0123456789abcdef0123456789abcdef";

// Each line: two bytes of size, four of a version, then what follows the upload's name.
std::vector<FileInfo> files_of(fuzz::Input& input) {
  std::vector<FileInfo> files;
  while (!input.empty() && files.size() < 64) {
    FileInfo file;
    file.size = ByteCount{input.number(2)};
    file.version = input.take(4);
    file.type = input.take(2);
    file.name = tus::files_prefix(upload_id) + std::string{input.line()};
    files.push_back(std::move(file));
  }
  return files;
}

// The pieces are what is there from `from` on, without a gap.
void check_pieces(std::vector<tus::Part> const& parts, ByteOffset from) {
  auto const chain = tus::pieces(parts, from);
  CHECK(chain.size() <= 2 * parts.size() + 1);
  std::uint64_t at = from.value();
  for (tus::Piece const& piece : chain) {
    CHECK(piece.size.value() > 0);
    CHECK(piece.from.value() + piece.size.value() <= piece.file.size.value());
    auto const first = tus::piece_at(parts, ByteOffset{at});
    CHECK(first && first->file.name == piece.file.name && first->from == piece.from);
    at += piece.size.value();
  }
  CHECK(!tus::piece_at(parts, ByteOffset{at}));
  if (from == ByteOffset{}) CHECK(tus::covered(parts).value() == at);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
  fuzz::Input input{data, size};
  std::string_view const text = input.rest();
  if (auto const about = tus::parse_about(text)) {
    auto const again = tus::parse_about(tus::to_json(*about));
    CHECK(again && again->length == about->length && again->partials == about->partials);
  }
  if (auto const done = tus::parse_done(text)) {
    CHECK(tus::parse_done(tus::to_text(*done))->size == done->size);
  }
  ByteOffset const from{input.number(2)};
  auto const progress = tus::progress_of(upload_id, files_of(input));
  check_pieces(progress.parts, ByteOffset{});
  check_pieces(progress.parts, from);
  CHECK(tus::file_version("", progress).size() <= 4);
  return 0;
}
