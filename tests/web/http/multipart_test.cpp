#include "web/http/multipart.hpp"

#include <gtest/gtest.h>

#include "cluster/base/random.hpp"

namespace chisme::web {
namespace {

using Event = MultipartReader::Event;

struct ReadPart {
  PartHead head;
  std::string data;
  bool ended = false;
};
struct Form {
  std::vector<ReadPart> parts;
  bool ended = false;
  bool failed = false;
};

// Takes what one feed gives; the events in the order that the reader promises.
void take(MultipartReader& reader, MultipartReader::Progress const& progress, Form& form) {
  switch (progress.event) {
    case Event::need_more:
      break;
    case Event::part_begin:
      ASSERT_TRUE(form.parts.empty() || form.parts.back().ended);
      form.parts.push_back({reader.part(), "", false});
      break;
    case Event::data:
      ASSERT_FALSE(form.parts.empty() || form.parts.back().ended);
      form.parts.back().data.append(reinterpret_cast<char const*>(progress.data.data()),
                                    progress.data.size());
      break;
    case Event::part_end:
      ASSERT_FALSE(form.parts.empty() || form.parts.back().ended);
      form.parts.back().ended = true;
      break;
    case Event::end:
      form.ended = true;
      break;
    case Event::failed:
      form.failed = true;
      break;
  }
}

void feed_all(MultipartReader& reader, std::string_view bytes, Form& form) {
  while (!form.failed) {
    auto const progress = reader.feed(std::as_bytes(std::span{bytes}));
    ASSERT_LE(progress.consumed, bytes.size());
    take(reader, progress, form);
    bytes.remove_prefix(progress.consumed);
    if (progress.event == Event::need_more) {
      ASSERT_TRUE(bytes.empty()) << "need_more means that all was taken";
      return;
    }
  }
}

Form read_form(std::string_view text, std::size_t piece, std::string_view boundary = "XyZ",
               MultipartLimits limits = {}) {
  MultipartReader reader{boundary, limits};
  Form form;
  for (std::size_t at = 0; at < text.size(); at += piece) {
    feed_all(reader, text.substr(at, piece), form);
  }
  EXPECT_EQ(reader.finish_cleanly(), form.ended);
  return form;
}

std::string const sample =
    "preamble\r\n--XyZ\r\n"
    "Content-Disposition: form-data; name=\"file\"; filename=\"a.txt\"\r\n"
    "Content-Type: text/plain\r\n\r\n"
    "one\r\ntwo\r\n--Xy\r\n-\r--XyZ\r\n--XyZZ\r\n\r\r\n--XyZ- \r\n--XyZ  \r\n"
    "Content-Disposition: form-data; name=\"comment\"\r\n\r\n"
    "\r\n--XyZ\r\n"
    "content-disposition: form-data; name=f; filename=\"empty\"\r\n\r\n"
    "\r\n--XyZ--\r\nepilogue\r\n--XyZ\r\n";
std::string const first_data = "one\r\ntwo\r\n--Xy\r\n-\r--XyZ\r\n--XyZZ\r\n\r\r\n--XyZ- ";

void expect_sample(Form const& form) {
  ASSERT_FALSE(form.failed);
  ASSERT_TRUE(form.ended);
  ASSERT_EQ(form.parts.size(), 3u);
  EXPECT_EQ(form.parts[0].head.name, "file");
  EXPECT_EQ(form.parts[0].head.filename, "a.txt");
  EXPECT_EQ(form.parts[0].head.type, "text/plain");
  EXPECT_EQ(form.parts[0].data, first_data);
  EXPECT_EQ(form.parts[1].head.name, "comment");
  EXPECT_EQ(form.parts[1].head.filename, std::nullopt);
  EXPECT_EQ(form.parts[1].data, "");
  EXPECT_EQ(form.parts[2].head.name, "f");
  EXPECT_EQ(form.parts[2].head.filename, "empty");
  EXPECT_EQ(form.parts[2].data, "");
  EXPECT_TRUE(form.parts[2].ended);
}

TEST(MultipartReader, ReadsTheSameFromPiecesOfAnySize) {
  for (std::size_t piece = 1; piece <= sample.size(); ++piece) {
    SCOPED_TRACE(piece);
    expect_sample(read_form(sample, piece));
  }
}

TEST(MultipartReader, ReadsTheSameWhereverTheBytesAreCutInThree) {
  for (std::size_t first = 0; first <= sample.size(); first += 3) {
    for (std::size_t second = first; second <= sample.size(); ++second) {
      MultipartReader reader{"XyZ"};
      Form form;
      std::string_view const text = sample;
      feed_all(reader, text.substr(0, first), form);
      feed_all(reader, text.substr(first, second - first), form);
      feed_all(reader, text.substr(second), form);
      ASSERT_NO_FATAL_FAILURE(expect_sample(form)) << first << " " << second;
    }
  }
}

TEST(MultipartReader, TheFirstBoundaryNeedsNoLineBeforeIt) {
  Form const form = read_form(
      "--XyZ\r\nContent-Disposition: form-data; name=a; filename=b\r\n\r\nx\r\n--XyZ--", 1);
  ASSERT_EQ(form.parts.size(), 1u);
  EXPECT_EQ(form.parts[0].data, "x");
  EXPECT_TRUE(form.ended);
}

TEST(MultipartReader, ABodyWithoutItsClosingBoundaryIsIncomplete) {
  std::string const whole =
      "--XyZ\r\nContent-Disposition: form-data; name=a; filename=b\r\n\r\nx\r\n--XyZ--";
  for (std::size_t size = 0; size < whole.size(); ++size) {
    Form const form = read_form(whole.substr(0, size), 1000);
    EXPECT_FALSE(form.ended) << size;
    EXPECT_FALSE(form.failed) << size;
  }
}

TEST(MultipartReader, DataRunsAreLongAndNotCopied) {
  std::string data(100'000, '\r');
  std::string const head = "--XyZ\r\nContent-Disposition: form-data; name=a; filename=b\r\n\r\n";
  MultipartReader reader{"XyZ"};
  Form form;
  feed_all(reader, head, form);
  auto const progress = reader.feed(std::as_bytes(std::span{data}));
  EXPECT_EQ(progress.event, Event::data);
  EXPECT_EQ(progress.consumed, data.size() - 1) << "only the last CR may begin a boundary";
  EXPECT_EQ(static_cast<void const*>(progress.data.data()), data.data());
}

struct NameCase {
  char const* disposition;
  char const* filename;
};
TEST(MultipartReader, DecodesFileNamesAsBrowsersAndCurlWriteThem) {
  for (NameCase const& one : std::initializer_list<NameCase>{
           {"form-data; name=a; filename=\"sa;y \\\"hi\\\".txt\"", "sa;y \"hi\".txt"},
           {"form-data; name=a; filename=\"say %22hi%22.txt\"", "say \"hi\".txt"},
           {"form-data; name=a; filename=\"50%.txt\"", "50%.txt"},
           {"form-data; name=a; filename=\"C:\\dir\\x\"", "C:\\dir\\x"},
           {"form-data; name=a; filename=\"ma\xc3\xb1"
            "ana\"",
            "ma\xc3\xb1"
            "ana"},
           {"form-data; name=a; filename=\"x\"; filename*=UTF-8''ma%C3%B1ana",
            "ma\xc3\xb1"
            "ana"},
           {"form-data; name=a; filename*=utf-8'es'ma%C3%B1ana; filename=x",
            "ma\xc3\xb1"
            "ana"},
           {"form-data; name=a; filename*=latin1''x; filename=y", "y"},
           {"FORM-DATA; NAME=a; FILENAME=b", "b"},
           {"form-data; name=a; filename=\"\"", ""}}) {
    Form const form = read_form(
        "--XyZ\r\nContent-Disposition: " + std::string{one.disposition} + "\r\n\r\nx\r\n--XyZ--",
        7);
    ASSERT_EQ(form.parts.size(), 1u) << one.disposition;
    EXPECT_EQ(form.parts[0].head.filename, one.filename) << one.disposition;
  }
}

TEST(MultipartReader, RefusesPartsThatAreNoFormFields) {
  for (char const* headers : {"", "Content-Type: text/plain\r\n", "no colon\r\n",
                              "Content-Disposition: attachment; name=a\r\n",
                              "Content-Disposition: form-data; filename=a\r\n",
                              "Content-Disposition: form-data;\r\n name=a\r\n", ": x\r\n"}) {
    Form const form = read_form("--XyZ\r\n" + std::string{headers} + "\r\nx\r\n--XyZ--", 5);
    EXPECT_TRUE(form.failed) << headers;
    EXPECT_TRUE(form.parts.empty()) << headers;
  }
}

TEST(MultipartReader, KeepsToItsLimits) {
  MultipartLimits const limits{.part_headers_bytes_max = 100, .part_count_max = 2};
  std::string const part = "--XyZ\r\nContent-Disposition: form-data; name=a\r\n\r\nx\r\n";
  EXPECT_TRUE(read_form(part + part + "--XyZ--", 9, "XyZ", limits).ended);
  EXPECT_TRUE(read_form(part + part + part + "--XyZ--", 9, "XyZ", limits).failed);
  std::string const endless = "--XyZ\r\nContent-Disposition: " + std::string(200, 'x');
  EXPECT_TRUE(read_form(endless, 9, "XyZ", limits).failed);
  MultipartReader reader{"XyZ", limits};
  Form form;
  feed_all(reader, endless, form);
  EXPECT_EQ(reader.error().fault, Fault::too_large);
}

TEST(MultipartReader, AnyDataComesOutAsItWentIn) {
  Random random{7};
  std::string_view const alphabet = "\r\n-XyZ a";
  for (int round = 0; round < 3000; ++round) {
    std::string data;
    std::uint64_t const size = random.below(60);
    for (std::uint64_t i = 0; i < size; ++i) data += alphabet[random.below(alphabet.size())];
    if (data.find("\r\n--XyZ") != std::string::npos || data.starts_with("--XyZ")) continue;
    std::string const text =
        "--XyZ\r\nContent-Disposition: form-data; name=a\r\n\r\n" + data + "\r\n--XyZ--";
    Form const form = read_form(text, 1 + random.below(10));
    ASSERT_TRUE(form.ended) << testing::PrintToString(data);
    ASSERT_EQ(form.parts.size(), 1u) << testing::PrintToString(data);
    EXPECT_EQ(form.parts[0].data, data);
  }
}

TEST(MultipartReader, SurvivesDamagedBytes) {
  Random random{3};
  for (int round = 0; round < 5000; ++round) {
    std::string text = sample;
    for (int i = 0; i < 4; ++i) {
      text[random.below(text.size())] = static_cast<char>(random.below(256));
    }
    std::size_t total = 0;
    for (ReadPart const& part : read_form(text, 1 + random.below(40)).parts) {
      total += part.data.size();
    }
    EXPECT_LE(total, text.size());
  }
}

TEST(MultipartBoundary, ComesFromTheContentType) {
  EXPECT_EQ(multipart_boundary("multipart/form-data; boundary=abc"), "abc");
  EXPECT_EQ(multipart_boundary("Multipart/Form-Data; charset=utf-8; Boundary=\"a b:c\""), "a b:c");
  for (std::string const text :
       {"", "multipart/form-data", "multipart/mixed; boundary=abc",
        "multipart/form-data; boundary=", "multipart/form-data; boundary=\"\"",
        "multipart/form-data; boundary=\"a \"", "multipart/form-data; boundary=a\x01",
        "application/x-www-form-urlencoded"}) {
    EXPECT_EQ(multipart_boundary(text), std::nullopt) << text;
  }
  EXPECT_TRUE(multipart_boundary("multipart/form-data; boundary=" + std::string(70, 'a')));
  EXPECT_FALSE(multipart_boundary("multipart/form-data; boundary=" + std::string(71, 'a')));
}

}  // namespace
}  // namespace chisme::web
