#include "node/cli/text.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace chisme::node::cli {
namespace {

using std::chrono::milliseconds;

TEST(Text, BytesAreShownInTheUnitThatFits) {
  EXPECT_EQ(format_bytes(0), "0 B");
  EXPECT_EQ(format_bytes(1023), "1023 B");
  EXPECT_EQ(format_bytes(1024), "1.0 KiB");
  EXPECT_EQ(format_bytes(1536), "1.5 KiB");
  EXPECT_EQ(format_bytes((1 << 20) - 1), "1.0 MiB") << "not 1024.0 KiB";
  EXPECT_EQ(format_bytes(std::uint64_t{24} << 20), "24.0 MiB");
  EXPECT_EQ(format_bytes(~std::uint64_t{0}), "16.0 EiB");
}

TEST(Text, OneOfAThingIsNotMany) {
  EXPECT_EQ(counted(0, "file"), "0 files");
  EXPECT_EQ(counted(1, "file"), "1 file");
  EXPECT_EQ(counted(2, "file"), "2 files");
}

TEST(Text, ProgressShowsABarAndFigures) {
  EXPECT_EQ(format_progress({"a.mp4", 12 << 20, 24 << 20, milliseconds{2000}}, 70),
            "a.mp4  [=========>         ]   50 %  12.0 MiB of 24.0 MiB  6.0 MiB/s");
}

TEST(Text, ProgressFitsIntoItsWidthHoweverLongTheName) {
  for (std::size_t width = 50; width < 130; ++width) {
    std::string const line =
        format_progress({std::string(300, 'n'), 1 << 20, 2 << 20, milliseconds{1}}, width);
    // An ellipsis is three bytes in one column.
    EXPECT_LE(line.size() - 2, width) << line;
  }
}

TEST(Text, ProgressOfNothingIsComplete) {
  EXPECT_THAT(format_progress({"empty", 0, 0, milliseconds{0}}, 80), testing::HasSubstr("100 %"));
  EXPECT_THAT(format_progress({"grown", 5, 4, milliseconds{1}}, 80), testing::HasSubstr("100 %"));
}

TEST(Text, ColumnsOfATableAreAsWideAsTheirWidestCell) {
  EXPECT_EQ(format_table({{"NAME", "SIZE"}, {"ñandú.mp4", "1 B"}, {"x", ""}}),
            "NAME       SIZE\n"
            "ñandú.mp4  1 B\n"
            "x\n");
}

TEST(Text, ControlCharactersOfNamesDoNotReachTheTerminal) {
  EXPECT_EQ(printable("a\x1b[31mb\x7f\n\xc2\x9b"
                      "c ñ"),
            "a?[31mb???c ñ");
}

}  // namespace
}  // namespace chisme::node::cli
