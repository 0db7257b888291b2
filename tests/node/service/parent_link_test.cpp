#include "node/parent_link.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/socket.h>

#include <array>
#include <future>

#include "node/storage/posix.hpp"

namespace chisme::node {
namespace {

using web::LocalOrder;

TEST(ParentPackets, AreReadAsTheyWereWritten) {
  for (auto const order :
       {LocalOrder::kill, LocalOrder::start, LocalOrder::stop, LocalOrder::resume}) {
    auto const request = parse_parent_request("17 " + std::string{to_string(order)} + " http://x");
    ASSERT_TRUE(request);
    EXPECT_EQ(request->number, 17u);
    EXPECT_EQ(request->order, order);
    EXPECT_EQ(request->url, "http://x");
  }
  for (char const* const wrong : {"", "17", "17 ", "17 kill", "x kill u", "17 quit u", "17kill u",
                                  "-1 kill u", "99999999999999999999 kill u"}) {
    EXPECT_FALSE(parse_parent_request(wrong)) << wrong;
  }
  EXPECT_EQ(parent_answer(3, {}), "3 ok");
  EXPECT_EQ(parent_answer(3, fail(Fault::not_found, "who")), "3 unknown");
  EXPECT_EQ(parent_answer(3, fail(Fault::invalid, "it runs")), "3 it runs");
  EXPECT_EQ(parent_answer(3, fail(Fault::io, std::string(9999, 'x'))).size(),
            parent_packet_bytes_max);
  EXPECT_TRUE(parse_parent_answer("3 ok")->result);
  EXPECT_EQ(parse_parent_answer("3 unknown")->result.error().fault, Fault::not_found);
  EXPECT_EQ(parse_parent_answer("3 it runs")->result.error().message, "it runs");
  EXPECT_FALSE(parse_parent_answer("ok"));
}

class Link : public testing::Test {
 protected:
  Link() {
    std::array<int, 2> ends{-1, -1};
    EXPECT_EQ(::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends.data()), 0);
    parent_ = Descriptor{ends[0]};
    child_ = Descriptor{ends[1]};
    disk_ = std::make_unique<DiskPool>(1);
    link_ = std::make_unique<ParentLink>(*disk_, child_.number());
  }
  ~Link() override {
    parent_.close();  // what waits for an answer waits no more
    disk_.reset();
  }
  std::future<Result<void>> ask(LocalOrder order, std::string url) {
    auto const told = std::make_shared<std::promise<Result<void>>>();
    auto const asked =
        link_->ask(order, std::move(url), [told](Result<void> result) { told->set_value(result); });
    EXPECT_TRUE(asked);
    return told->get_future();
  }
  std::string hear() {
    std::array<char, 1000> block{};
    ssize_t const got = ::recv(parent_.number(), block.data(), block.size(), 0);
    return {block.data(), static_cast<std::size_t>(std::max<ssize_t>(got, 0))};
  }
  void say(std::string const& packet) {
    EXPECT_EQ(::send(parent_.number(), packet.data(), packet.size(), 0), std::ssize(packet));
  }

  Descriptor parent_;
  Descriptor child_;
  std::unique_ptr<ParentLink> link_;
  std::unique_ptr<DiskPool> disk_;
};

TEST_F(Link, TellsTheParentsAnswer) {
  auto first = ask(LocalOrder::kill, "http://127.0.0.1:7702");
  EXPECT_EQ(hear(), "1 kill http://127.0.0.1:7702");
  say("1 ok");
  EXPECT_TRUE(first.get());
  auto second = ask(LocalOrder::start, "u");
  EXPECT_EQ(hear(), "2 start u");
  say("2 unknown");
  EXPECT_EQ(second.get().error().fault, Fault::not_found);
  auto third = ask(LocalOrder::stop, "u");
  EXPECT_EQ(hear(), "3 stop u");
  say("3 node 2 does not run");
  auto const refused = third.get();
  EXPECT_EQ(refused.error().fault, Fault::precondition_failed);
  EXPECT_EQ(refused.error().message, "node 2 does not run");
}

TEST_F(Link, PassesOverWhatIsNoAnswerToItsQuestion) {
  auto asked = ask(LocalOrder::resume, "u");
  EXPECT_EQ(hear(), "1 cont u");
  for (char const* const other : {"0 ok", "7 ok", "nonsense", "1"}) say(other);
  say("1 unknown");
  EXPECT_EQ(asked.get().error().fault, Fault::not_found);
}

TEST_F(Link, AParentThatIsGoneIsSaidToBe) {
  parent_.close();
  EXPECT_EQ(ask(LocalOrder::kill, "u").get().error().fault, Fault::unavailable);
}

TEST_F(Link, AnAddressThatIsNoneIsNotEvenAsked) {
  EXPECT_EQ(ask(LocalOrder::kill, std::string(9999, 'x')).get().error().fault, Fault::not_found);
}

TEST_F(Link, NoMoreThanSomeWait) {
  std::vector<std::future<Result<void>>> asked;
  for (unsigned i = 0; i < ParentLink::waiting_max; ++i)
    asked.push_back(ask(LocalOrder::kill, "u"));
  auto const refused = link_->ask(LocalOrder::kill, "u", [](Result<void> const&) {});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().fault, Fault::busy);
  parent_.close();
  for (auto& one : asked) EXPECT_FALSE(one.get());
}

TEST_F(Link, OnlyASocketOfPacketsIsTakenForAParent) {
  EXPECT_TRUE(is_parent_socket(child_.number()));
  EXPECT_FALSE(is_parent_socket(open_file("/dev/null", O_RDONLY)->number()));
  EXPECT_FALSE(is_parent_socket(-1));
  EXPECT_FALSE(is_parent_socket(9999));
}

}  // namespace
}  // namespace chisme::node
