#include <fcntl.h>

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "cluster/base/check.hpp"
#include "node/cli/archive.hpp"
#include "node/cli/export_manifest.hpp"
#include "node/cli/rfc3339.hpp"
#include "node/storage/posix.hpp"
#include "tests/fuzz/directory.hpp"
#include "tests/fuzz/input.hpp"

// Archives that somebody gives to `chisme import`: what is no archive is told in a sentence, and no
// member has more bytes than the input could hold.
using namespace chisme;
using namespace chisme::node;

namespace {

void check_archive(fuzz::Directory const& directory, std::string_view text) {
  auto const file = open_file(directory.write("x.tar", text), O_RDONLY);
  auto archive = cli::ArchiveReader::open(file->number());
  if (!archive) return CHECK(!archive.error().message.empty());
  std::vector<std::byte> block(4096);
  for (;;) {
    auto const member = archive->next();
    if (!member) return CHECK(!member.error().message.empty());
    if (!*member) return;
    if (!(*member)->is_file) continue;
    std::size_t total = 0;
    for (;;) {
      auto const got = archive->read(block);
      if (!got) return CHECK(!got.error().message.empty());
      if (*got == 0) break;
      total += *got;
      CHECK(total <= text.size());
    }
  }
}

void check_manifest(std::string_view text) {
  auto const manifest = cli::parse_manifest(text);
  if (!manifest) return;
  CHECK(cli::parse_manifest(cli::encode(*manifest)) == manifest);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
  static fuzz::Directory const directory;
  fuzz::Input input{data, size};
  std::uint8_t const kind = input.byte() % 3;
  if (kind == 0) check_archive(directory, input.rest());
  if (kind == 1) check_manifest(input.rest());
  if (kind == 2) static_cast<void>(cli::seconds_of(std::string{input.rest()}));
  return 0;
}
