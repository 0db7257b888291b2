#include "node/cli/config_file.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <set>
#include <sstream>
#include <string>

#include "node/changes.hpp"
#include "node/cli/config_example.hpp"
#include "node/cli/nearest.hpp"

namespace chisme::node::cli {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

TEST(Nearest, AWordIsTakenForTheOneThatItIsAFewLettersFrom) {
  std::vector<std::string> const known{"copies", "durable", "scrub_rate", "scrub_period"};
  EXPECT_EQ(nearest_to("copis", known), "copies");
  EXPECT_EQ(nearest_to("copeis", known), "copies");
  EXPECT_EQ(nearest_to("durabel", known), "durable");
  EXPECT_EQ(nearest_to("scrub-rate", known), "scrub_rate");
  EXPECT_EQ(nearest_to("scrubperiod", known), "scrub_period");
  EXPECT_EQ(nearest_to("copies", known), "copies");
}

TEST(Nearest, WhatIsFarFromAllIsTakenForNothing) {
  std::vector<std::string> const known{"copies", "durable"};
  for (std::string const& word : {std::string{}, std::string{"zone"}, std::string{"cluster"},
                                  std::string(65, 'c'), std::string(5000, 'c')}) {
    EXPECT_EQ(nearest_to(word, known), "") << word;
    EXPECT_EQ(suggestion_for(word, known), "") << word;
  }
  EXPECT_EQ(nearest_to("copies", {}), "");
  EXPECT_EQ(suggestion_for("copis", known), ": did you mean `copies`?");
}

TEST(ConfigFile, AllThatIsWrongIsToldAndTheRestIsTaken) {
  ParsedConfig const file = parse_config(
      "copies = 4\nzon = \"a\"\nweight = 1979-05-27\njoin = [\"127.0.0.1:1\", false]\n", "c.toml");
  EXPECT_EQ(file.complaints.size(), 3u);
  for (char const* const begins : {"c.toml, line 2: ", "c.toml, line 3: ", "c.toml, line 4: "}) {
    EXPECT_THAT(file.complaints, ::testing::Contains(::testing::StartsWith(begins)));
  }
  EXPECT_THAT(file.layer.at("copies").values, ElementsAre("4"));
  EXPECT_THAT(file.layer.at("join").values, ElementsAre("127.0.0.1:1"));
}

TEST(ConfigFile, ValuesAndRulesBetweenKeysAreTold) {
  auto const values = complaints_about_config("copies = 99\nscrub_rate = \"fast\"\n", "c.toml");
  ASSERT_EQ(values.size(), 2u);
  EXPECT_THAT(values[0], HasSubstr("c.toml, line 1: `copies`: \"99\""));
  EXPECT_THAT(values[1], HasSubstr("line 2"));
  auto const rules = complaints_about_config("copies = 1\n", "c.toml");
  EXPECT_THAT(rules, ElementsAre(HasSubstr("c.toml: --durable 2")));
  EXPECT_THAT(complaints_about_config("copies = 4\n", "c.toml"), IsEmpty());
  EXPECT_THAT(complaints_about_config("", "c.toml"), IsEmpty());
}

TEST(ConfigFile, NothingInAComplaintSteersATerminal) {
  for (std::string const& complaint : complaints_about_config("\"a\\u001b[31m\" = 1\n", "c.toml")) {
    EXPECT_EQ(complaint.find('\x1b'), std::string::npos) << complaint;
  }
}

// By key, what the example says of it.
std::map<std::string, std::string> examples() {
  std::map<std::string, std::string> found;
  std::istringstream lines{config_example()};
  for (std::string line; std::getline(lines, line);) {
    EXPECT_LE(line.size(), 110u) << line;
    auto const equals = line.find(" = ");
    bool const is_key = line.size() > 1 && line[0] == '#' && line[1] >= 'a' && line[1] <= 'z';
    if (is_key && equals != std::string::npos) found[line.substr(1, equals - 1)] = line.substr(1);
  }
  return found;
}

TEST(ConfigExample, HasEachKeyOnceWithAValueThatItTakes) {
  auto const found = examples();
  for (NodeKey const& key : node_keys()) {
    auto const at = found.find(key.name);
    ASSERT_NE(at, found.end()) << key.name;
    ParsedConfig const file = parse_config(at->second, "example");
    EXPECT_THAT(file.complaints, IsEmpty()) << at->second;
    EXPECT_THAT(complaints_about(file.layer), IsEmpty()) << at->second;
  }
  EXPECT_EQ(found.size(), node_keys().size());
  EXPECT_THAT(complaints_about_config(config_example(), "example"), IsEmpty());
}

// Another value than the default, for keys whose examples show that.
std::string other_value(std::string const& key) {
  static std::map<std::string, std::string> const others{{"access", "\"read\""},
                                                         {"buffer_bytes", "\"2M\""},
                                                         {"connections", "100"},
                                                         {"connections_per_address", "9"},
                                                         {"copies", "5"},
                                                         {"discover", "false"},
                                                         {"disk_threads", "9"},
                                                         {"durable", "1"},
                                                         {"head_bytes", "\"8K\""},
                                                         {"head_timeout", "\"5s\""},
                                                         {"idle_timeout", "\"5s\""},
                                                         {"keep_removed", "\"5s\""},
                                                         {"keep_surplus", "\"5s\""},
                                                         {"keep_uploads", "\"5s\""},
                                                         {"limit_loopback", "true"},
                                                         {"listen", "\"127.0.0.1:7\""},
                                                         {"log_level", "\"debug\""},
                                                         {"max_file_size", "5"},
                                                         {"peer", "\"127.0.0.1:7\""},
                                                         {"progress_timeout", "\"5s\""},
                                                         {"repair_delay", "\"5s\""},
                                                         {"requests_per_second", "7"},
                                                         {"scrub_period", "\"5s\""},
                                                         {"scrub_rate", "\"64K\""},
                                                         {"slowest", "7"},
                                                         {"slowest_window", "\"5s\""},
                                                         {"stop_timeout", "\"5s\""},
                                                         {"unconfined", "true"},
                                                         {"web_loops", "7"},
                                                         {"weight", "7"},
                                                         {"discover_port", "7"},
                                                         {"insecure_lan", "true"},
                                                         {"last_copy_repair_delay", "\"5s\""}};
  auto const at = others.find(key);
  return at == others.end() ? "" : key + " = " + at->second + "\n";
}

TEST(Changes, WhatARunningNodeTakesIsWhatTheKeysSay) {
  auto const found = examples();
  for (NodeKey const& key : node_keys()) {
    std::string const other = other_value(key.name);
    ParsedConfig file = parse_config(other.empty() ? found.at(key.name) : other, "c");
    // What some values are not taken without.
    file.layer.emplace("secret_file", Given{"--secret-file", {"/s"}});
    if (key.name.starts_with("tls_")) {
      file.layer.emplace("tls_certificate", Given{"--tls-certificate", {"/c"}});
      file.layer.emplace("tls_key", Given{"--tls-key", {"/k"}});
    }
    auto const wanted = make_config({file.layer});
    ASSERT_TRUE(wanted) << key.name << ": " << wanted.error().message;
    NodeConfig const running;
    bool const changes = changed_while_running(running, *wanted) != running;
    EXPECT_EQ(changes, changes_while_running(key.name)) << key.name;
  }
  EXPECT_FALSE(changes_while_running("copis"));
}

}  // namespace
}  // namespace chisme::node::cli
