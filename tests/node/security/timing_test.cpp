#include <gtest/gtest.h>
#include <signal.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "node/security/access_token.hpp"

// How long a wrong credential takes must not say where it is wrong, or it could be guessed byte by
// byte. Counted in instructions, which no other work on the machine changes.
namespace chisme::node {
namespace {

using Work = std::function<void()>;

#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
constexpr bool is_instrumented = true;  // other instructions, and many
#else
constexpr bool is_instrumented = false;
#endif

// How many instructions `work` takes, in a process of its own that did it once before; 0: processes
// cannot be traced here. `work` must do the same each time.
std::size_t instructions_of(Work const& work) {
  if (is_instrumented) return 0;
  pid_t const child = ::fork();
  if (child == 0) {
    if (::ptrace(PTRACE_TRACEME, 0, nullptr, nullptr) != 0) ::_exit(1);
    work();  // what is made once is there
    ::raise(SIGSTOP);
    work();
    ::raise(SIGSTOP);
    ::_exit(0);
  }
  int status = 0;
  std::size_t count = 0;
  auto const is_stopped_by = [&](int number) {
    return ::waitpid(child, &status, 0) == child && WIFSTOPPED(status) &&
           WSTOPSIG(status) == number;
  };
  if (is_stopped_by(SIGSTOP)) {
    do {
      ++count;
      if (::ptrace(PTRACE_SINGLESTEP, child, nullptr, nullptr) != 0) break;
    } while (is_stopped_by(SIGTRAP));
  }
  ::kill(child, SIGKILL);
  ::waitpid(child, &status, 0);
  return count;
}

// Two texts that are wrong in the tag at their end: near its beginning, and at its end. In each,
// two neighbours changed places, so that decoding either takes the same.
struct WrongTexts {
  explicit WrongTexts(std::string const& right) : early(right), late(right) {
    constexpr std::size_t tag_characters = 42;  // of 32 bytes, those that are of the tag alone
    std::size_t first = right.size() - tag_characters;
    std::size_t last = right.size() - 2;
    while (right.at(first) == right.at(first + 1)) ++first;
    while (right.at(last) == right.at(last + 1)) --last;
    std::swap(early.at(first), early.at(first + 1));
    std::swap(late.at(last), late.at(last + 1));
    apart = last - first;
  }
  std::string early;
  std::string late;
  std::size_t apart = 0;
};

KeyRing a_ring() {
  std::vector<Secret> const secrets{new_secret()};
  return KeyRing{secrets};
}

void expect_the_same(Work const& early, Work const& late) {
  std::size_t const one = instructions_of(early);
  if (one == 0) GTEST_SKIP() << "processes cannot be traced here";
  EXPECT_GT(one, 1000u);
  // Decoding letters in another order may take one more or less.
  EXPECT_NEAR(static_cast<double>(one), static_cast<double>(instructions_of(late)), 2);
}

TEST(Timing, AWrongTokenTakesAsLongWhereverItIsWrong) {
  KeyRing const ring = a_ring();
  WrongTexts const wrong{to_text(AccessToken{web::Role::read, {1, WallTime{}}}, ring)};
  ASSERT_GT(wrong.apart, 8u);
  auto const opening = [&](std::string const& text) {
    return [&] { EXPECT_FALSE(open_token(text, ring)); };
  };
  expect_the_same(opening(wrong.early), opening(wrong.late));
}

TEST(Timing, AWrongLinkTakesAsLongWhereverItIsWrong) {
  KeyRing const ring = a_ring();
  AccessLink const link{.is_ticket = false, .id = {7, WallTime{}}, .token_expires = {}};
  WrongTexts const wrong{to_text(link, "film.mp4", ring)};
  ASSERT_GT(wrong.apart, 8u);
  auto const opening = [&](std::string const& text) {
    return [&] { EXPECT_FALSE(open_link(text, "film.mp4", ring)); };
  };
  expect_the_same(opening(wrong.early), opening(wrong.late));
}

// That the count would show it.
TEST(Timing, AComparisonThatStopsAtTheFirstDifferenceIsSeen) {
  std::string const right = "abcdefghijklmnopqrstuvwxyzabcdefghijklmnop";
  WrongTexts const wrong{right};
  auto const comparing = [&](std::string const& text) {
    return [&] {
      std::size_t volatile same = 0;
      while (same < right.size() && right.at(same) == text.at(same)) same = same + 1;
    };
  };
  std::size_t const early = instructions_of(comparing(wrong.early));
  if (early == 0) GTEST_SKIP() << "processes cannot be traced here";
  EXPECT_LT(early, instructions_of(comparing(wrong.late)));
}

}  // namespace
}  // namespace chisme::node
