#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "node/cli/cli.hpp"
#include "node/version.hpp"

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

TEST(Program, AFailureIsOne) {
  Ran const ran = run_with({"ls", "--node", "http://127.0.0.1:1"});
  EXPECT_EQ(ran.code, 1);
  EXPECT_EQ(ran.output, "");
}

}  // namespace
}  // namespace chisme::node::cli
