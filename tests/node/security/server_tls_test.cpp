#include "node/security/server_tls.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <fstream>

#include "node/security/certificates.hpp"
#include "tests/node/peer/holder.hpp"

namespace chisme::node {
namespace {

using testing::HasSubstr;

struct ServerTlsFiles : testing::Test {
  ServerTlsFiles() {
    EXPECT_TRUE(make_authority(directory.path()));
    for (auto const& prefix : {node, other}) {
      EXPECT_TRUE(issue_certificate(directory.path(), {{"localhost"}, prefix, usual_days}));
    }
  }
  static std::filesystem::path with(std::filesystem::path path, char const* ending) {
    return path += ending;
  }
  std::string refusal(ServerTls::Files files) {
    auto const loaded = ServerTls(std::move(files)).load();
    return loaded ? "" : loaded.error().message;
  }
  test::Directory directory;
  std::filesystem::path const node = directory.path() / "node", other = directory.path() / "other";
  ServerTls::Files const good{with(node, ".pem"), with(node, ".key")};
};

TEST_F(ServerTlsFiles, AreTakenWhenTheyFit) {
  EXPECT_EQ(refusal(good), "");
}

TEST_F(ServerTlsFiles, ThatDoNotFitAreRefusedInWordsThatNameThem) {
  EXPECT_THAT(refusal({directory.path() / "nowhere", good.key}), HasSubstr("nowhere"));
  EXPECT_THAT(refusal({good.certificate, directory.path() / "nowhere"}), HasSubstr("nowhere"));
  EXPECT_THAT(refusal({directory.path(), good.key}), HasSubstr("no plain file"));
  EXPECT_THAT(refusal({good.key, good.key}), HasSubstr("no certificate"));
  auto const junk = directory.path() / "junk";
  std::ofstream{junk} << "nothing of use";
  EXPECT_THAT(refusal({good.certificate, junk}), HasSubstr("chmod 600"));
  ASSERT_EQ(::chmod(junk.c_str(), 0600), 0);
  EXPECT_THAT(refusal({good.certificate, junk}), HasSubstr("no private key"));
  EXPECT_THAT(refusal({good.certificate, with(other, ".key")}), HasSubstr("other.key"));
  ASSERT_EQ(::chmod(good.key.c_str(), 0644), 0);
  EXPECT_THAT(refusal(good), HasSubstr("chmod 600"));
}

TEST_F(ServerTlsFiles, ThatBecameUnfitLeaveWhatWasReadBefore) {
  ServerTls tls(good);
  ASSERT_TRUE(tls.load());
  std::ofstream{good.certificate} << "nothing of use";
  EXPECT_FALSE(tls.load());
  EXPECT_NE(tls.begin(0), nullptr);
}

}  // namespace
}  // namespace chisme::node
