#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <asio/ip/tcp.hpp>
#include <asio/read.hpp>
#include <asio/write.hpp>
#include <filesystem>
#include <future>
#include <memory>

#include "node/peer/address.hpp"
#include "node/peer/narrow_paths.hpp"
#include "node/peer/push.hpp"
#include "node/peer/transfer_client.hpp"
#include "node/remote_read.hpp"
#include "tests/node/peer/holder.hpp"

namespace chisme::node {
namespace {

using test::Bytes;
using test::Directory;
using test::Holder;
using test::on_loop;
using test::random_bytes;
using test::wait_for;

constexpr NodeId writer{7, 7};

Bytes content(ObjectStore const& objects, Digest const& digest) {
  auto const file = objects.open_object(digest);
  if (!file) return {};
  Bytes bytes((*file)->size().value());
  EXPECT_EQ(::pread((*file)->descriptor(), bytes.data(), bytes.size(), 0),
            static_cast<ssize_t>(bytes.size()));
  return bytes;
}

// With and without a secret of the cluster.
struct Transfers : testing::TestWithParam<bool> {
  Transfers() {
    if (GetParam()) {
      secrets.push_back(new_secret());
      keys.replace(KeyRing{secrets});
    }
    loop.start();
  }
  ~Transfers() override { loop.stop_and_join(); }

  // Pushes bytes whose end names `digest`; what became of it.
  Result<void> push(Endpoint to, Bytes const& bytes, PushBegin begin, Digest digest) {
    auto const result = std::make_shared<std::promise<Result<void>>>();
    auto const holding = std::make_shared<std::unique_ptr<PushConnection>>();
    on_loop(loop, [&, this] {
      *holding = std::make_unique<PushConnection>(
          loop.context(), Caller{writer, paths, keys}, to, begin,
          [result, holding] {
            PushConnection const& push = **holding;
            if (push.state() == PushConnection::State::stored) result->set_value({});
            if (push.state() == PushConnection::State::failed) {
              result->set_value(tl::unexpected(push.error()));
            }
          },
          PushConnection::Limits{});
      for (std::size_t at = 0; at < bytes.size(); at += 100'000) {
        auto const part =
            std::span{bytes}.subspan(at, std::min<std::size_t>(100'000, bytes.size() - at));
        (*holding)->send(std::make_shared<Bytes const>(part.begin(), part.end()));
      }
      (*holding)->end(PushEnd{digest, ByteCount{bytes.size()}});
    });
    auto const outcome = wait_for(result->get_future());
    on_loop(loop, [&] { holding->reset(); });
    return outcome;
  }

  // Fetches for repair into `into`.
  Result<StoredObject> fetch(Holder& into, Digest digest, std::size_t size,
                             std::vector<Endpoint> const& from) {
    auto const result = std::make_shared<std::promise<TransferClient::Finished>>();
    TransferClient client{
        loop.context(),
        {into.objects(), into.disk(), Caller{writer, paths, keys}, [](StoredObject) {},
         [result](TransferClient::Finished const& finished) { result->set_value(finished); }}};
    cluster::StartTransfer transfer{cluster::TransferId{1}, digest, ByteCount{size}, {}};
    for (Endpoint const peer : from) {
      transfer.sources.push_back({NodeId{2, transfer.sources.size()}, peer});
    }
    client.start(transfer);
    auto const finished = wait_for(result->get_future());
    corrupt = finished.corrupt;
    return finished.result;
  }

  Directory directory;
  NarrowPaths paths;
  std::vector<Secret> secrets;  // of all nodes here
  PeerKeys keys;
  EventLoop loop;
  std::vector<NodeId> corrupt;  // sources whose bytes the last fetch found wrong
};

TEST_P(Transfers, PushedObjectIsDurableThereWithTheSameBytes) {
  Holder holder{directory.path() / "a", secrets}, other{directory.path() / "b", secrets};
  Bytes const bytes = random_bytes(3'000'001);
  Digest const digest = other.keep(bytes);
  ASSERT_TRUE(push(holder.peer(), bytes, PushBegin{ByteCount{bytes.size()}}, digest));
  EXPECT_EQ(content(holder.objects(), digest), bytes);
  EXPECT_EQ(holder.stored(), 1);
}

TEST_P(Transfers, EmptyObjectOfUnknownSizeIsPushedToo) {
  Holder holder{directory.path() / "a", secrets}, other{directory.path() / "b", secrets};
  Digest const digest = other.keep({});
  ASSERT_TRUE(push(holder.peer(), {}, PushBegin{}, digest));
  EXPECT_TRUE(holder.objects().open_object(digest));
}

TEST_P(Transfers, APushIsAnsweredOnlyWhenTheNodeKnowsOfTheObject) {
  Holder holder{directory.path() / "a", secrets}, other{directory.path() / "b", secrets};
  Digest const digest = other.keep({});
  std::promise<std::function<void()>> told;
  holder.when_stored([&](std::function<void()> known) { told.set_value(std::move(known)); });
  auto pushed =
      std::async(std::launch::async, [&] { return push(holder.peer(), {}, PushBegin{}, digest); });
  auto const known = wait_for(told.get_future());
  for (int turn = 0; turn < 100; ++turn) {
    EXPECT_EQ(holder.stored(), 1);
    on_loop(loop, [] {});
  }
  EXPECT_EQ(pushed.wait_for(std::chrono::seconds{0}), std::future_status::timeout);
  known();
  EXPECT_TRUE(pushed.get());
}

TEST_P(Transfers, PushWithAnotherDigestIsRefusedAndLeavesNothing) {
  Holder holder{directory.path() / "a", secrets};
  Bytes const bytes = random_bytes(100'000);
  auto const pushed = push(holder.peer(), bytes, PushBegin{}, Digest{});
  ASSERT_FALSE(pushed);
  EXPECT_EQ(pushed.error().fault, Fault::digest_mismatch);
  EXPECT_TRUE(holder.objects().objects().empty());
  EXPECT_EQ(holder.stored(), 0);
  EXPECT_TRUE(std::filesystem::is_empty(directory.path() / "a" / "staging"));
}

TEST_P(Transfers, PushToANodeWhoseDiskFailsIsToldSo) {
  Holder holder{directory.path() / "a", secrets};
  std::filesystem::remove_all(directory.path() / "a" / "staging");
  auto const pushed = push(holder.peer(), random_bytes(10), PushBegin{}, Digest{});
  ASSERT_FALSE(pushed);
  EXPECT_EQ(holder.stored(), 0);
}

TEST_P(Transfers, PushToNobodyFails) {
  Endpoint nobody;
  {
    Holder holder{directory.path() / "a", secrets};
    nobody = holder.peer();
  }
  auto const pushed = push(nobody, random_bytes(10), PushBegin{}, Digest{});
  ASSERT_FALSE(pushed);
  EXPECT_EQ(pushed.error().fault, Fault::unavailable);
}

TEST_P(Transfers, FetchPassesOverSourcesThatFailOrHaveNothing) {
  Holder into{directory.path() / "into", secrets}, empty{directory.path() / "empty", secrets};
  Holder source{directory.path() / "source", secrets};
  Bytes const bytes = random_bytes(2'500'000);
  Digest const digest = source.keep(bytes);
  Endpoint nobody;
  {
    Holder gone{directory.path() / "gone", secrets};
    nobody = gone.peer();
  }
  auto const fetched = fetch(into, digest, bytes.size(), {nobody, empty.peer(), source.peer()});
  ASSERT_TRUE(fetched) << fetched.error().message;
  EXPECT_EQ(fetched->size.value(), bytes.size());
  EXPECT_EQ(content(into.objects(), digest), bytes);
  EXPECT_EQ(corrupt, std::vector<NodeId>{}) << "who has nothing sent nothing wrong";
}

// Writes over the beginning of each object there; without hashes it cannot notice.
void rot(std::filesystem::path const& data) {
  for (auto const& entry : std::filesystem::recursive_directory_iterator(data / "objects")) {
    if (!entry.is_regular_file()) continue;
    if (entry.path().extension() == ".chunks") {
      std::filesystem::remove(entry.path());
      continue;
    }
    std::FILE* const file = std::fopen(entry.path().c_str(), "r+b");
    ASSERT_NE(file, nullptr);
    std::fputs("rot", file);
    std::fclose(file);
  }
}

TEST_P(Transfers, FetchedBytesThatDoNotMatchAreFetchedFromTheNextSource) {
  Holder into{directory.path() / "into", secrets}, rotten{directory.path() / "rotten", secrets};
  Holder source{directory.path() / "source", secrets};
  Bytes const bytes = random_bytes(2'000'000);
  Digest const digest = source.keep(bytes);
  rotten.keep(bytes);
  rot(directory.path() / "rotten");
  auto const fetched = fetch(into, digest, bytes.size(), {rotten.peer(), source.peer()});
  ASSERT_TRUE(fetched) << fetched.error().message;
  EXPECT_EQ(content(into.objects(), digest), bytes);
  EXPECT_EQ(corrupt, (std::vector{NodeId{2, 0}}));
  auto const only_rotten = fetch(rotten, Digest{}, bytes.size(), {into.peer()});
  EXPECT_FALSE(only_rotten);
}

TEST_P(Transfers, ASourceThatFindsThatItsBytesRottedSendsNone) {
  Holder into{directory.path() / "into", secrets}, rotten{directory.path() / "rotten", secrets};
  Holder source{directory.path() / "source", secrets};
  Bytes const bytes = random_bytes(300'000);
  Digest const digest = source.keep(bytes);
  rotten.keep(bytes);
  rot(directory.path() / "rotten");
  auto const fetched = fetch(into, digest, bytes.size(), {rotten.peer(), source.peer()});
  ASSERT_TRUE(fetched) << fetched.error().message;
  EXPECT_EQ(content(into.objects(), digest), bytes);
  EXPECT_EQ(corrupt, std::vector<NodeId>{}) << "it sent nothing wrong";
}

TEST_P(Transfers, FetchWithoutAnySourceFails) {
  Holder into{directory.path() / "into", secrets};
  EXPECT_FALSE(fetch(into, Digest{}, 10, {}));
  EXPECT_TRUE(std::filesystem::is_empty(directory.path() / "into" / "staging"));
}

TEST_P(Transfers, FetchThatIsCancelledWhileItsRoomIsMadeAsksNobody) {
  Holder into{directory.path() / "into", secrets};
  DiskPool disk{1};
  std::promise<void> disk_goes_on;
  ASSERT_TRUE(disk.post([goes_on = disk_goes_on.get_future().share()] { goes_on.wait(); }));
  asio::io_context sockets;
  asio::ip::tcp::acceptor source{sockets, {asio::ip::address_v4::loopback(), 0}};
  TransferClient client{
      loop.context(),
      {into.objects(), disk, Caller{writer, paths, keys}, [](StoredObject) { FAIL(); },
       [](TransferClient::Finished const&) { FAIL(); }}};
  cluster::StartTransfer transfer{cluster::TransferId{1}, Digest{}, ByteCount{10}, {}};
  transfer.sources.push_back({NodeId{2, 2}, from_tcp(source.local_endpoint())});
  client.start(transfer);
  on_loop(loop, [] {});
  client.cancel(transfer.transfer);
  on_loop(loop, [] {});
  disk_goes_on.set_value();
  std::promise<void> room_is_made;
  ASSERT_TRUE(disk.post([&] { room_is_made.set_value(); }));
  wait_for(room_is_made.get_future());
  on_loop(loop, [] {});
  on_loop(loop, [] {});
  source.non_blocking(true);
  asio::error_code error;
  asio::ip::tcp::socket asked{sockets};
  source.accept(asked, error);
  EXPECT_EQ(error, asio::error::would_block);
}

// Reads with a SwitchingRead on the loop, one piece after the other.
struct Reading : Transfers {
  void begin(Holder& here, Digest digest, std::size_t size, std::vector<ReadSource> sources) {
    on_loop(loop, [&, this] {
      reading = std::make_unique<SwitchingRead>(
          loop.context(),
          SwitchingRead::Host{
              Caller{writer, paths, keys}, here.objects(), here.disk(),
              [this](NodeId holder, bool succeeded) { outcomes.emplace_back(holder, succeeded); }},
          SwitchingRead::Range{digest, ByteOffset{0}, ByteCount{size}},
          [sources] { return sources; });
    });
  }
  ~Reading() override {
    on_loop(loop, [this] { reading.reset(); });
  }
  // Appends up to `wanted` bytes more; false at an error.
  bool read(Bytes& all, std::size_t wanted) {
    Bytes buffer(64 << 10);
    std::size_t const goal = all.size() + wanted;
    while (all.size() < goal) {
      auto const result = std::make_shared<std::promise<Result<std::size_t>>>();
      auto const piece = std::span{buffer}.first(std::min(buffer.size(), goal - all.size()));
      on_loop(loop, [&, this] {
        reading->read(piece, [result](Result<std::size_t> count) { result->set_value(count); });
      });
      auto const count = wait_for(result->get_future());
      if (!count) return false;
      if (*count == 0) return true;
      all.insert(all.end(), piece.begin(), piece.begin() + static_cast<std::ptrdiff_t>(*count));
    }
    return true;
  }
  std::unique_ptr<SwitchingRead> reading;
  std::vector<std::pair<NodeId, bool>> outcomes;  // as told
};

TEST_P(Reading, GoesOnAtTheNextHolderFromTheSameByteWhenOneEnds) {
  Holder here{directory.path() / "here", secrets}, second{directory.path() / "second", secrets};
  auto first = std::make_unique<Holder>(directory.path() / "first", secrets);
  Bytes const bytes = random_bytes(8'000'000);
  Digest const digest = second.keep(bytes);
  first->keep(bytes);
  begin(here, digest, bytes.size(),
        {{NodeId{1, 1}, first->peer(), false}, {NodeId{2, 2}, second.peer(), false}});
  Bytes all;
  ASSERT_TRUE(read(all, 2'700'000));
  first.reset();
  ASSERT_TRUE(read(all, bytes.size()));
  EXPECT_EQ(all, bytes);
  EXPECT_EQ(outcomes, (std::vector<std::pair<NodeId, bool>>{
                          {NodeId{1, 1}, true}, {NodeId{1, 1}, false}, {NodeId{2, 2}, true}}));
}

TEST_P(Reading, AHolderThatStopsWithinARangeIsNotAskedAgain) {
  Holder here{directory.path() / "here", secrets}, second{directory.path() / "second", secrets};
  Bytes const bytes = random_bytes(2 << 20);
  Digest const digest = second.keep(bytes);
  asio::io_context sockets;
  asio::ip::tcp::acceptor first{sockets, {asio::ip::address_v4::loopback(), 0}};
  begin(here, digest, bytes.size(),
        {{NodeId{1, 1}, from_tcp(first.local_endpoint()), false},
         {NodeId{2, 2}, second.peer(), false}});
  asio::ip::tcp::socket stopped{sockets};
  auto const serving = std::async(std::launch::async, [&] {
    first.accept(stopped);
    std::array<std::byte, hello_bytes + pull_request_bytes> asked;
    asio::read(stopped, asio::buffer(asked));
    auto const answer =
        encode(PullAnswer{std::nullopt, ByteCount{bytes.size()}, ByteCount{1 << 20}});
    asio::write(stopped, asio::buffer(answer));
    asio::write(stopped, asio::buffer(bytes.data(), 100'000));
  });
  Bytes all;
  ASSERT_TRUE(read(all, bytes.size()));
  EXPECT_EQ(all, bytes);
  serving.wait();
  first.non_blocking(true);
  asio::error_code error;
  asio::ip::tcp::socket again{sockets};
  first.accept(again, error);
  EXPECT_EQ(error, asio::error::would_block) << "that cost the reader two more seconds";
}

TEST_P(Reading, TheLocalCopyIsAHolderLikeTheOthers) {
  Holder here{directory.path() / "here", secrets}, empty{directory.path() / "empty", secrets};
  Bytes const bytes = random_bytes(1'000'000);
  Digest const digest = here.keep(bytes);
  begin(here, digest, bytes.size(),
        {{NodeId{1, 1}, empty.peer(), false}, {writer, here.peer(), true}});
  Bytes all;
  ASSERT_TRUE(read(all, bytes.size()));
  EXPECT_EQ(all, bytes);
  EXPECT_TRUE(outcomes.empty()) << "a copy that is not there is not its node's failure";
}

TEST_P(Reading, FailsOnlyWhenNoHolderIsLeft) {
  Holder here{directory.path() / "here", secrets}, empty{directory.path() / "empty", secrets};
  begin(here, Digest{}, 1000, {{NodeId{1, 1}, empty.peer(), false}});
  Bytes all;
  EXPECT_FALSE(read(all, 1000));
}

TEST_P(Transfers, ANodeWithAnotherSecretGetsAndBringsNothing) {
  std::vector<Secret> const others{new_secret()};
  Holder stranger{directory.path() / "stranger", others};
  Bytes const bytes = random_bytes(1000);
  auto const pushed = push(stranger.peer(), bytes, {ByteCount{bytes.size()}}, Digest{});
  ASSERT_FALSE(pushed);
  EXPECT_THAT(pushed.error().fault, testing::AnyOf(Fault::unavailable, Fault::incomplete))
      << pushed.error().message;
  EXPECT_EQ(stranger.stored(), 0);
  Holder into{directory.path() / "into", secrets};
  EXPECT_FALSE(fetch(into, stranger.keep(bytes), bytes.size(), {stranger.peer()}));
}

std::string name_of(testing::TestParamInfo<bool> const& info) {
  return info.param ? "Secret" : "Plain";
}
INSTANTIATE_TEST_SUITE_P(, Transfers, testing::Bool(), name_of);
INSTANTIATE_TEST_SUITE_P(, Reading, testing::Bool(), name_of);

}  // namespace
}  // namespace chisme::node
