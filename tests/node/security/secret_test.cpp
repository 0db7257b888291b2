#include "node/security/secret.hpp"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fstream>

#include "node/security/keys.hpp"
#include "tests/node/peer/holder.hpp"

namespace chisme::node {
namespace {

struct SecretFile : testing::Test {
  void write(std::string const& text, mode_t mode = 0600) {
    std::ofstream{path} << text;
    ASSERT_EQ(::chmod(path.c_str(), mode), 0);
  }
  // Why it is not read.
  std::string refusal() {
    auto const read = read_secret_file(path);
    return read ? "" : read.error().message;
  }
  test::Directory directory;
  std::filesystem::path const path = directory.path() / "secret";
  Secret const one = new_secret(), two = new_secret();
};

TEST(SecretText, IsReadAsItIsWritten) {
  Secret const secret = new_secret();
  EXPECT_NE(secret, new_secret());
  EXPECT_EQ(parse_secret(to_text(secret)), secret);
  for (std::string const& text :
       {std::string{}, std::string{"chisme-secret-"}, std::string(64, '0'), to_text(secret) + "0",
        to_text(secret).substr(1)}) {
    EXPECT_FALSE(parse_secret(text)) << text;
  }
}

TEST_F(SecretFile, OnlyItsOwnerCanReadTheOneThatIsMade) {
  ASSERT_TRUE(write_secret_file(path, one));
  struct stat about{};
  ASSERT_EQ(::stat(path.c_str(), &about), 0);
  EXPECT_EQ(about.st_mode & 0777, 0600u);
  EXPECT_EQ(read_secret_file(path).value(), std::vector{one});
}

TEST_F(SecretFile, OneThatIsThereIsNotReplaced) {
  ASSERT_TRUE(write_secret_file(path, one));
  EXPECT_EQ(write_secret_file(path, two).error().fault, Fault::invalid);
  EXPECT_EQ(read_secret_file(path).value(), std::vector{one});
}

TEST_F(SecretFile, HasOneSecretALineAndRemarks) {
  write("# of the office\n" + to_text(two) + "\r\n\n" + to_text(one));
  EXPECT_EQ(read_secret_file(path).value(), (std::vector{two, one}));
}

TEST_F(SecretFile, ThatOthersCanReadIsRefused) {
  for (mode_t const mode : {0640u, 0604u, 0620u, 0666u}) {
    write(to_text(one), mode);
    EXPECT_NE(refusal().find("chmod 600"), std::string::npos) << mode;
  }
}

TEST_F(SecretFile, WithoutSecretsIsRefusedWithoutItsText) {
  write("# nothing\n");
  EXPECT_NE(refusal().find("chisme secret new"), std::string::npos);
  write(to_text(one) + "\nchisme-secret-abcdef\n");
  EXPECT_NE(refusal().find("line 2"), std::string::npos);
  EXPECT_EQ(refusal().find("abcdef"), std::string::npos);
  std::string many;
  for (std::size_t i = 0; i <= secrets_max; ++i) many += to_text(new_secret()) + "\n";
  write(many);
  EXPECT_NE(refusal().find("more than"), std::string::npos);
}

TEST_F(SecretFile, ThatIsNoPlainFileIsRefused) {
  EXPECT_EQ(read_secret_file(path).error().fault, Fault::not_found);
  ASSERT_EQ(::mkfifo(path.c_str(), 0600), 0);
  EXPECT_NE(refusal().find("plain file"), std::string::npos);
}

// RFC 5869, appendix A, has no case with our lengths: that keys differ is what is asked of them.
TEST(Keys, OfEachPurposeAndContextDiffer) {
  Secret const secret = new_secret();
  std::array<std::uint8_t, 1> const context{'b'};
  EXPECT_EQ(derive_key(secret, "a"), derive_key(secret, "a"));
  EXPECT_NE(derive_key(secret, "a"), derive_key(secret, "b"));
  EXPECT_NE(derive_key(secret, "a"), derive_key(new_secret(), "a"));
  EXPECT_NE(derive_key(secret, "a", context), derive_key(secret, "ab"));
}

}  // namespace
}  // namespace chisme::node
