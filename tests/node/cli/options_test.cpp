#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <unistd.h>

#include <fstream>

#include "node/cli/config_file.hpp"
#include "node/cli/node_options.hpp"

namespace chisme::node::cli {
namespace {

namespace fs = std::filesystem;
using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;

class ConfigFile {
 public:
  explicit ConfigFile(std::string const& text)
      : path_(fs::temp_directory_path() / ("chisme-test-" + std::to_string(::getpid()) + ".toml")) {
    std::ofstream(path_) << text;
  }
  ~ConfigFile() { fs::remove(path_); }
  ConfigFile(ConfigFile const&) = delete;
  ConfigFile& operator=(ConfigFile const&) = delete;
  fs::path const& path() const { return path_; }

 private:
  fs::path path_;
};

Layer flags(std::map<std::string, std::vector<std::string>> const& values) {
  Layer layer;
  for (auto const& [name, texts] : values) layer[name] = Given{"--" + name, texts};
  return layer;
}

std::string complaint(std::map<std::string, std::vector<std::string>> const& values) {
  auto const config = make_config({flags(values)});
  return config ? "accepted" : config.error().message;
}

TEST(NodeOptions, WithoutAnyTheDefaultsHoldAndThePeerPortIsAThousandHigher) {
  auto const config = make_config({});
  ASSERT_TRUE(config);
  EXPECT_EQ(to_string(config->http), "127.0.0.1:7701");
  EXPECT_EQ(to_string(config->peer), "127.0.0.1:8701");
  EXPECT_EQ(config->copies_wanted, 3u);
  EXPECT_EQ(config->network, Network::loopback);
  EXPECT_EQ(config->repair_delay, std::chrono::minutes{10});
  EXPECT_EQ(config->keep_removed, std::chrono::hours{24});
  EXPECT_EQ(config->scrub_period, std::chrono::hours{25 * 24});
  EXPECT_EQ(config->scrub_rate, ByteCount{32u << 20});
  auto const other = make_config({flags({{"listen", {"[::1]:9000"}}})});
  EXPECT_EQ(to_string(other->peer), "[::1]:10000");
}

TEST(NodeOptions, EveryValueReachesItsPlace) {
  auto const config = make_config({flags({{"listen", {"127.0.0.2:1"}},
                                          {"peer", {"localhost:2"}},
                                          {"advertise", {"127.0.0.1:3"}},
                                          {"host", {"films.example", "n1.lan"}},
                                          {"data", {"/d"}},
                                          {"join", {"127.0.0.1:4", "127.0.0.1:5"}},
                                          {"zone", {"attic"}},
                                          {"weight", {"7"}},
                                          {"copies", {"5"}},
                                          {"durable", {"3"}},
                                          {"repair_delay", {"2.5"}},
                                          {"keep_removed", {"90m"}},
                                          {"keep_surplus", {"2m"}},
                                          {"scrub_period", {"7d"}},
                                          {"scrub_rate", {"1M"}},
                                          {"profile", {"wan"}},
                                          {"max_file_size", {"3M"}},
                                          {"quota", {"2G"}},
                                          {"prefix_quota", {"films/=1K", "a=b=2"}},
                                          {"web_loops", {"2"}},
                                          {"disk_threads", {"9"}},
                                          {"log_level", {"debug"}}})});
  ASSERT_TRUE(config) << config.error().message;
  EXPECT_EQ(to_string(config->http), "127.0.0.2:1");
  EXPECT_EQ(to_string(config->peer), "127.0.0.1:2");
  EXPECT_EQ(to_string(*config->advertise_http), "127.0.0.1:3");
  EXPECT_THAT(config->hosts, ElementsAre("films.example", "n1.lan"));
  EXPECT_EQ(config->data, "/d");
  ASSERT_EQ(config->join.size(), 2u);
  EXPECT_EQ(to_string(config->join[1]), "127.0.0.1:5");
  EXPECT_EQ(config->zone, "attic");
  EXPECT_EQ(config->weight, 7u);
  EXPECT_EQ(config->copies_wanted, 5u);
  EXPECT_EQ(config->copies_durable, 3u);
  EXPECT_EQ(config->repair_delay, std::chrono::milliseconds{2500});
  EXPECT_EQ(config->last_copy_repair_delay, std::chrono::milliseconds{2500})
      << "the last copy never waits longer than the others";
  EXPECT_EQ(config->keep_removed, std::chrono::minutes{90});
  EXPECT_EQ(config->keep_surplus, std::chrono::minutes{2});
  EXPECT_EQ(config->scrub_period, std::chrono::hours{7 * 24});
  EXPECT_EQ(config->scrub_rate, ByteCount{1 << 20});
  EXPECT_EQ(config->network, Network::wan);
  EXPECT_EQ(config->max_file_size, ByteCount{3 << 20});
  EXPECT_EQ(config->quota, ByteCount{std::uint64_t{2} << 30});
  std::vector<PrefixQuota> const quotas{{"films/", ByteCount{1024}}, {"a=b", ByteCount{2}}};
  EXPECT_EQ(config->prefix_quotas, quotas);
  EXPECT_EQ(config->web_loops, 2u);
  EXPECT_EQ(config->disk_threads, 9u);
  EXPECT_EQ(config->log.level, LogLevel::debug);
}

TEST(NodeOptions, EachComponentOfTheLogHasItsLevel) {
  auto const config = make_config(
      {flags({{"log_level", {"warning,http=debug,access=info"}}, {"log_format", {"json"}}})});
  ASSERT_TRUE(config) << config.error().message;
  EXPECT_EQ(config->log.level, LogLevel::warning);
  EXPECT_EQ(config->log.of.size(), 2u);
  EXPECT_EQ(config->log.of.at(LogComponent::http), LogLevel::debug);
  EXPECT_EQ(config->log.of.at(LogComponent::access), LogLevel::info);
  EXPECT_EQ(config->log.format, LogFormat::json);
  EXPECT_EQ(make_config({})->log.format, LogFormat::text);
  for (char const* const wrong :
       {"", "loud", "http", "http=", "=info", "http=loud", "web=info", "info,,debug"}) {
    EXPECT_THAT(complaint({{"log_level", {wrong}}}), HasSubstr("--log_level")) << wrong;
  }
  EXPECT_THAT(complaint({{"log_format", {"xml"}}}), HasSubstr("is not one of text, json"));
}

TEST(NodeOptions, LimitsOfClientsHaveTheirDefaultsAndTheirKeys) {
  auto const defaults = make_config({});
  ASSERT_TRUE(defaults);
  ClientLimits const& usual = defaults->clients;
  EXPECT_EQ(usual.connections, 16'384u);
  EXPECT_EQ(usual.connections_per_address, 512u);
  EXPECT_EQ(usual.requests_per_second, 1000u);
  EXPECT_FALSE(usual.loopback);
  EXPECT_EQ(usual.head_bytes, ByteCount{32u << 10});
  EXPECT_EQ(usual.head_timeout, std::chrono::seconds{30});
  EXPECT_EQ(usual.idle_timeout, std::chrono::seconds{75});
  EXPECT_EQ(usual.progress_timeout, std::chrono::seconds{60});
  EXPECT_EQ(usual.slowest, ByteCount{256});
  EXPECT_EQ(usual.slowest_window, std::chrono::seconds{60});
  EXPECT_EQ(usual.buffer_bytes, ByteCount{512u << 20});
  EXPECT_EQ(usual.staging_bytes, std::nullopt);
  auto const config = make_config({flags({{"connections", {"100"}},
                                          {"connections_per_address", {"9"}},
                                          {"requests_per_second", {"0"}},
                                          {"limit_loopback", {"true"}},
                                          {"head_bytes", {"8K"}},
                                          {"head_timeout", {"5s"}},
                                          {"idle_timeout", {"6s"}},
                                          {"progress_timeout", {"7s"}},
                                          {"slowest", {"1K"}},
                                          {"slowest_window", {"8s"}},
                                          {"buffer_bytes", {"2M"}},
                                          {"staging_bytes", {"3G"}},
                                          {"trusted_proxy", {"192.0.2.1", "2001:db8::1"}}})});
  ASSERT_TRUE(config) << config.error().message;
  ClientLimits const& limits = config->clients;
  EXPECT_EQ(limits.connections, 100u);
  EXPECT_EQ(limits.connections_per_address, 9u);
  EXPECT_EQ(limits.requests_per_second, 0u);
  EXPECT_TRUE(limits.loopback);
  EXPECT_EQ(limits.head_bytes, ByteCount{8u << 10});
  EXPECT_EQ(limits.head_timeout, std::chrono::seconds{5});
  EXPECT_EQ(limits.idle_timeout, std::chrono::seconds{6});
  EXPECT_EQ(limits.progress_timeout, std::chrono::seconds{7});
  EXPECT_EQ(limits.slowest, ByteCount{1u << 10});
  EXPECT_EQ(limits.slowest_window, std::chrono::seconds{8});
  EXPECT_EQ(limits.buffer_bytes, ByteCount{2u << 20});
  EXPECT_EQ(limits.staging_bytes, ByteCount{std::uint64_t{3} << 30});
  ASSERT_EQ(limits.trusted_proxies.size(), 2u);
  EXPECT_EQ(address_text(limits.trusted_proxies[1]), "2001:db8::1");
  EXPECT_EQ(make_config({flags({{"slowest", {"0"}}})})->clients.slowest, ByteCount{0});
}

TEST(NodeOptions, LimitsThatWouldShutEverybodyOutAreRefused) {
  for (auto const& [key, value] :
       std::vector<std::pair<std::string, std::string>>{{"connections", "0"},
                                                        {"connections", "7"},
                                                        {"connections_per_address", "0"},
                                                        {"requests_per_second", "-1"},
                                                        {"head_bytes", "10"},
                                                        {"head_bytes", "1G"},
                                                        {"head_timeout", "0"},
                                                        {"idle_timeout", "0s"},
                                                        {"progress_timeout", "1ms"},
                                                        {"slowest_window", "0"},
                                                        {"buffer_bytes", "1K"},
                                                        {"staging_bytes", "0"},
                                                        {"trusted_proxy", "192.0.2.1:80"},
                                                        {"trusted_proxy", "proxy.example"},
                                                        {"trusted_proxy", "192.0.2.0/24"}}) {
    EXPECT_THAT(complaint({{key, {value}}}), AllOf(HasSubstr(key), HasSubstr(value)));
  }
}

TEST(NodeOptions, WhatConcernsSafetyReachesItsPlace) {
  auto const config = make_config({flags({{"user", {"somebody:some"}},
                                          {"unconfined", {"true"}},
                                          {"secret_file", {"/s"}},
                                          {"discover", {"true"}},
                                          {"discover_port", {"7799"}}})});
  ASSERT_TRUE(config) << config.error().message;
  EXPECT_EQ(config->user, "somebody:some");
  EXPECT_TRUE(config->unconfined);
  EXPECT_TRUE(config->discover);
  EXPECT_EQ(config->discover_port, 7799);
  EXPECT_FALSE(make_config({})->unconfined);
  EXPECT_FALSE(make_config({})->discover);
  EXPECT_THAT(complaint({{"discover", {"true"}}}), HasSubstr("--secret-file"));
  EXPECT_THAT(complaint({{"discover", {"true"}}, {"secret_file", {"/s"}}, {"listen", {"[::1]:1"}}}),
              HasSubstr("IPv4"));
  EXPECT_THAT(complaint({{"discover_port", {"0"}}}), HasSubstr("from 1 to 65535"));
  EXPECT_THAT(complaint({{"user", {""}}}), HasSubstr("is not a user"));
}

TEST(NodeOptions, ATimeIsSecondsOrHasAUnit) {
  for (auto const& [text, duration] :
       std::vector<std::pair<char const*, Duration>>{{"90", std::chrono::seconds{90}},
                                                     {"1.5", std::chrono::milliseconds{1500}},
                                                     {"250ms", std::chrono::milliseconds{250}},
                                                     {"90s", std::chrono::seconds{90}},
                                                     {"10m", std::chrono::minutes{10}},
                                                     {"24h", std::chrono::hours{24}},
                                                     {"0.5d", std::chrono::hours{12}}}) {
    auto const config = make_config({flags({{"repair_delay", {text}}})});
    ASSERT_TRUE(config) << text;
    EXPECT_EQ(config->repair_delay, duration) << text;
  }
}

TEST(NodeOptions, FlagsGoBeforeEnvironmentBeforeFileBeforeDefaults) {
  ConfigFile const file("copies = 5\nweight = 5\nzone = \"file\"\n");
  auto const from_file = read_config_file(file.path());
  ASSERT_TRUE(from_file) << from_file.error().message;
  Layer const environment = read_environment([](std::string const& variable) -> char const* {
    if (variable == "CHISME_WEIGHT") return "6";
    if (variable == "CHISME_ZONE") return "environment";
    return nullptr;
  });
  auto const config = make_config({*from_file, environment, flags({{"zone", {"flag"}}})});
  ASSERT_TRUE(config) << config.error().message;
  EXPECT_EQ(config->copies_wanted, 5u);
  EXPECT_EQ(config->weight, 6u);
  EXPECT_EQ(config->zone, "flag");
  EXPECT_EQ(config->copies_durable, 2u);
}

TEST(NodeOptions, AListIsCommasInTheEnvironmentAndAnArrayInTheFile) {
  ConfigFile const file("join = [\"127.0.0.1:1\", \"127.0.0.1:2\"]\n");
  EXPECT_EQ(make_config({*read_config_file(file.path())})->join.size(), 2u);
  Layer const environment = read_environment([](std::string const& variable) -> char const* {
    return variable == "CHISME_JOIN" ? "127.0.0.1:1,127.0.0.1:2,127.0.0.1:3" : nullptr;
  });
  EXPECT_EQ(make_config({environment})->join.size(), 3u);
}

TEST(NodeOptions, AnUnknownKeyIsNamedWithItsFileAndLine) {
  ConfigFile const file("copies = 3\nmax-file-size = 5\n");
  auto const layer = read_config_file(file.path());
  ASSERT_FALSE(layer);
  EXPECT_EQ(layer.error().fault, Fault::invalid);
  EXPECT_THAT(layer.error().message, AllOf(HasSubstr("max-file-size"),
                                           HasSubstr(file.path().string()), HasSubstr("line 2")));
}

TEST(NodeOptions, AFileThatIsNoTomlOrNotThereIsNamed) {
  ConfigFile const file("copies = 3\ncopies = = 5\n");
  EXPECT_THAT(read_config_file(file.path()).error().message, HasSubstr("line 2"));
  EXPECT_THAT(read_config_file("/nowhere/c.toml").error().message, HasSubstr("/nowhere/c.toml"));
  EXPECT_FALSE(read_config_file("/"));
}

TEST(NodeOptions, AValueOfTheWrongKindIsNamed) {
  for (char const* const text :
       {"copies = true\n", "copies = [3]\n", "[copies]\nx = 1\n", "join = [1979-05-27]\n"}) {
    ConfigFile const file(text);
    auto const layer = read_config_file(file.path());
    ASSERT_FALSE(layer) << text;
    EXPECT_THAT(layer.error().message, HasSubstr(file.path().string()));
  }
}

TEST(NodeOptions, ABadValueIsNamedWithWhereItStands) {
  EXPECT_EQ(complaint({{"listen", {"not-an-address"}}}),
            "--listen: \"not-an-address\" is not an address and port such as 127.0.0.1:7701");
  EXPECT_THAT(complaint({{"join", {"127.0.0.1:1", "10.0.0.1"}}}), HasSubstr("\"10.0.0.1\""));
  for (char const* const bad : {"", "-1", "0", "17", "x", "3x", " 3", "99999999999999"}) {
    EXPECT_THAT(complaint({{"copies", {bad}}}), HasSubstr("from 1 to 16")) << bad;
  }
  for (char const* const bad :
       {"", "-1", "x", "nan", "inf", "1e99", "5 s", "s", "ms", "5y", "9999d", "1h30m", "--5s"}) {
    EXPECT_THAT(complaint({{"repair_delay", {bad}}}), HasSubstr("is not a time")) << bad;
  }
  for (char const* const key : {"keep_removed", "keep_surplus", "keep_uploads", "scrub_period"}) {
    EXPECT_THAT(complaint({{key, {"0"}}}), HasSubstr("from 1.0 s to 3650 days")) << key;
    EXPECT_THAT(complaint({{key, {"999ms"}}}), HasSubstr("is not a time")) << key;
    EXPECT_EQ(complaint({{key, {"1s"}}}), "accepted") << key;
  }
  EXPECT_EQ(complaint({{"repair_delay", {"0"}}}), "accepted");
  for (char const* const bad : {"", "0", "-1M", "1K", "fast"}) {
    EXPECT_THAT(complaint({{"scrub_rate", {bad}}}), HasSubstr("--scrub_rate: ")) << bad;
  }
  for (char const* const bad : {"", "0", "K", "-5", "5 M", "5m", "99999999999T"}) {
    EXPECT_THAT(complaint({{"max_file_size", {bad}}}), HasSubstr("bytes")) << bad;
  }
  for (char const* const bad :
       {"", "films/", "=5", "films/=", "films/=0", "\x01uploads/=5", "\xff=5"}) {
    EXPECT_THAT(complaint({{"prefix_quota", {bad}}}), HasSubstr("--prefix_quota: ")) << bad;
  }
  EXPECT_THAT(complaint({{"prefix_quota", {"a=1", "a=2"}}}), HasSubstr("has a quota already"));
  std::vector<std::string> many;
  for (int i = 0; i <= 64; ++i) many.push_back("films/" + std::to_string(i) + "=1");
  EXPECT_THAT(complaint({{"prefix_quota", many}}), HasSubstr("there may be 64"));
  EXPECT_THAT(complaint({{"profile", {"moon"}}}), HasSubstr("loopback, lan, wan"));
}

TEST(NodeOptions, NodesToJoinMayBeNamed) {
  Layer const flags{{"join", {"--join", {"127.0.0.1:1", "chisme.lan:8701", "[::1]:2"}}},
                    {"secret_file", {"--secret-file", {"s"}}}};
  auto const config = make_config({flags});
  ASSERT_TRUE(config) << config.error().message;
  EXPECT_EQ(config->join.size(), 2u);
  EXPECT_EQ(config->join_names, (std::vector<PeerName>{{"chisme.lan", 8701}}));
  for (char const* const bad :
       {"chisme.lan", "chisme.lan:", "chisme.lan:0", "chisme.lan:65536", ":8701", "a_b:1", "A:1",
        "10.0.0.256:1", "10.0.1:1", "[::g]:1", "a b:1"}) {
    EXPECT_THAT(complaint({{"join", {bad}}, {"secret_file", {"s"}}}), HasSubstr("nor a name"))
        << bad;
  }
  EXPECT_THAT(complaint({{"join", {"chisme.lan:8701"}}}),
              AllOf(HasSubstr("chisme.lan"), HasSubstr("--secret-file")));
}

TEST(NodeOptions, OtherMachinesAreTalkedToWithASecretAndServedWhenToldTo) {
  EXPECT_THAT(complaint({{"join", {"127.0.0.1:1", "10.0.0.1:1"}}}),
              AllOf(HasSubstr("10.0.0.1:1"), HasSubstr("--secret-file")));
  EXPECT_THAT(complaint({{"peer", {"10.0.0.1:1"}}}), HasSubstr("--secret-file"));
  EXPECT_EQ(complaint({{"peer", {"10.0.0.1:1"}}, {"secret_file", {"s"}}}), "accepted");
  EXPECT_THAT(complaint({{"listen", {"10.0.0.1:1"}}, {"secret_file", {"s"}}}),
              HasSubstr("--insecure-lan"));
  EXPECT_EQ(
      complaint({{"listen", {"10.0.0.1:1"}}, {"secret_file", {"s"}}, {"insecure_lan", {"true"}}}),
      "accepted");
  Layer const encrypted{{"listen", {"--listen", {"10.0.0.1:1"}}},
                        {"peer", {"--peer", {"127.0.0.1:2"}}},
                        {"tls_certificate", {"--tls-certificate", {"c"}}},
                        {"tls_key", {"--tls-key", {"k"}}}};
  auto const alone = make_config({encrypted});
  ASSERT_FALSE(alone);
  EXPECT_THAT(alone.error().message, AllOf(HasSubstr("--secret-file"), HasSubstr("--insecure-lan"),
                                           HasSubstr("127.0.0.1")));
  Layer with_secret = encrypted;
  with_secret["secret_file"] = {"--secret-file", {"s"}};
  EXPECT_TRUE(make_config({with_secret}));
  EXPECT_THAT(complaint({{"tls_certificate", {"c"}}}), HasSubstr("go together"));
  EXPECT_THAT(
      complaint({{"listen", {"0.0.0.0:1"}}, {"secret_file", {"s"}}, {"insecure_lan", {"true"}}}),
      HasSubstr("--advertise"));
}

TEST(NodeOptions, ASwitchIsATruthInTheFile) {
  ConfigFile const file("insecure_lan = true\n");
  auto const layer = read_config_file(file.path());
  ASSERT_TRUE(layer) << layer.error().message;
  EXPECT_EQ(layer->at("insecure_lan").values, std::vector<std::string>{"true"});
}

TEST(NodeOptions, ValuesThatContradictEachOtherAreRefused) {
  EXPECT_THAT(complaint({{"copies", {"1"}}}), HasSubstr("--durable 2"));
  EXPECT_EQ(complaint({{"copies", {"1"}}, {"durable", {"1"}}}), "accepted");
  EXPECT_THAT(complaint({{"listen", {"127.0.0.1:65000"}}}), HasSubstr("--peer"));
  EXPECT_EQ(complaint({{"listen", {"127.0.0.1:65000"}}, {"peer", {"127.0.0.1:1"}}}), "accepted");
  EXPECT_THAT(complaint({{"zone", {"a", "b"}}}), HasSubstr("more than once"));
  EXPECT_THAT(complaint({{"host", {"films.example:80"}}}), HasSubstr("is not a host name"));
}

TEST(NodeOptions, WhoWantsTokensNeedsASecret) {
  EXPECT_THAT(complaint({{"access", {"token"}}}),
              AllOf(HasSubstr("--access token"), HasSubstr("--secret-file")));
  EXPECT_THAT(complaint({{"access", {"read"}}}), HasSubstr("--secret-file"));
  EXPECT_EQ(complaint({{"access", {"token"}}, {"secret_file", {"s"}}}), "accepted");
  EXPECT_EQ(complaint({{"access", {"open"}}}), "accepted");
  EXPECT_THAT(complaint({{"access", {"closed"}}}), HasSubstr("open, read, token"));
}

TEST(NodeOptions, WhereAllWhoComeAreFriendsNobodyIsAskedForATokenByItself) {
  EXPECT_EQ(access_of(*make_config({})), web::AccessMode::open);
  NodeConfig beyond;
  beyond.http.address[15] = 2;
  beyond.http.address[12] = 10;
  EXPECT_EQ(access_of(beyond), web::AccessMode::token);
  beyond.insecure_lan = true;
  EXPECT_EQ(access_of(beyond), web::AccessMode::open);
  beyond.access = web::AccessMode::read;
  EXPECT_EQ(access_of(beyond), web::AccessMode::read);
}

TEST(NodeOptions, OriginsOfOtherSitesAreExact) {
  auto const config =
      make_config({flags({{"cors_origin", {"https://films.example", "http://127.0.0.1:8080"}}})});
  ASSERT_TRUE(config);
  EXPECT_THAT(config->cors_origins, ElementsAre("https://films.example", "http://127.0.0.1:8080"));
  for (char const* const bad : {"*", "films.example", "https://", "https://films.example/",
                                "https://*.example", "null", "ftp://films.example", ""}) {
    EXPECT_THAT(complaint({{"cors_origin", {bad}}}), HasSubstr("is not the origin")) << bad;
  }
}

}  // namespace
}  // namespace chisme::node::cli
