#include "node/security/certificates.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <sys/stat.h>

#include <cstdio>

#include "node/storage/posix.hpp"
#include "tests/node/peer/holder.hpp"

namespace chisme::node {
namespace {

using testing::HasSubstr;

struct Certificates : testing::Test {
  using Chain = std::vector<std::shared_ptr<X509>>;
  Chain read(std::filesystem::path const& path) {
    Chain chain;
    std::FILE* const file = std::fopen(path.c_str(), "r");
    while (X509* const next = file ? PEM_read_X509(file, nullptr, nullptr, nullptr) : nullptr) {
      chain.emplace_back(next, X509_free);
    }
    if (file) std::fclose(file);
    return chain;
  }
  mode_t mode(std::filesystem::path const& path) {
    struct stat about{};
    return ::stat(path.c_str(), &about) == 0 ? about.st_mode & 0777 : 0;
  }
  // How many days from now it ends.
  int days(X509* certificate) {
    int left = 0, seconds = 0;
    ASN1_TIME_diff(&left, &seconds, nullptr, X509_get0_notAfter(certificate));
    return seconds > 0 ? left + 1 : left;
  }
  std::string refusal(std::vector<std::string> hosts) {
    auto const made = issue_certificate(directory.path(), {std::move(hosts), prefix, usual_days});
    return made ? "" : made.error().message;
  }
  test::Directory directory;
  std::filesystem::path const prefix = directory.path() / "node";
};

TEST_F(Certificates, ANodesIsSignedByTheAuthorityForItsHostsOnly) {
  ASSERT_TRUE(make_authority(directory.path()));
  ASSERT_TRUE(issue_certificate(
      directory.path(), {{"films.example", "192.168.1.11", "fd00::11"}, prefix, usual_days}));
  Chain const chain = read(directory.path() / "node.pem");
  ASSERT_EQ(chain.size(), 2u);
  X509* const own = chain[0].get();
  EXPECT_EQ(X509_verify(own, X509_get0_pubkey(chain[1].get())), 1);
  EXPECT_EQ(X509_check_issued(chain[1].get(), own), X509_V_OK);
  EXPECT_EQ(X509_check_host(own, "films.example", 0, 0, nullptr), 1);
  EXPECT_EQ(X509_check_ip_asc(own, "192.168.1.11", 0), 1);
  EXPECT_EQ(X509_check_ip_asc(own, "fd00::11", 0), 1);
  EXPECT_EQ(X509_check_host(own, "other.example", 0, 0, nullptr), 0);
  EXPECT_EQ(X509_check_ip_asc(own, "192.168.1.12", 0), 0);
  EXPECT_EQ(X509_check_ca(own), 0);
  EXPECT_EQ(X509_check_purpose(own, X509_PURPOSE_SSL_SERVER, 0), 1);
  EXPECT_EQ(X509_check_ca(chain[1].get()), 1);
  EXPECT_EQ(days(own), 397);
  EXPECT_NEAR(days(chain[1].get()), 3652, 1);
  EXPECT_EQ(mode(directory.path() / "node.key"), 0600u);
  EXPECT_EQ(mode(directory.path() / "ca.key"), 0600u);
}

TEST_F(Certificates, ItDoesNotOutliveTheAuthority) {
  ASSERT_TRUE(make_authority(directory.path()));
  ASSERT_TRUE(issue_certificate(directory.path(), {{"a.example"}, prefix, 20'000}));
  Chain const chain = read(directory.path() / "node.pem");
  EXPECT_EQ(
      ASN1_TIME_compare(X509_get0_notAfter(chain[0].get()), X509_get0_notAfter(chain[1].get())), 0);
}

TEST_F(Certificates, FilesThatAreThereStay) {
  ASSERT_TRUE(make_authority(directory.path()));
  auto const before = read_file(directory.path() / "ca.key").value();
  auto const again = make_authority(directory.path());
  ASSERT_FALSE(again);
  EXPECT_THAT(again.error().message, HasSubstr("ca.pem"));
  EXPECT_EQ(read_file(directory.path() / "ca.key").value(), before);
  ASSERT_EQ(refusal({"a.example"}), "");
  auto const key = read_file(directory.path() / "node.key").value();
  EXPECT_THAT(refusal({"a.example"}), HasSubstr("not overwritten"));
  std::filesystem::remove(directory.path() / "node.pem");
  EXPECT_THAT(refusal({"a.example"}), HasSubstr("node.key"));
  EXPECT_EQ(read_file(directory.path() / "node.key").value(), key);
}

TEST_F(Certificates, WhatIsNoHostOrNoAuthorityIsRefused) {
  EXPECT_THAT(refusal({"a.example"}), HasSubstr("chisme ca new"));
  ASSERT_TRUE(make_authority(directory.path()));
  for (char const* const bad : {"", "a b", "A.example", "a.example:7701", "a,DNS:b", "-a", "a\nb",
                                "http://a", "*.example", "email:a"}) {
    EXPECT_THAT(refusal({bad}), HasSubstr("no host name")) << bad;
  }
  EXPECT_NE(refusal({}), "");
  EXPECT_NE(refusal(std::vector<std::string>(101, "a.example")), "");
  EXPECT_FALSE(std::filesystem::exists(directory.path() / "node.key"));
  std::filesystem::copy_file(directory.path() / "ca.pem", directory.path() / "ca.key",
                             std::filesystem::copy_options::overwrite_existing);
  EXPECT_THAT(refusal({"a.example"}), HasSubstr("belong together"));
}

}  // namespace
}  // namespace chisme::node
