#include "node/cli/archive.hpp"

#include <archive.h>
#include <archive_entry.h>

#include <algorithm>
#include <clocale>
#include <string_view>

#include "node/cli/text.hpp"
#include "node/storage/sha256.hpp"

namespace chisme::node::cli {
namespace {

constexpr std::size_t archive_block_bytes = 64 << 10;
constexpr char const* sha256_attribute = "user.chisme.sha256";
constexpr char const* type_attribute = "user.chisme.type";
constexpr char const* check_attribute = "user.chisme.check";

// libarchive takes names for text of the process's locale; they are UTF-8 whatever that is.
void speak_utf8() {
  static bool const done = std::setlocale(LC_CTYPE, "C.UTF-8") != nullptr;
  static_cast<void>(done);
}

struct EndEntry {
  void operator()(archive_entry* entry) const { archive_entry_free(entry); }
};

std::string complaint_of(archive* about) {
  char const* const text = archive_error_string(about);
  return printable(text == nullptr ? "no reason is known" : text);
}

void add_attribute(archive_entry* entry, char const* name, std::string const& value) {
  if (!value.empty()) archive_entry_xattr_add_entry(entry, name, value.data(), value.size());
}

std::string text_or_nothing(char const* text) {
  return text == nullptr ? std::string{} : std::string{text};
}

std::string path_of(archive_entry* entry) {
  std::string path = text_or_nothing(archive_entry_pathname(entry));
  return path.empty() ? text_or_nothing(archive_entry_pathname_utf8(entry)) : path;
}

std::string check_of(ArchiveMember const& member) {
  std::string const end(1, '\0');
  std::string const fields =
      member.path + end + std::to_string(member.size) + end + member.sha256 + end + member.type;
  Sha256 hash;
  hash.update(std::as_bytes(std::span(fields)));
  return to_hex(hash.finish());
}

void read_attributes(archive_entry* entry, ArchiveMember& member) {
  std::string check;
  archive_entry_xattr_reset(entry);
  char const* name = nullptr;
  void const* value = nullptr;
  std::size_t size = 0;
  while (archive_entry_xattr_next(entry, &name, &value, &size) == ARCHIVE_OK) {
    if (name == nullptr || value == nullptr) continue;
    std::string const text{static_cast<char const*>(value), size};
    if (std::string_view{name} == sha256_attribute) member.sha256 = text;
    if (std::string_view{name} == type_attribute) member.type = text;
    if (std::string_view{name} == check_attribute) check = text;
  }
  member.is_whole = check == check_of(member);
}

}  // namespace

// ---- Writing -----------------------------------------------------------------------------------

void ArchiveWriter::Free::operator()(archive* writer) const {
  archive_write_free(writer);
}

tl::unexpected<Error> ArchiveWriter::broken() {
  return fail(Fault::io, "the archive cannot be written: " + complaint_of(writer_.get()));
}

Result<ArchiveWriter> ArchiveWriter::open(int descriptor) {
  speak_utf8();
  ArchiveWriter made{archive_write_new()};
  archive* const writer = made.writer_.get();
  bool const ready =
      writer != nullptr && archive_write_set_format_pax(writer) == ARCHIVE_OK &&
      archive_write_set_format_option(writer, "pax", "hdrcharset", "BINARY") == ARCHIVE_OK &&
      archive_write_set_format_option(writer, "pax", "xattrheader", "SCHILY") == ARCHIVE_OK &&
      archive_write_set_bytes_per_block(writer, static_cast<int>(archive_block_bytes)) ==
          ARCHIVE_OK &&
      archive_write_set_bytes_in_last_block(writer, 1) == ARCHIVE_OK &&
      archive_write_open_fd(writer, descriptor) == ARCHIVE_OK;
  if (!ready) return made.broken();
  return made;
}

Result<void> ArchiveWriter::begin(ArchiveMember const& member) {
  std::unique_ptr<archive_entry, EndEntry> const entry{archive_entry_new()};
  archive_entry_copy_pathname(entry.get(), member.path.c_str());
  archive_entry_set_size(entry.get(), static_cast<la_int64_t>(member.size));
  archive_entry_set_filetype(entry.get(), AE_IFREG);
  archive_entry_set_perm(entry.get(), 0644);
  archive_entry_set_mtime(entry.get(), static_cast<time_t>(member.modified), 0);
  add_attribute(entry.get(), sha256_attribute, member.sha256);
  add_attribute(entry.get(), type_attribute, member.type);
  add_attribute(entry.get(), check_attribute, check_of(member));
  if (archive_write_header(writer_.get(), entry.get()) != ARCHIVE_OK) return broken();
  return {};
}

Result<void> ArchiveWriter::write(std::span<std::byte const> bytes) {
  while (!bytes.empty()) {
    la_ssize_t const wrote = archive_write_data(writer_.get(), bytes.data(), bytes.size());
    if (wrote <= 0) return broken();
    bytes = bytes.subspan(static_cast<std::size_t>(wrote));
  }
  return {};
}

Result<void> ArchiveWriter::finish() {
  if (archive_write_close(writer_.get()) != ARCHIVE_OK) return broken();
  return {};
}

// ---- Reading -----------------------------------------------------------------------------------

void ArchiveReader::Free::operator()(archive* reader) const {
  archive_read_free(reader);
}

tl::unexpected<Error> ArchiveReader::broken() {
  return fail(Fault::corrupt, complaint_of(reader_.get()));
}

Result<ArchiveReader> ArchiveReader::open(int descriptor) {
  speak_utf8();
  ArchiveReader made{archive_read_new()};
  archive* const reader = made.reader_.get();
  bool const ready = reader != nullptr && archive_read_support_filter_none(reader) == ARCHIVE_OK &&
                     archive_read_support_format_tar(reader) == ARCHIVE_OK &&
                     archive_read_open_fd(reader, descriptor, archive_block_bytes) == ARCHIVE_OK;
  if (!ready) return made.broken();
  return made;
}

Result<std::optional<ArchiveMember>> ArchiveReader::next() {
  archive_entry* entry = nullptr;
  int const status = archive_read_next_header(reader_.get(), &entry);
  if (status == ARCHIVE_EOF) return std::nullopt;
  if (status < ARCHIVE_WARN) return broken();
  ArchiveMember member;
  member.path = path_of(entry);
  member.size = static_cast<std::uint64_t>(std::max<la_int64_t>(0, archive_entry_size(entry)));
  member.modified = archive_entry_mtime(entry);
  // A sparse file's few bytes may stand for any number of zeros.
  member.is_file = archive_entry_filetype(entry) == AE_IFREG &&
                   archive_entry_hardlink(entry) == nullptr &&
                   archive_entry_sparse_count(entry) == 0;
  read_attributes(entry, member);
  return member;
}

Result<std::size_t> ArchiveReader::read(std::span<std::byte> into) {
  la_ssize_t const got = archive_read_data(reader_.get(), into.data(), into.size());
  if (got < 0) return broken();
  return static_cast<std::size_t>(got);
}

}  // namespace chisme::node::cli
