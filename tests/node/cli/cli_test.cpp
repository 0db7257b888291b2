#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "node/cli/cli.hpp"
#include "node/cli/event_text.hpp"
#include "node/version.hpp"
#include "tests/node/cli/tiny_server.hpp"

namespace chisme::node::cli {
namespace {

struct Ran {
  int code;
  std::string output;
  std::string errors;
};

Ran run_with(std::vector<char const*> arguments) {
  arguments.insert(arguments.begin(), "chisme");
  testing::internal::CaptureStdout();
  testing::internal::CaptureStderr();
  int const code = run(static_cast<int>(arguments.size()), arguments.data());
  return {code, testing::internal::GetCapturedStdout(), testing::internal::GetCapturedStderr()};
}

TEST(Program, SaysItsVersionAsACommandAndAsAFlag) {
  for (char const* const asked : {"version", "--version"}) {
    Ran const ran = run_with({asked});
    EXPECT_EQ(ran.code, 0) << asked;
    EXPECT_EQ(ran.output, std::string("chisme ") + program_version + "\n") << asked;
    EXPECT_EQ(ran.errors, "") << asked;
  }
}

TEST(Program, WrongUsageIsTwoWithASentenceOnStandardErrorOnly) {
  for (std::vector<char const*> const& wrong : {std::vector<char const*>{},
                                                {"bogus"},
                                                {"put"},
                                                {"ls", "--bogus"},
                                                {"ls", "--node", "foo"}}) {
    Ran const ran = run_with(wrong);
    EXPECT_EQ(ran.code, 2);
    EXPECT_EQ(ran.output, "");
    EXPECT_TRUE(ran.errors.starts_with("chisme: ")) << ran.errors;
  }
}

TEST(Program, AnUnknownOptionIsNamedWithTheOneThatMayBeMeant) {
  EXPECT_EQ(run_with({"node", "--keep-remoed", "3"}).errors,
            "chisme: there is no option --keep-remoed: did you mean `--keep-removed`? "
            "(see chisme node --help)\n");
  EXPECT_EQ(run_with({"token", "revoke", "abc", "--nod=x"}).errors,
            "chisme: there is no option --nod: did you mean `--node`? "
            "(see chisme token revoke --help)\n");
  EXPECT_EQ(run_with({"ls", "--xyzzy"}).errors,
            "chisme: there is no option --xyzzy (see chisme ls --help)\n");
}

TEST(Program, AFailureIsOne) {
  Ran const ran = run_with({"ls", "--node", "http://127.0.0.1:1"});
  EXPECT_EQ(ran.code, 1);
  EXPECT_EQ(ran.output, "");
}

// Something that answers, but is no node of this program.
TEST(Program, AnswersWhoseFieldsAreOfOtherKindsEndNoCommand) {
  std::string const odd =
      R"({"members":[1,{"http":5,"bytes_per_second":-1e300,"copies":-1}],"in_touch":"x",)"
      R"("files":[{"name":7,"size":"much"},8],"fenced":[]})";
  for (char const* const command : {"status", "ls"}) {
    TinyServer const server{{{answer(200, odd)}}};
    std::string const url = to_string(server.origin());
    Ran const ran = run_with({command, "--node", url.c_str()});
    EXPECT_EQ(ran.code, 0) << command << ran.errors;
  }
}

TEST(Program, ASentenceOfAnAnswerDoesNotSteerTheTerminal) {
  TinyServer const server{{{answer(400, R"({"detail":"a\u001b[31mb"})")}}};
  std::string const url = to_string(server.origin());
  Ran const ran = run_with({"ls", "--node", url.c_str()});
  EXPECT_EQ(ran.code, 1);
  EXPECT_EQ(ran.errors, "chisme: " + url + ": a?[31mb\n");
}

TEST(EventLine, OfMessagesThatAreNoneIsEmptyOrASentence) {
  EXPECT_EQ(event_line("[]", false), "");
  EXPECT_EQ(event_line(R"({"type":7})", false), "");
  EXPECT_EQ(event_line(R"({"type":"file","name":[],"file":3})", false),
            "file: , 0 B, 0 of 0 copies");
  EXPECT_EQ(event_line(R"({"type":"state","cluster":{"members":[4]}})", false),
            "cluster: 0 files,  ");
}

}  // namespace
}  // namespace chisme::node::cli
