#include "node/cli/archive.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <string>
#include <vector>

#include "node/cli/export_manifest.hpp"
#include "node/cli/rfc3339.hpp"
#include "node/storage/posix.hpp"

namespace chisme::node::cli {
namespace {

namespace fs = std::filesystem;

std::span<std::byte const> bytes_of(std::string const& text) {
  return std::as_bytes(std::span(text));
}

class Archive : public ::testing::Test {
 protected:
  // One member for each, with its path for bytes.
  void write(std::vector<ArchiveMember> const& members) {
    auto const out = open_file(path_, O_WRONLY | O_CREAT | O_TRUNC);
    auto archive = ArchiveWriter::open(out->number());
    ASSERT_TRUE(archive);
    for (ArchiveMember const& member : members) {
      ASSERT_TRUE(archive->begin(member));
      if (member.size > 0) ASSERT_TRUE(archive->write(bytes_of(member.path)));
    }
    ASSERT_TRUE(archive->finish());
  }

  struct Read {
    std::vector<ArchiveMember> members;
    std::vector<std::string> bytes;
    bool broken = false;
  };
  Read read() {
    Read all;
    auto const in = open_file(path_, O_RDONLY);
    auto archive = ArchiveReader::open(in->number());
    all.broken = !archive;
    while (archive) {
      auto const member = archive->next();
      all.broken = !member;
      if (!member || !*member) break;
      all.members.push_back(**member);
      std::vector<std::byte> block(1000);
      auto const got = archive->read(block);
      all.broken = !got;
      if (!got) break;
      all.bytes.emplace_back(reinterpret_cast<char const*>(block.data()), *got);
    }
    return all;
  }

  static ArchiveMember member(std::string path) {
    std::uint64_t const size = path.size();
    return {.path = std::move(path),
            .size = size,
            .sha256 = std::string(64, 'a'),
            .type = "video/mp4",
            .modified = 1'700'000'000};
  }

  fs::path const directory_ =
      fs::temp_directory_path() / ("chisme-archive-" + std::to_string(::getpid()));
  fs::path const path_ = directory_ / "x.tar";
  void SetUp() override { fs::create_directories(directory_); }
  void TearDown() override { fs::remove_all(directory_); }
};

TEST_F(Archive, WhatIsWrittenIsRead) {
  std::vector<ArchiveMember> const written{member("files/a"), member("files/ñ/日本"),
                                           member("files/" + std::string(900, 'x'))};
  write(written);
  Read const all = read();
  EXPECT_FALSE(all.broken);
  ASSERT_EQ(all.members.size(), 3u);
  for (std::size_t i = 0; i < 3; ++i) {
    EXPECT_EQ(all.members[i].path, written[i].path);
    EXPECT_EQ(all.members[i].size, written[i].size);
    EXPECT_EQ(all.members[i].sha256, written[i].sha256);
    EXPECT_EQ(all.members[i].type, written[i].type);
    EXPECT_EQ(all.members[i].modified, written[i].modified);
    EXPECT_TRUE(all.members[i].is_file && all.members[i].is_whole);
    EXPECT_EQ(all.bytes[i], written[i].path);
  }
}

TEST_F(Archive, AMemberWithoutItsBytesHasZeros) {
  ArchiveMember hollow = member("files/a");
  auto const out = open_file(path_, O_WRONLY | O_CREAT | O_TRUNC);
  auto archive = ArchiveWriter::open(out->number());
  ASSERT_TRUE(archive && archive->begin(hollow) && archive->begin(member("files/b")));
  ASSERT_TRUE(archive->write(bytes_of("files/b")) && archive->finish());
  Read const all = read();
  ASSERT_EQ(all.bytes.size(), 2u);
  EXPECT_EQ(all.bytes[0], std::string(7, '\0'));
  EXPECT_EQ(all.bytes[1], "files/b");
}

// Wherever a byte of what matters changes: no member passes for whole that is another one.
TEST_F(Archive, EachByteThatChangesIsSeen) {
  std::string const path = "files/ñ" + std::string(120, 'n');
  write({member(path)});
  std::string const whole = *read_file(path_);
  for (std::size_t at = 0; at < whole.size(); at += 3) {
    std::string damaged = whole;
    damaged[at] = static_cast<char>(damaged[at] ^ 4);
    auto const out = open_file(path_, O_WRONLY | O_TRUNC);
    ASSERT_TRUE(write_all(out->number(), bytes_of(damaged), path_));
    Read const all = read();
    if (all.broken || all.members.empty() || !all.members[0].is_whole) continue;
    EXPECT_EQ(all.members[0].path, path) << at;
    EXPECT_EQ(all.members[0].size, path.size()) << at;
    EXPECT_EQ(all.members[0].sha256, std::string(64, 'a')) << at;
  }
}

TEST(ExportManifest, IsReadAsItWasWritten) {
  MemberList list;
  list.add(std::string(64, 'a'), 7, "a");
  ExportManifest manifest{
      .members = 5, .bytes = 1u << 20, .void_members = {1, 3}, .missing = 2, .list = list.finish()};
  EXPECT_EQ(parse_manifest(encode(manifest)), manifest);
  for (char const* const text :
       {"", "{}", "[]", "null", "{\"format\":\"chisme export 2\"}", "{\"format\":7}"}) {
    EXPECT_EQ(parse_manifest(text), std::nullopt) << text;
  }
  std::string wrong = encode(manifest);
  wrong.replace(wrong.find("void") + 6, 1, "\"x\",\"y\":");
  EXPECT_NE(parse_manifest(wrong), manifest);
}

TEST(MemberList, OrderNamesAndSizesMatter) {
  auto const of = [](std::vector<std::pair<std::uint64_t, std::string>> const& members) {
    MemberList list;
    for (auto const& [size, name] : members) list.add("s", size, name);
    return list.finish();
  };
  EXPECT_EQ(of({{1, "a"}, {2, "b"}}), of({{1, "a"}, {2, "b"}}));
  EXPECT_NE(of({{1, "a"}, {2, "b"}}), of({{2, "b"}, {1, "a"}}));
  EXPECT_NE(of({{1, "a"}}), of({{1, "a"}, {1, "a"}}));
  EXPECT_NE(of({{1, "1 a"}}), of({{11, "a"}}));
}

TEST(Rfc3339, SecondsOfATimeInUtc) {
  EXPECT_EQ(seconds_of("1970-01-01T00:00:10Z"), 10);
  EXPECT_EQ(seconds_of("2026-11-23T12:00:00.123Z"), 1795435200);
  EXPECT_EQ(seconds_of("2026-11-23T12:00:00+01:00"), 0);
  EXPECT_EQ(seconds_of(""), 0);
  EXPECT_EQ(seconds_of("yesterday"), 0);
}

}  // namespace
}  // namespace chisme::node::cli
