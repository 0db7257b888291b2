#include "node/log_line.hpp"

#include <gtest/gtest.h>

#include <array>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace chisme::node {
namespace {

using Json = nlohmann::json;
using namespace std::string_literals;

// What files may be called, and what other programs may send.
std::vector<std::string> hostile_texts() {
  return {"",
          "a\"b\\c",
          "line one\nline two\r\n",
          "\x1b[2J\x1b[31mred\x07",
          "nul\0inside"s,
          "\xff\xfe not UTF-8 \xc3",
          "\xc2\x85 next line, \xc2\x9b CSI",
          "{\"level\":\"error\"}",
          "\xe2\x80\xae turned \xe2\x80\xa8 separators \xe2\x80\xa9",
          "</script><!--",
          std::string(3 * log_line_bytes_max, '"'),
          std::string(log_line_bytes_max - 1, 'a') + "\xc3\xa4"};
}

TEST(LogLine, EachLineIsOneJsonObjectWhateverItTellsOf) {
  for (std::string const& text : hostile_texts()) {
    std::array<LogField, 3> const fields{
        {{"path", text}, {"status", std::uint64_t{507}}, {"seconds", 0.25}}};
    std::string const line =
        json_line({.at = WallTime{std::chrono::milliseconds{1'700'000'000'123}},
                   .level = LogLevel::warning,
                   .component = LogComponent::http,
                   .message = text,
                   .fields = fields});
    EXPECT_EQ(line.find('\n'), line.npos) << line;
    Json const parsed = Json::parse(line, nullptr, false);
    ASSERT_TRUE(parsed.is_object()) << line;
    EXPECT_EQ(parsed["time"], "2023-11-14T22:13:20.123Z");
    EXPECT_EQ(parsed["level"], "warning");
    EXPECT_EQ(parsed["component"], "http");
    EXPECT_TRUE(parsed["message"].is_string());
    EXPECT_TRUE(parsed["path"].is_string());
    EXPECT_EQ(parsed["status"], 507);
    EXPECT_EQ(parsed["seconds"], 0.25);
    EXPECT_EQ(parsed.size(), 7u);
  }
}

TEST(LogLine, WhatIsProperTextStaysAsItIs) {
  Json const parsed =
      Json::parse(json_line({.message = "stored caf\xc3\xa9/\xf0\x9f\x8e\xac.mp4"}));
  EXPECT_EQ(parsed["message"], "stored caf\xc3\xa9/\xf0\x9f\x8e\xac.mp4");
}

TEST(LogLine, TextIsOneLineWithoutControlCharacters) {
  for (std::string const& text : hostile_texts()) {
    std::array<LogField, 1> const fields{{{"path", text}}};
    std::string const line = text_line({.message = text, .fields = fields});
    for (char const c : line) {
      EXPECT_TRUE(static_cast<unsigned char>(c) >= 0x20 && c != 0x7f) << line;
    }
    EXPECT_EQ(line.find("\xc2\x9b"), line.npos);
  }
  EXPECT_EQ(text_line({.at = WallTime{},
                       .level = LogLevel::error,
                       .component = LogComponent::storage,
                       .message = "the disk\nis full"}),
            "1970-01-01T00:00:00.000Z error storage: the disk\\x0ais full");
}

TEST(LogLine, LinesAreBounded) {
  std::string const long_text(100 * log_line_bytes_max, 'x');
  EXPECT_LT(text_line({.message = long_text}).size(), log_line_bytes_max + 100);
  EXPECT_LT(json_line({.message = long_text}).size(), log_line_bytes_max + 200);
}

}  // namespace
}  // namespace chisme::node
