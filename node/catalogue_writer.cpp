#include "node/catalogue_writer.hpp"

#include <asio/awaitable.hpp>
#include <asio/co_spawn.hpp>
#include <asio/redirect_error.hpp>
#include <asio/use_awaitable.hpp>

#include "node/clock.hpp"
#include "node/failpoint.hpp"
#include "node/keeping.hpp"
#include "node/log.hpp"
#include "node/on_disk.hpp"
#include "node/storage/catalogue_batch.hpp"

namespace chisme::node {
namespace {

constexpr Duration save_retry_pause = std::chrono::seconds{1};

// What one transaction saves.
struct Transaction {
  std::vector<cluster::SaveCatalogue> saves;
  std::optional<std::vector<cluster::KnownPeer>> peers;
};

Result<void> write(CatalogueStore& store, Transaction const& transaction) {
  if (!transaction.saves.empty()) {
    if (auto saved = store.save(transaction.saves); !saved) return saved;
  }
  return transaction.peers ? store.save_peers(*transaction.peers) : Result<void>{};
}

}  // namespace

struct CatalogueWriter::State : std::enable_shared_from_this<CatalogueWriter::State> {
  State(asio::io_context& its_loop, CatalogueStore& its_store, DiskPool& its_disk, OnSaved saved,
        OnFull full, OnWritten written)
      : loop{its_loop},
        store{its_store},
        disk{its_disk},
        on_saved{std::move(saved)},
        on_full{std::move(full)},
        on_written{std::move(written)} {}

  void begin();
  asio::awaitable<void> run();
  asio::awaitable<Result<void>> write_all(std::shared_ptr<Transaction const> transaction);

  asio::io_context& loop;
  CatalogueStore& store;
  DiskPool& disk;
  OnSaved on_saved;
  OnFull on_full;
  OnWritten on_written;
  CatalogueBatch gathering;
  std::optional<std::vector<cluster::KnownPeer>> peers;
  bool running = false;
  bool broken = false;
};

CatalogueWriter::CatalogueWriter(asio::io_context& loop, CatalogueStore& store, DiskPool& disk,
                                 OnSaved on_saved, OnFull on_full, OnWritten on_written)
    : state_{std::make_shared<State>(loop, store, disk, std::move(on_saved), std::move(on_full),
                                     std::move(on_written))} {}

CatalogueWriter::~CatalogueWriter() = default;

void CatalogueWriter::save(cluster::SaveCatalogue save) {
  if (state_->broken) return;
  state_->gathering.add(std::move(save));
  state_->begin();
}

void CatalogueWriter::save_peers(std::vector<cluster::KnownPeer> peers) {
  if (state_->broken) return;
  state_->peers = std::move(peers);
  state_->begin();
}

std::size_t CatalogueWriter::waiting() const {
  return state_->gathering.records();
}

void CatalogueWriter::State::begin() {
  if (running) return;
  running = true;
  asio::co_spawn(loop, run(), keeping(shared_from_this()));
}

asio::awaitable<void> CatalogueWriter::State::run() {
  auto const keep = shared_from_this();
  while (!gathering.empty() || peers) {
    auto const transaction =
        std::make_shared<Transaction const>(gathering.take(), std::exchange(peers, std::nullopt));
    Instant const begun = steady_now();
    auto const written = co_await write_all(transaction);
    if (written && on_written) on_written(steady_now() - begun);
    if (!written) {
      broken = true;
      gathering = {};
      peers.reset();
      break;
    }
    FAILPOINT("catalogue.saved");
    if (!transaction->saves.empty()) on_saved(transaction->saves.back().save);
    FAILPOINT("catalogue.told");
  }
  running = false;
}

asio::awaitable<Result<void>> CatalogueWriter::State::write_all(
    std::shared_ptr<Transaction const> transaction) {
  asio::steady_timer pause{loop};
  bool full = false;
  for (;;) {
    auto const job = [to = &store, transaction] { return write(*to, *transaction); };
    auto const written = co_await on_disk(&disk, job);
    bool const no_space = !written && written.error().fault == Fault::no_space;
    if (std::exchange(full, no_space) != no_space) on_full(no_space);
    bool const busy = !written && written.error().fault == Fault::busy;
    if (!no_space && !busy) co_return written;
    log::error(LogComponent::storage,
               "the catalogue is not saved, trying again: " + written.error().message);
    pause.expires_after(save_retry_pause);
    co_await pause.async_wait(asio::use_awaitable);
  }
}

}  // namespace chisme::node
