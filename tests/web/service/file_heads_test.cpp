#include "web/file_heads.hpp"

#include <gtest/gtest.h>

#include "tests/web/service/requests.hpp"

namespace chisme::web {
namespace {

FileInfo file_of(std::string name, std::string version, std::string type) {
  FileInfo file;
  file.name = std::move(name);
  file.version = std::move(version);
  file.type = std::move(type);
  return file;
}

TEST(FileHeads, AreOfTheNameTheVersionAndTheWayThatWereAskedFor) {
  FileHeads heads;
  FileInfo file = file_of("film.mp4", "1", "video/mp4");
  EXPECT_EQ(heads.of(file, false).values("Chisme-Version"), "1");
  EXPECT_EQ(heads.of(file, true).values("Content-Disposition"),
            "attachment; filename=\"film.mp4\"");
  file.version = "2";
  file.type = "text/html";
  EXPECT_EQ(heads.of(file, true).values("Chisme-Version"), "2");
  EXPECT_EQ(heads.of(file, false).values("Content-Type"), "text/html");
}

// More than there are places: some must share one.
TEST(FileHeads, NamesThatShareAPlaceAreToldApart) {
  FileHeads heads;
  for (int round = 0; round < 2; ++round) {
    for (std::size_t i = 0; i < 2 * FileHeads::places; ++i) {
      FileInfo const file = file_of(std::to_string(i), "v", "text/css");
      EXPECT_EQ(heads.of(file, false).values("Content-Disposition"),
                "attachment; filename=\"" + file.name + "\"");
    }
  }
}

}  // namespace
}  // namespace chisme::web
