#include "node/storage/catalogue_store.hpp"

#include <fcntl.h>

#include <cerrno>
#include <optional>
#include <string>
#include <utility>

#include "cluster/base/overloaded.hpp"
#include "cluster/wire/log_sequence.hpp"
#include "node/failpoint.hpp"
#include "node/storage/catalogue_schema.hpp"
#include "node/storage/posix.hpp"
#include "node/storage/sqlite.hpp"

namespace chisme::node {
namespace {

namespace fs = std::filesystem;
using cluster::CatalogueRecord;
using cluster::DeleteRecord;
using cluster::Dot;
using cluster::DropRecord;
using cluster::HaveRecord;
using cluster::KnownPeer;
using cluster::LogKind;
using cluster::LogPosition;
using cluster::PutRecord;
using cluster::SaveCatalogue;
using cluster::StoredHorizon;
using sqlite::Connection;
using sqlite::Statement;

// How long the log may grow before it is merged into the file: four megabytes, SQLite's default.
constexpr int checkpoint_pages = 1000;

tl::unexpected<Error> damaged(fs::path const& path, std::string const& why) {
  return fail(Fault::corrupt, path.string() + " is damaged (" + why +
                                  ") and was left as it is: move it and " +
                                  path.filename().string() +
                                  "-wal aside and start again; the node then learns the "
                                  "catalogue from its peers and offers its objects");
}

std::uint64_t milliseconds(WallTime time) {
  return static_cast<std::uint64_t>(time.time_since_epoch().count());
}
WallTime wall_time(std::uint64_t stored) {
  return WallTime{std::chrono::milliseconds{static_cast<std::int64_t>(stored)}};
}
Epoch epoch_of(std::uint64_t stored) {
  return Epoch{static_cast<std::uint32_t>(stored)};
}

bool is_sequence(std::uint64_t stored) {
  return stored <= cluster::log_sequence_max;
}

std::optional<CatalogueRecord> name_of_row(Statement& row) {
  auto const version = parse_version(row.text(1));
  auto const digest = parse_digest(row.text(4));
  auto const writer = parse_node_id(row.text(7));
  if (!version || !digest || !writer || !is_sequence(row.number(9))) return std::nullopt;
  cluster::Dot const dot{*writer, epoch_of(row.number(8)), row.number(9)};
  WallTime const modified = wall_time(row.number(6));
  if (row.number(2) != 0)
    return CatalogueRecord{dot, DeleteRecord{std::string(row.text(0)), *version, modified}};
  return CatalogueRecord{
      dot, PutRecord{std::string(row.text(0)), *version, ByteCount{row.number(3)}, *digest,
                     std::string(row.text(5)), modified}};
}

std::optional<CatalogueRecord> holding_of_row(Statement& row) {
  auto const digest = parse_digest(row.text(0));
  auto const holder = parse_node_id(row.text(1));
  if (!digest || !holder || !is_sequence(row.number(5))) return std::nullopt;
  cluster::Dot const dot{*holder, epoch_of(row.number(4)), row.number(5)};
  if (row.number(2) == 0) return CatalogueRecord{dot, DropRecord{*digest}};
  return CatalogueRecord{dot, HaveRecord{*digest, ByteCount{row.number(3)}}};
}

// Four columns from `first` on.
std::optional<LogPosition> position_at(Statement& row, int first) {
  auto const writer = parse_node_id(row.text(first));
  std::uint64_t const log = row.number(first + 1);
  if (!writer || log > 1 || !is_sequence(row.number(first + 3))) return std::nullopt;
  return LogPosition{*writer, static_cast<LogKind>(log), epoch_of(row.number(first + 2)),
                     row.number(first + 3)};
}
std::optional<LogPosition> position_of_row(Statement& row) {
  return position_at(row, 0);
}

struct HorizonPosition {
  bool gone;
  LogPosition position;
};
std::optional<HorizonPosition> horizon_position_of_row(Statement& row) {
  auto const position = position_at(row, 1);
  if (!position) return std::nullopt;
  return HorizonPosition{row.number(0) != 0, *position};
}
std::optional<StoredHorizon> horizon_of_row(Statement& row) {
  auto const by = parse_node_id(row.text(1));
  if (!by) return std::nullopt;
  StoredHorizon stored;
  stored.horizon.id = {row.number(0), *by};
  stored.filling = row.number(2) != 0;
  return stored;
}

// Reads a whole table; a row that does not parse makes it corrupt.
template <class Row>
Result<void> read_rows(sqlite3* connection, char const* sql,
                       std::optional<Row> (*parse)(Statement&), std::vector<Row>& out) {
  auto statement = Statement::prepare(connection, sql);
  if (!statement) return tl::unexpected<Error>(statement.error());
  return statement->each([&](Statement& row) {
    auto parsed = parse(row);
    if (!parsed) return false;
    out.push_back(std::move(*parsed));
    return true;
  });
}

std::optional<KnownPeer> peer_of_row(Statement& row) {
  std::string_view const id_text = row.text(0);
  auto const id = id_text.empty() ? std::optional{NodeId{}} : parse_node_id(id_text);
  auto const at = parse_endpoint(row.text(1));
  if (!id || !at) return std::nullopt;
  return KnownPeer{*id, *at};
}

Result<StoredHorizon> read_horizon(sqlite3* connection) {
  std::vector<StoredHorizon> stored;
  std::vector<HorizonPosition> positions;
  auto read = read_rows(connection, "SELECT * FROM horizon", horizon_of_row, stored).and_then([&] {
    return read_rows(connection, "SELECT * FROM horizon_positions ORDER BY rowid",
                     horizon_position_of_row, positions);
  });
  if (!read) return tl::unexpected<Error>(read.error());
  if (stored.size() > 1) return fail(Fault::corrupt, "it has two horizons");
  if (stored.empty()) return StoredHorizon{};
  for (HorizonPosition const& at : positions) {
    (at.gone ? stored[0].horizon.gone : stored[0].horizon.floors).push_back(at.position);
  }
  return stored[0];
}

Result<void> replace_horizon(sqlite3* connection, StoredHorizon const& stored) {
  if (auto cleared =
          sqlite::execute(connection, "DELETE FROM horizon; DELETE FROM horizon_positions");
      !cleared) {
    return cleared;
  }
  auto save = Statement::prepare(connection, "INSERT INTO horizon VALUES (?1, ?2, ?3)");
  if (!save) return tl::unexpected<Error>(save.error());
  auto saved = save->bind(1, stored.horizon.id.generation)
                   .bind(2, to_string(stored.horizon.id.by))
                   .bind(3, std::uint64_t{stored.filling})
                   .run();
  if (!saved) return saved;
  auto save_position =
      Statement::prepare(connection, "INSERT INTO horizon_positions VALUES (?1, ?2, ?3, ?4, ?5)");
  if (!save_position) return tl::unexpected<Error>(save_position.error());
  for (bool const gone : {false, true}) {
    for (LogPosition const& at : gone ? stored.horizon.gone : stored.horizon.floors) {
      auto done = save_position->bind(1, std::uint64_t{gone})
                      .bind(2, to_string(at.writer))
                      .bind(3, static_cast<std::uint64_t>(at.log))
                      .bind(4, std::uint64_t{at.epoch.value()})
                      .bind(5, at.sequence)
                      .run();
      if (!done) return done;
    }
  }
  return {};
}

}  // namespace

struct CatalogueStore::State {
  fs::path path;
  Connection connection;
  std::optional<Statement> save_name;
  std::optional<Statement> save_holding;
  std::optional<Statement> save_position;
  std::optional<Statement> save_peer;
  std::optional<Statement> save_peer_id;
  std::optional<Statement> forget_name;
  std::optional<Statement> forget_holding;
  std::optional<Statement> forget_position;
  std::shared_ptr<Fence> fence;

  [[nodiscard]] Result<void> drop_cached_pages() const;
  [[nodiscard]] Result<void> connect();
  [[nodiscard]] Result<void> check();
  [[nodiscard]] Result<void> set_up();
  [[nodiscard]] Result<void> save(SaveCatalogue const& save);
  [[nodiscard]] Result<void> save(CatalogueRecord const& record);
  [[nodiscard]] Result<void> forget(CatalogueRecord const& record);
  [[nodiscard]] Result<void> save(LogPosition const& position);
  // Runs `change` in a transaction that is synced on return, or undone.
  template <class Change>
  [[nodiscard]] Result<void> commit(Change const& change);
  [[nodiscard]] Error failure(Error const& error) const;
  void checkpoint();
};

// After a failed sync the kernel may go on showing pages that never reached the disk. Reading must
// not begin with those: what has been read is told to others as durable.
Result<void> CatalogueStore::State::drop_cached_pages() const {
  for (fs::path const& file : {path, fs::path(path.string() + "-wal")}) {
    if (!fs::is_regular_file(file)) continue;
    auto const opened = open_file(file, O_RDWR);
    if (!opened) return tl::unexpected<Error>(opened.error());
    if (auto synced = sync_file(opened->number(), file); !synced) return synced;
    ::posix_fadvise(opened->number(), 0, 0, POSIX_FADV_DONTNEED);
  }
  return {};
}

Result<void> CatalogueStore::State::connect() {
  sqlite3* opened = nullptr;
  int const code =
      sqlite3_open_v2(path.c_str(), &opened,
                      SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX, nullptr);
  connection.reset(opened);
  if (code != SQLITE_OK) {
    return tl::unexpected<Error>(sqlite::last_error(opened, "opening " + path.string()));
  }
  sqlite3_extended_result_codes(opened, 1);
  sqlite3_wal_hook(
      opened,
      [](void* state, sqlite3*, char const*, int pages) {
        if (pages >= checkpoint_pages) static_cast<State*>(state)->checkpoint();
        return SQLITE_OK;
      },
      this);
  sqlite3_busy_timeout(opened, 5000);  // somebody may be looking at it with the sqlite3 shell
  return {};
}

// Before this has passed nothing is written, nor the log merged when the file is closed.
Result<void> CatalogueStore::State::check() {
  sqlite3_db_config(connection.get(), SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, nullptr);
  auto statement = Statement::prepare(connection.get(), "PRAGMA quick_check(1)");
  if (!statement) return tl::unexpected<Error>(statement.error());
  std::string verdict;
  auto run = statement->each([&](Statement& row) {
    verdict = row.text(0);
    return true;
  });
  if (!run) return run;
  if (verdict != "ok") return fail(Fault::corrupt, verdict);
  std::uint64_t format = 0;
  auto version = Statement::prepare(connection.get(), "PRAGMA user_version");
  if (!version) return tl::unexpected<Error>(version.error());
  run = version->each([&](Statement& row) {
    format = row.number(0);
    return true;
  });
  if (run && format > format_written) {
    return fail(Fault::invalid, path.string() + " was written by a newer chisme: start that one");
  }
  sqlite3_db_config(connection.get(), SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 0, nullptr);
  return run;
}

Result<void> CatalogueStore::State::set_up() {
  auto run =
      sqlite::execute(connection.get(), "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL")
          .and_then([&] { return sqlite::execute(connection.get(), "BEGIN IMMEDIATE"); })
          .and_then([&] { return sqlite::execute(connection.get(), schema); })
          .and_then([&] { return sqlite::execute(connection.get(), "COMMIT"); });
  if (!run) return run;
  std::pair<std::optional<Statement>*, char const*> const statements[] = {
      {&save_name, save_name_sql},           {&save_holding, save_holding_sql},
      {&save_position, save_position_sql},   {&forget_name, forget_name_sql},
      {&forget_holding, forget_holding_sql}, {&forget_position, forget_position_sql},
      {&save_peer, save_peer_sql},           {&save_peer_id, save_peer_id_sql}};
  for (auto const& [place, sql] : statements) {
    auto prepared = Statement::prepare(connection.get(), sql);
    // Its pages are in order, but its tables are not ours any more.
    bool const other_tables = !prepared && sqlite3_errcode(connection.get()) == SQLITE_ERROR;
    if (other_tables) return damaged(path, prepared.error().message);
    if (!prepared) return tl::unexpected<Error>(prepared.error());
    *place = std::move(*prepared);
  }
  FAILPOINT("catalogue.set_up");
  return sync_directory(path.parent_path());
}

Result<void> CatalogueStore::State::save(CatalogueRecord const& record) {
  cluster::Dot const& dot = record.dot;
  auto const name = [&](std::string const& its_name, Version const& version, bool deleted,
                        ByteCount size, Digest const& digest, std::string const& type,
                        WallTime modified) {
    return save_name->bind(1, its_name)
        .bind(2, to_string(version))
        .bind(3, std::uint64_t{deleted})
        .bind(4, size.value())
        .bind(5, to_hex(digest))
        .bind(6, type)
        .bind(7, milliseconds(modified))
        .bind(8, to_string(dot.writer))
        .bind(9, std::uint64_t{dot.epoch.value()})
        .bind(10, dot.sequence)
        .run();
  };
  auto const holding = [&](Digest const& digest, bool have, ByteCount size) {
    return save_holding->bind(1, to_hex(digest))
        .bind(2, to_string(dot.writer))
        .bind(3, std::uint64_t{have})
        .bind(4, size.value())
        .bind(5, std::uint64_t{dot.epoch.value()})
        .bind(6, dot.sequence)
        .run();
  };
  return std::visit(
      Overloaded{[&](PutRecord const& put) {
                   return name(put.name, put.version, false, put.size, put.digest, put.type,
                               put.modified);
                 },
                 [&](DeleteRecord const& removed) {
                   return name(removed.name, removed.version, true, {}, {}, "", removed.modified);
                 },
                 [&](HaveRecord const& have) { return holding(have.digest, true, have.size); },
                 [&](DropRecord const& drop) { return holding(drop.digest, false, {}); }},
      record.change);
}

Result<void> CatalogueStore::State::forget(CatalogueRecord const& record) {
  auto const run = [&](Statement& statement, std::string const& key) {
    return statement.bind(1, key)
        .bind(2, to_string(record.dot.writer))
        .bind(3, std::uint64_t{record.dot.epoch.value()})
        .bind(4, record.dot.sequence)
        .run();
  };
  return std::visit(
      Overloaded{[&](PutRecord const& put) { return run(*forget_name, put.name); },
                 [&](DeleteRecord const& removed) { return run(*forget_name, removed.name); },
                 [&](HaveRecord const& have) { return run(*forget_holding, to_hex(have.digest)); },
                 [&](DropRecord const& drop) { return run(*forget_holding, to_hex(drop.digest)); }},
      record.change);
}

Result<void> CatalogueStore::State::save(LogPosition const& position) {
  if (position.sequence == 0) {
    return forget_position->bind(1, to_string(position.writer))
        .bind(2, static_cast<std::uint64_t>(position.log))
        .run();
  }
  return save_position->bind(1, to_string(position.writer))
      .bind(2, static_cast<std::uint64_t>(position.log))
      .bind(3, std::uint64_t{position.epoch.value()})
      .bind(4, position.sequence)
      .run();
}

Result<void> CatalogueStore::State::save(SaveCatalogue const& save_given) {
  for (CatalogueRecord const& record : save_given.records) {
    if (auto saved = save(record); !saved) return saved;
  }
  for (LogPosition const& position : save_given.positions) {
    if (auto saved = save(position); !saved) return saved;
  }
  for (CatalogueRecord const& record : save_given.forgotten) {
    if (auto forgotten = forget(record); !forgotten) return forgotten;
  }
  if (!save_given.horizon) return {};
  return replace_horizon(connection.get(), *save_given.horizon);
}

template <class Change>
Result<void> CatalogueStore::State::commit(Change const& change) {
  if (auto safe = fence->check(); !safe) return safe;
  auto done = sqlite::execute(connection.get(), "BEGIN IMMEDIATE").and_then(change).and_then([&] {
    FAILPOINT("catalogue.written");
    return sqlite::execute(connection.get(), "COMMIT");
  });
  FAILPOINT("catalogue.committed");
  if (done) return done;
  Error const error = failure(done.error());
  static_cast<void>(sqlite::execute(connection.get(), "ROLLBACK"));  // or SQLite did so already
  if (error.fault != Fault::no_space && error.fault != Fault::busy) fence->close(error);
  return tl::unexpected<Error>(error);
}

// SQLite's own words name neither the path nor the system's error.
Error CatalogueStore::State::failure(Error const& error) const {
  int const code = sqlite3_extended_errcode(connection.get());
  bool const sync = code == SQLITE_IOERR_FSYNC || code == SQLITE_IOERR_DIR_FSYNC;
  if (!sync) return {error.fault, path.string() + ": " + error.message, error.system_error};
  int const number = error.system_error == 0 ? EIO : error.system_error;
  return system_failure(number, "syncing " + path.string());
}

// SQLite's own checkpoint after a commit keeps its failures to itself.
void CatalogueStore::State::checkpoint() {
  int const code = sqlite3_wal_checkpoint_v2(connection.get(), nullptr, SQLITE_CHECKPOINT_PASSIVE,
                                             nullptr, nullptr);
  if (code == SQLITE_OK || (code & 0xff) == SQLITE_BUSY || (code & 0xff) == SQLITE_FULL) return;
  fence->close(failure(sqlite::last_error(connection.get(), "merging the log")));
}

CatalogueStore::CatalogueStore(std::unique_ptr<State> state) : state_(std::move(state)) {}

CatalogueStore::~CatalogueStore() {
  // Closing it would merge the log, and sync it again.
  if (state_->fence->is_closed()) {
    sqlite3_db_config(state_->connection.get(), SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, nullptr);
  }
}

Result<std::unique_ptr<CatalogueStore>> CatalogueStore::open(fs::path data,
                                                             std::shared_ptr<Fence> fence) {
  auto state = std::make_unique<State>();
  state->fence = std::move(fence);
  state->path = data / "catalogue.sqlite";
  auto ready = make_directories(data)
                   .and_then([&] { return state->drop_cached_pages(); })
                   .and_then([&] { return state->connect(); })
                   .and_then([&] { return state->check(); })
                   .and_then([&] { return state->set_up(); });
  FAILPOINT("recovery.catalogue_opened");
  if (ready) return std::unique_ptr<CatalogueStore>(new CatalogueStore(std::move(state)));
  if (ready.error().fault == Fault::corrupt) return damaged(state->path, ready.error().message);
  return tl::unexpected<Error>(ready.error());
}

Result<CatalogueStore::Contents> CatalogueStore::load() {
  Contents contents;
  sqlite3* const connection = state_->connection.get();
  auto read =
      read_rows(connection, "SELECT * FROM names ORDER BY name", name_of_row, contents.records)
          .and_then([&] {
            return read_rows(connection, "SELECT * FROM holdings ORDER BY digest, holder",
                             holding_of_row, contents.records);
          })
          .and_then([&] {
            return read_rows(connection, "SELECT * FROM positions ORDER BY writer, log",
                             position_of_row, contents.positions);
          })
          .and_then(
              [&] { return read_rows(connection, load_peers_sql, peer_of_row, contents.peers); });
  auto const horizon = read.and_then([&] { return read_horizon(connection); });
  if (!horizon) {
    read = tl::unexpected<Error>(horizon.error());
  } else {
    contents.horizon = *horizon;
  }
  if (read) return contents;
  if (read.error().fault == Fault::corrupt) return damaged(state_->path, read.error().message);
  return tl::unexpected<Error>(read.error());
}

Result<void> CatalogueStore::save(std::span<SaveCatalogue const> saves) {
  return state_->commit([&]() -> Result<void> {
    for (SaveCatalogue const& save : saves) {
      if (auto saved = state_->save(save); !saved) return saved;
    }
    return {};
  });
}

Result<void> CatalogueStore::save_peers(std::span<KnownPeer const> peers) {
  return state_->commit([&]() -> Result<void> {
    if (auto cleared = sqlite::execute(state_->connection.get(), forget_peers_sql); !cleared) {
      return cleared;
    }
    for (KnownPeer const& peer : peers) {
      std::string const at = to_string(peer.at);
      if (auto saved = state_->save_peer->bind(1, at).run(); !saved) return saved;
      if (peer.id == NodeId{}) continue;
      auto const saved = state_->save_peer_id->bind(1, to_string(peer.id)).bind(2, at).run();
      if (!saved) return saved;
    }
    return {};
  });
}

}  // namespace chisme::node
