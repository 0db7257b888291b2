#include "node/catalogue_writer.hpp"

#include <asio/awaitable.hpp>
#include <asio/co_spawn.hpp>
#include <asio/redirect_error.hpp>
#include <asio/use_awaitable.hpp>

#include "node/failpoint.hpp"
#include "node/keeping.hpp"
#include "node/log.hpp"
#include "node/on_disk.hpp"

namespace chisme::node {
namespace {

constexpr Duration retry_pause = std::chrono::seconds{1};

// What one transaction saves.
struct Batch {
  std::vector<cluster::SaveCatalogue> saves;
  std::optional<std::vector<Endpoint>> peers;
  [[nodiscard]] bool empty() const { return saves.empty() && !peers; }
};

Result<void> write(CatalogueStore& store, Batch const& batch) {
  if (!batch.saves.empty()) {
    if (auto saved = store.save(batch.saves); !saved) return saved;
  }
  return batch.peers ? store.save_peers(*batch.peers) : Result<void>{};
}

}  // namespace

struct CatalogueWriter::State : std::enable_shared_from_this<CatalogueWriter::State> {
  State(asio::io_context& its_loop, CatalogueStore& its_store, DiskPool& its_disk, OnSaved saved,
        OnFull full)
      : loop{its_loop},
        store{its_store},
        disk{its_disk},
        on_saved{std::move(saved)},
        on_full{std::move(full)} {}

  void begin();
  asio::awaitable<void> run();
  asio::awaitable<Result<void>> write_batch(std::shared_ptr<Batch const> batch);

  asio::io_context& loop;
  CatalogueStore& store;
  DiskPool& disk;
  OnSaved on_saved;
  OnFull on_full;
  Batch gathering;
  bool running = false;
  bool broken = false;
};

CatalogueWriter::CatalogueWriter(asio::io_context& loop, CatalogueStore& store, DiskPool& disk,
                                 OnSaved on_saved, OnFull on_full)
    : state_{std::make_shared<State>(loop, store, disk, std::move(on_saved), std::move(on_full))} {}

CatalogueWriter::~CatalogueWriter() = default;

void CatalogueWriter::save(cluster::SaveCatalogue save) {
  if (state_->broken) return;
  state_->gathering.saves.push_back(std::move(save));
  state_->begin();
}

void CatalogueWriter::save_peers(std::vector<Endpoint> peers) {
  if (state_->broken) return;
  state_->gathering.peers = std::move(peers);
  state_->begin();
}

void CatalogueWriter::State::begin() {
  if (running) return;
  running = true;
  asio::co_spawn(loop, run(), keeping(shared_from_this()));
}

asio::awaitable<void> CatalogueWriter::State::run() {
  auto const keep = shared_from_this();
  while (!gathering.empty() && !broken) {
    auto const batch = std::make_shared<Batch const>(std::exchange(gathering, {}));
    auto const written = co_await write_batch(batch);
    if (!written) {
      broken = true;
      gathering = {};
      break;
    }
    FAILPOINT("catalogue.saved");
    for (cluster::SaveCatalogue const& save : batch->saves) on_saved(save.save);
    FAILPOINT("catalogue.told");
  }
  running = false;
}

asio::awaitable<Result<void>> CatalogueWriter::State::write_batch(
    std::shared_ptr<Batch const> batch) {
  asio::steady_timer pause{loop};
  bool full = false;
  for (;;) {
    auto const job = [to = &store, batch] { return write(*to, *batch); };
    auto const written = co_await on_disk(&disk, job);
    bool const no_space = !written && written.error().fault == Fault::no_space;
    if (std::exchange(full, no_space) != no_space) on_full(no_space);
    bool const busy = !written && written.error().fault == Fault::busy;
    if (!no_space && !busy) co_return written;
    log::error("the catalogue is not saved, trying again: " + written.error().message);
    pause.expires_after(retry_pause);
    co_await pause.async_wait(asio::use_awaitable);
  }
}

}  // namespace chisme::node
