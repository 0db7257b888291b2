#include "web/dav/children.hpp"

#include <gtest/gtest.h>

#include "tests/web/memory_gateway.hpp"
#include "web/dav/paths.hpp"

namespace chisme::web::dav {
namespace {

class DavChildren : public testing::Test {
 protected:
  void add(std::string const& name) { gateway.add(name, "x", "text/plain"); }
  // "name", or "name/" of a collection.
  std::vector<std::string> names(std::string const& collection) {
    auto const children = children_of(gateway, collection);
    EXPECT_TRUE(children);
    std::vector<std::string> found;
    for (Child const& child : *children) {
      found.push_back(child.name + (child.is_collection ? "/" : ""));
    }
    return found;
  }
  using Names = std::vector<std::string>;
  MemoryGateway gateway;
};

TEST_F(DavChildren, AreFilesAndBeginningsOfNames) {
  for (char const* const name : {"a", "b/x", "b/y/z", "b/y/w", "b0", "c/d", "b"}) add(name);
  EXPECT_EQ(names(""), (Names{"a", "b", "b/", "b0", "c/"}));
  EXPECT_EQ(names("b"), (Names{"b/x", "b/y/"}));
  EXPECT_EQ(names("b/y"), (Names{"b/y/w", "b/y/z"}));
  EXPECT_EQ(names("nothing"), Names{});
}

TEST_F(DavChildren, AreMadeCollectionsToo) {
  for (char const* const name : {"e", "b/m", "deep/er/est"}) add(marker_name(name));
  add("b/x");
  add(properties_name("p"));
  add(locks_name());
  EXPECT_EQ(names(""), (Names{"b/", "deep/", "e/"}));
  EXPECT_EQ(names("b"), (Names{"b/m/", "b/x"}));
  EXPECT_TRUE(is_collection(gateway, "e"));
  EXPECT_TRUE(is_collection(gateway, "deep/er"));
  EXPECT_TRUE(is_collection(gateway, ""));
  EXPECT_FALSE(is_collection(gateway, "b/x"));
  EXPECT_FALSE(is_collection(gateway, "p"));
}

TEST_F(DavChildren, ManyComeInPages) {
  Names wanted;
  for (int i = 1000; i < 2500; ++i) {
    std::string const number = std::to_string(i);
    add("many/" + number + (i % 2 == 0 ? "" : "/x"));
    wanted.push_back("many/" + number + (i % 2 == 0 ? "" : "/"));
  }
  EXPECT_EQ(names("many"), wanted);
}

TEST_F(DavChildren, MoreThanCanBeToldIsAnError) {
  for (std::size_t i = 0; i <= children_max; ++i) add("a/" + std::to_string(i));
  auto const children = children_of(gateway, "a");
  ASSERT_FALSE(children);
  EXPECT_EQ(children.error().fault, Fault::no_space);
  EXPECT_FALSE(tree_of(gateway, "a"));
  EXPECT_EQ(names(""), Names{"a/"});
}

TEST_F(DavChildren, ATreeIsAllThatIsKeptOfIt) {
  for (char const* const name : {"a", "a/x", "a/b/y", "ab"}) add(name);
  for (char const* const name : {"a", "a/e", "ab"}) add(marker_name(name));
  for (char const* const name : {"a", "a/x", "ab"}) add(properties_name(name));
  auto const tree = tree_of(gateway, "a");
  ASSERT_TRUE(tree);
  ASSERT_EQ(tree->files.size(), 2u);
  EXPECT_EQ(tree->files[0].name, "a/b/y");
  EXPECT_EQ(tree->collections, (Names{"a", "a/e"}));
  EXPECT_EQ(tree->described, (Names{"a", "a/x"}));
}

}  // namespace
}  // namespace chisme::web::dav
