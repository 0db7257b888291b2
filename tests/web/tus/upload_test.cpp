#include "web/tus/upload.hpp"

#include <gtest/gtest.h>

#include <random>

#include "web/names.hpp"

namespace chisme::web::tus {
namespace {

constexpr char id[] = "0123456789abcdef0123456789abcdef";

FileInfo file(std::string name, std::uint64_t size = 0) {
  FileInfo info;
  info.name = std::move(name);
  info.size = ByteCount{size};
  return info;
}
FileInfo part(std::uint64_t offset, std::uint64_t size, std::string const& unique = "a") {
  return file(part_name(id, ByteOffset{offset}, unique), size);
}
std::uint64_t offset_of(std::vector<FileInfo> files) {
  return covered(progress_of(id, std::move(files)).parts).value();
}

TEST(TusUpload, ItsOffsetIsWhatIsCoveredWithoutAGap) {
  EXPECT_EQ(offset_of({}), 0u);
  EXPECT_EQ(offset_of({part(10, 5)}), 0u);
  EXPECT_EQ(offset_of({part(0, 10), part(10, 5)}), 15u);
  EXPECT_EQ(offset_of({part(10, 5), part(0, 10), part(16, 9)}), 15u);
  // Parts of overtaken requests overlap others, lie within others, begin where others do.
  EXPECT_EQ(offset_of({part(0, 10), part(0, 4, "b"), part(4, 2), part(8, 20), part(9, 3)}), 28u);
}

TEST(TusUpload, APieceBeginsAtAnyByteThatIsThere) {
  auto const parts = progress_of(id, {part(0, 10), part(4, 10, "b"), part(20, 5)}).parts;
  auto const middle = piece_at(parts, ByteOffset{6});
  ASSERT_TRUE(middle.has_value());
  EXPECT_EQ(middle->file.name, part(4, 10, "b").name);
  EXPECT_EQ(middle->from, ByteOffset{2});
  EXPECT_EQ(middle->size, ByteCount{8});
  EXPECT_FALSE(piece_at(parts, ByteOffset{14}));
  EXPECT_FALSE(piece_at(parts, ByteOffset{19}));
  EXPECT_EQ(piece_at(parts, ByteOffset{24})->size, ByteCount{1});
  EXPECT_FALSE(piece_at(parts, ByteOffset{25}));
}

TEST(TusUpload, OfOneWritersOverlappingPartsThatWhichBeginsFirstCounts) {
  auto const parts = progress_of(id, {part(0, 10), part(4, 10)}).parts;
  auto const chain = pieces(parts);
  ASSERT_EQ(chain.size(), 2u);
  EXPECT_EQ(chain[0].size, ByteCount{10});
  EXPECT_EQ(chain[1].size, ByteCount{4});
  EXPECT_EQ(piece_at(parts, ByteOffset{4})->file.name, part(0, 10).name);
}

TEST(TusUpload, WhatIsDoneSaysWhichFileItBecame) {
  Done const done{*parse_digest(std::string(64, 'a')), ByteCount{17}};
  auto const read = parse_done(to_text(done));
  ASSERT_TRUE(read.has_value());
  EXPECT_EQ(read->digest, done.digest);
  EXPECT_EQ(read->size, done.size);
  for (std::string const& text : {std::string{}, std::string(64, 'a'), std::string(64, 'a') + " ",
                                  to_text(done) + "x", "b " + to_text(done)}) {
    EXPECT_FALSE(parse_done(text)) << text;
  }
}

TEST(TusUpload, PiecesAreTheCoveredBytesInOrderWhateverTheParts) {
  std::mt19937 random{7};
  for (int round = 0; round < 2000; ++round) {
    std::vector<FileInfo> files;
    std::vector<bool> has(64);
    for (int i = 0; i < 8; ++i) {
      std::uint64_t const from = random() % 40;
      std::uint64_t const size = random() % 20;
      files.push_back(part(from, size, std::to_string(i)));
      std::fill_n(has.begin() + static_cast<std::ptrdiff_t>(from), size, true);
    }
    auto const gap = static_cast<std::uint64_t>(std::ranges::find(has, false) - has.begin());
    auto const parts = progress_of(id, files).parts;
    EXPECT_EQ(covered(parts).value(), gap);
    std::uint64_t at = 0;
    for (Piece const& piece : pieces(parts)) {
      auto const own =
          std::ranges::find(parts, piece.file.name, [](Part const& one) { return one.file.name; });
      EXPECT_EQ(own->offset.value() + piece.from.value(), at);
      EXPECT_LE(piece.from.value() + piece.size.value(), piece.file.size.value());
      EXPECT_GT(piece.size.value(), 0u);
      at += piece.size.value();
    }
    EXPECT_EQ(at, gap);
  }
}

TEST(TusUpload, OfBytesThatTwoRequestsStoredTheLaterOnesAreTaken) {
  auto const taken =
      pieces(progress_of(id, {part(0, 10, "1"), part(4, 3, "2"), part(7, 9, "1")}).parts);
  ASSERT_EQ(taken.size(), 4u);
  EXPECT_EQ(taken[0].size, ByteCount{4});
  EXPECT_EQ(taken[1].file.name, part_name(id, ByteOffset{4}, "2"));
  EXPECT_EQ(taken[1].size, ByteCount{3});
  auto const middle =
      pieces(progress_of(id, {part(0, 10, "1"), part(4, 3, "2")}).parts, ByteOffset{5});
  ASSERT_EQ(middle.size(), 2u);
  EXPECT_EQ(middle[0].from, ByteOffset{1});
  EXPECT_EQ(middle[0].size, ByteCount{2});
  EXPECT_EQ(middle[1].from, ByteOffset{7});
  EXPECT_TRUE(pieces(progress_of(id, {part(0, 4, "1")}).parts, ByteOffset{4}).empty());
  // What is older changes nothing where all is there.
  auto const all = pieces(progress_of(id, {part(0, 10, "2"), part(0, 12, "1")}).parts);
  ASSERT_EQ(all.size(), 2u);
  EXPECT_EQ(all[0].size, ByteCount{10});
  EXPECT_EQ(all[1].from, ByteOffset{10});
}

TEST(TusUpload, TheVersionOfItsFileIsTheNewestOfWhatItIsMadeOf) {
  auto const with = [](FileInfo info, std::string version) {
    info.version = std::move(version);
    return info;
  };
  std::vector<FileInfo> files{with(part(0, 5, "2"), "v4"), with(part(5, 5, "2"), "v5"),
                              with(part(0, 7, "1"), "v9"), with(file(writer_name(id)), "v8")};
  EXPECT_EQ(file_version("v1", progress_of(id, files)), "v5");
  EXPECT_EQ(file_version("v6", progress_of(id, files)), "v6");
  files.push_back(with(file(length_name(id)), "v7"));
  EXPECT_EQ(file_version("v1", progress_of(id, files)), "v7");
}

TEST(TusUpload, ItsFilesTellTheRest) {
  FileInfo length = file(length_name(id));
  length.type = number_type(77);
  FileInfo done = file(done_name(id));
  done.modified = WallTime{std::chrono::milliseconds{50}};
  Progress const progress =
      progress_of(id, {file(about_name(id)), length, done, file("foreign"), file(writer_name(id))});
  EXPECT_EQ(progress.told_length, ByteCount{77});
  EXPECT_TRUE(progress.done);
  EXPECT_EQ(progress.newest, done.modified);
  EXPECT_TRUE(progress.parts.empty());
}

TEST(TusUpload, ItsNamesAreNobodyElsesAndSortByOffset) {
  EXPECT_TRUE(is_internal(about_name(id)));
  EXPECT_LT(about_name(id), behind_internal);
  EXPECT_FALSE(checked_name(about_name(id)));
  EXPECT_LT(part_name(id, ByteOffset{9}, "z"), part_name(id, ByteOffset{10}, "a"));
}

TEST(TusUpload, ItsDescriptionSurvives) {
  About told{
      "a \"b\".mp4", "video/mp4", "filename eA==", ByteCount{1ull << 62}, Concat::final, {id}};
  auto const read = parse_about(to_json(told));
  ASSERT_TRUE(read);
  EXPECT_EQ(read->name, told.name);
  EXPECT_EQ(read->type, told.type);
  EXPECT_EQ(read->metadata, told.metadata);
  EXPECT_EQ(read->length, told.length);
  EXPECT_EQ(read->concat, told.concat);
  EXPECT_EQ(read->partials, told.partials);
  told.length.reset();
  EXPECT_FALSE(parse_about(to_json(told))->length);
  for (char const* const bad : {"", "[]", "{}", R"({"partials":["x"]})",
                                R"({"partials":[],"length":-1})", R"({"partials":[1]})"}) {
    EXPECT_FALSE(parse_about(bad)) << bad;
  }
}

}  // namespace
}  // namespace chisme::web::tus
