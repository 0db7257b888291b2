#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <asio/ip/tcp.hpp>
#include <asio/post.hpp>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "node/peer/address.hpp"
#include "node/running_node.hpp"
#include "tests/node/peer/black_hole.hpp"
#include "tests/node/peer/holder.hpp"

// Whole nodes in one process, asked over real sockets.
namespace chisme::node {
namespace {

using testing::HasSubstr;
using testing::Not;

// A node and the thread that runs its control loop. Ending it is a crash to the others.
class RunningThread {
 public:
  explicit RunningThread(NodeConfig config) : node_{std::move(config)} {
    auto const started = node_.start();
    EXPECT_TRUE(started) << started.error().message;
    thread_ = std::thread{[this] { EXPECT_TRUE(node_.run()); }};
  }
  ~RunningThread() {
    asio::post(node_.control(), [this] { node_.control().stop(); });
    thread_.join();
  }
  RunningThread(RunningThread const&) = delete;
  RunningThread& operator=(RunningThread const&) = delete;
  [[nodiscard]] NodeConfig const& config() const { return node_.config(); }

 private:
  RunningNode node_;
  std::thread thread_;
};

struct Answer {
  int status = 0;
  std::string body;
};

// One request on a connection of its own, in as many steps as a test likes.
class Request {
 public:
  Request(Endpoint node, std::string const& method, std::string const& target, std::size_t size) {
    stream_.expires_after(std::chrono::seconds{40});
    stream_.connect(to_tcp(node));
    stream_ << method << ' ' << target << " HTTP/1.1\r\nHost: " << to_string(node)
            << "\r\nConnection: close\r\n";
    if (size > 0) stream_ << "Content-Length: " << size << "\r\n";
    stream_ << "\r\n" << std::flush;
  }
  void send(std::string_view bytes) { stream_ << bytes << std::flush; }
  Answer answer() {
    Answer result;
    std::string line;
    std::getline(stream_, line);
    if (line.size() > 12) result.status = std::stoi(line.substr(9, 3));
    while (std::getline(stream_, line) && line != "\r") {
    }
    result.body.assign(std::istreambuf_iterator<char>{stream_}, {});
    return result;
  }

 private:
  asio::ip::tcp::iostream stream_;
};

struct Cluster : testing::Test {
  NodeConfig config_of(int number) {
    NodeConfig config;
    config.http = config.peer = NodeConfig::loopback_endpoint(0);
    config.data = directory.path() / std::to_string(number);
    config.web_loops = 1;
    config.disk_threads = 2;
    config.repair_delay = config.last_copy_repair_delay = std::chrono::hours{1};
    if (!nodes.empty()) config.join = {nodes[0]->config().peer};
    return config;
  }
  // Starts nodes and waits until each knows all. Their data are in directories from `first` on.
  void start(int count, int first = 0) {
    for (int i = 0; i < count; ++i) {
      nodes.push_back(std::make_unique<RunningThread>(config_of(first + i)));
    }
    for (auto const& node : nodes) {
      ASSERT_TRUE(comes(*node, "/cluster", [&](std::string const& body) {
        return occurrences(body, R"("state":"alive")") == count;
      }));
    }
  }
  static int occurrences(std::string const& text, std::string const& what) {
    int count = 0;
    for (auto at = text.find(what); at != text.npos; at = text.find(what, at + 1)) ++count;
    return count;
  }
  static Answer get(RunningThread const& node, std::string const& target) {
    return Request{node.config().http, "GET", target, 0}.answer();
  }
  static Answer put(RunningThread const& node, std::string const& name, std::string const& bytes) {
    Request request{node.config().http, "PUT", "/files/" + name, bytes.size()};
    request.send(bytes);
    return request.answer();
  }
  // Whether the answer's body becomes what it should be within 30 seconds.
  static bool comes(RunningThread const& node, std::string const& target,
                    std::function<bool(std::string const&)> const& is_right) {
    auto const deadline = std::chrono::steady_clock::now() + std::chrono::seconds{30};
    while (std::chrono::steady_clock::now() < deadline) {
      if (is_right(get(node, target).body)) return true;
      std::this_thread::sleep_for(std::chrono::milliseconds{20});
    }
    return false;
  }
  static std::string letters(std::size_t size) {
    auto const bytes = test::random_bytes(size);
    return {reinterpret_cast<char const*>(bytes.data()), bytes.size()};
  }
  // The node, other than the first, whose id an answer names among its copies.
  std::size_t other_holder(std::string const& body) {
    for (std::size_t i = 1; i < nodes.size(); ++i) {
      std::string const cluster = get(*nodes[i], "/cluster").body;
      std::string const self = cluster.substr(cluster.find(R"("self":")") + 8, 32);
      if (body.find(self) != body.npos) return i;
    }
    return 0;
  }

  test::Directory directory;
  std::vector<std::unique_ptr<RunningThread>> nodes;
};

TEST_F(Cluster, WriteIsOnTwoNodesWhenAcknowledgedAndOnThreeSoonAfter) {
  start(4);
  std::string const bytes = letters(2'000'000);
  auto const stored = put(*nodes[1], "a.bin", bytes);
  ASSERT_EQ(stored.status, 201) << stored.body;
  std::string const copies = stored.body.substr(stored.body.find(R"("copies":[)"));
  EXPECT_EQ(occurrences(copies.substr(0, copies.find(']')), ","), 1) << stored.body;
  for (auto const& node : nodes) {
    EXPECT_TRUE(comes(*node, "/files", [](std::string const& body) {
      return body.find(R"("copies":3)") != body.npos;
    }));
    EXPECT_EQ(get(*node, "/files/a.bin?via=proxy").body, bytes);
  }
}

TEST_F(Cluster, AHolderWhomLongPacketsDoNotReachIsGivenShortOnes) {
  start(2);
  ASSERT_TRUE(test::swallow_long_packets(test::listener_at(nodes[1]->config().peer)));
  auto const stored = put(*nodes[0], "a.bin", letters(1200));
  EXPECT_EQ(stored.status, 201) << stored.body;
}

TEST_F(Cluster, UploadSurvivesTheEndOfTheNodeThatItIsPushedTo) {
  start(3);
  std::string const bytes = letters(3'000'000);
  auto const first = put(*nodes[0], "a.bin", "small");
  ASSERT_EQ(first.status, 201) << first.body;
  std::size_t const target = other_holder(first.body);
  ASSERT_NE(target, 0u);

  Request upload{nodes[0]->config().http, "PUT", "/files/a.bin", bytes.size()};
  upload.send(bytes.substr(0, bytes.size() / 2));
  nodes[target].reset();
  upload.send(bytes.substr(bytes.size() / 2));
  auto const answer = upload.answer();
  EXPECT_EQ(answer.status, 200) << answer.body;
  RunningThread const& third = *nodes[3 - target];
  EXPECT_TRUE(comes(third, "/files/a.bin?via=local",
                    [&](std::string const& body) { return body == bytes; }));
}

TEST_F(Cluster, WithoutASecondNodeAWriteIsRefusedAndNothingIsVisible) {
  start(2);
  ASSERT_EQ(put(*nodes[0], "old", "kept").status, 201);
  nodes[1].reset();
  ASSERT_TRUE(comes(*nodes[0], "/cluster", [](std::string const& body) {
    return body.find(R"("state":"dead")") != body.npos;
  }));
  EXPECT_EQ(put(*nodes[0], "new", "refused").status, 503);
  EXPECT_THAT(get(*nodes[0], "/files").body, Not(HasSubstr(R"("name":"new")")));
  EXPECT_EQ(get(*nodes[0], "/files/old").body, "kept");
}

TEST_F(Cluster, NodeThatIsAloneStoresOneCopyAndHasItAfterARestart) {
  start(1);
  ASSERT_EQ(put(*nodes[0], "a/b.txt", "hello").status, 201);
  nodes.clear();
  // A directory stays locked as long as the process: the node starts again with a copy of it.
  std::filesystem::copy(directory.path() / "0", directory.path() / "1",
                        std::filesystem::copy_options::recursive);
  start(1, 1);
  auto const again = get(*nodes[0], "/files/a/b.txt");
  EXPECT_EQ(again.status, 200);
  EXPECT_EQ(again.body, "hello");
}

TEST_F(Cluster, RemovedFileIsGoneWhereItWasRemovedAndThenEverywhere) {
  start(3);
  ASSERT_EQ(put(*nodes[0], "a", "hello").status, 201);
  EXPECT_EQ((Request{nodes[0]->config().http, "DELETE", "/files/a", 0}.answer().status), 204);
  EXPECT_EQ(get(*nodes[0], "/files/a").status, 404);
  for (auto const& node : nodes) {
    EXPECT_TRUE(comes(*node, "/files", [](std::string const& body) {
      return body.find(R"("name":"a")") == body.npos;
    }));
  }
}

TEST_F(Cluster, MetricsTellWhatTheNodeDid) {
  start(1);
  put(*nodes[0], "a", "hello");
  auto const metrics = get(*nodes[0], "/metrics");
  EXPECT_EQ(metrics.status, 200);
  EXPECT_THAT(metrics.body, HasSubstr("\nchisme_files 1\n"));
  EXPECT_THAT(metrics.body, HasSubstr("\nchisme_received_bytes_total 5\n"));
  EXPECT_THAT(metrics.body, HasSubstr("\nchisme_members{state=\"alive\"} 1\n"));
  EXPECT_THAT(metrics.body, HasSubstr("\nchisme_uploads_acknowledged_total 1\n"));
  EXPECT_THAT(metrics.body, HasSubstr("\nchisme_http_requests_total{"));
  EXPECT_THAT(metrics.body, HasSubstr("\nchisme_http_first_byte_seconds_count{"));
  EXPECT_THAT(metrics.body, HasSubstr("\nchisme_connections "));
  EXPECT_THAT(metrics.body, Not(HasSubstr("chisme_catalogue_commit_seconds_count 0\n")));
  EXPECT_THAT(metrics.body, HasSubstr("\nprocess_open_fds "));
  EXPECT_THAT(metrics.body, HasSubstr("\nprocess_resident_memory_bytes "));
}

TEST_F(Cluster, PortInUseIsASentenceAndNotAStart) {
  start(1);
  NodeConfig config = config_of(1);
  config.http = nodes[0]->config().http;
  RunningNode second{config};
  auto const started = second.start();
  ASSERT_FALSE(started);
  EXPECT_THAT(started.error().message, HasSubstr("in use"));
  EXPECT_THAT(started.error().message, HasSubstr(to_string(config.http)));
}

TEST_F(Cluster, DataDirectoryOfARunningNodeIsRefused) {
  start(1);
  NodeConfig config = config_of(0);
  RunningNode second{config};
  auto const started = second.start();
  ASSERT_FALSE(started);
  EXPECT_EQ(started.error().fault, Fault::busy);
}

}  // namespace
}  // namespace chisme::node
