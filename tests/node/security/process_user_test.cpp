#include "node/security/process_user.hpp"

#include <grp.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fstream>

#include "node/storage/posix.hpp"
#include "tests/node/peer/holder.hpp"
#include "tests/node/security/child.hpp"

namespace chisme::node {
namespace {

namespace fs = std::filesystem;
using test::in_a_child;

std::string refusal(std::string const& text) {
  auto const user = find_user(text);
  return user ? "" : user.error().message;
}

TEST(FindUser, TakesNamesAndNumbers) {
  auto const nobody = find_user("nobody");
  ASSERT_TRUE(nobody) << nobody.error().message;
  EXPECT_NE(nobody->user, 0u);
  auto const numbers = find_user("4321:4322");
  ASSERT_TRUE(numbers) << numbers.error().message;
  EXPECT_EQ(numbers->user, 4321u);
  EXPECT_EQ(numbers->group, 4322u);
  EXPECT_EQ(find_user("nobody:daemon").value().user, nobody->user);
  EXPECT_NE(find_user("nobody:daemon").value().group, nobody->group);
}

TEST(FindUser, SaysWhatIsWrong) {
  EXPECT_NE(refusal("nobody-of-that-name").find("useradd --system nobody-of-that-name"),
            std::string::npos);
  EXPECT_NE(refusal("nobody:nogroup-of-that-name").find("there is no group"), std::string::npos);
  EXPECT_NE(refusal("root").find("name another"), std::string::npos);
  EXPECT_NE(refusal("nobody:root").find("name another"), std::string::npos);
  EXPECT_NE(refusal("4321").find("4321:4321"), std::string::npos);
}

struct Root : testing::Test {
  void SetUp() override {
    if (::geteuid() != 0) GTEST_SKIP() << "only root can become another user";
    ASSERT_EQ(::chmod(directory.path().c_str(), 0711), 0);
  }
  static bool takes_port(std::uint16_t port) {
    Descriptor const socket{::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)};
    int const on = 1;
    ::setsockopt(socket.number(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return ::bind(socket.number(), reinterpret_cast<sockaddr*>(&address), sizeof address) == 0;
  }
  test::Directory directory;
  ProcessUser const user{"somebody", 4321, 4322};
};

TEST_F(Root, BecomesAUserWhoCannotReadWhatRootCan) {
  auto const reads = [] { return read_file("/etc/shadow").has_value(); };
  EXPECT_TRUE(in_a_child(reads));
  EXPECT_TRUE(in_a_child([&] { return become(user, KeptRight::none).has_value(); }));
  EXPECT_FALSE(in_a_child([&] { return become(user, KeptRight::none) && reads(); }));
  EXPECT_FALSE(in_a_child([&] { return become(user, KeptRight::low_ports) && reads(); }));
}

TEST_F(Root, DoesNotComeBack) {
  for (KeptRight const kept : {KeptRight::none, KeptRight::low_ports}) {
    EXPECT_TRUE(in_a_child([&] {
      return become(user, kept) && ::setuid(0) != 0 && ::setgid(0) != 0 && ::seteuid(0) != 0 &&
             ::setgroups(0, nullptr) != 0 && ::getuid() == user.user && ::getgid() == user.group;
    }));
  }
}

TEST_F(Root, KeepsTheRightToTakeALowPortIfItIsNeeded) {
  constexpr std::uint16_t port = 1;
  auto const unprivileged = read_file("/proc/sys/net/ipv4/ip_unprivileged_port_start");
  if (unprivileged && std::stoi(*unprivileged) <= port) GTEST_SKIP() << "everybody may";
  EXPECT_TRUE(in_a_child([&] { return become(user, KeptRight::low_ports) && takes_port(port); }));
  EXPECT_FALSE(in_a_child([&] { return become(user, KeptRight::none) && takes_port(port); }));
}

TEST_F(Root, BecomesTheSameUserAgainWhenItStartsAgain) {
  EXPECT_TRUE(in_a_child([&] {
    return become(user, KeptRight::none) && become(user, KeptRight::none) &&
           !become({"another", 4323, 4322}, KeptRight::none);
  }));
}

TEST_F(Root, GivesTheUserADirectoryThatIsNew) {
  fs::path const data = directory.path() / "data";
  ASSERT_TRUE(give_directory(user, data));
  struct stat about{};
  ASSERT_EQ(::stat(data.c_str(), &about), 0);
  EXPECT_EQ(about.st_uid, user.user);
  EXPECT_EQ(about.st_gid, user.group);
  EXPECT_EQ(about.st_mode & 0777, 0700u);
  EXPECT_TRUE(give_directory(user, data)) << "it is theirs already";
}

TEST_F(Root, LeavesADirectoryThatIsAnothers) {
  fs::path const data = directory.path() / "data";
  fs::create_directory(data);
  auto const given = give_directory(user, data);
  ASSERT_FALSE(given);
  EXPECT_NE(given.error().message.find("chown -R somebody"), std::string::npos);
  struct stat about{};
  ASSERT_EQ(::stat(data.c_str(), &about), 0);
  EXPECT_EQ(about.st_uid, 0u);
}

}  // namespace
}  // namespace chisme::node
