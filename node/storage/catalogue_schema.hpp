#pragma once

#include <cstdint>

// The tables of DATA/catalogue.sqlite and the statements that change them.
namespace chisme::node {

// Columns of types, so that the file can be looked at with the `sqlite3` shell. The text order of
// versions is their order (identity.hpp); ids and digests are hexadecimal.
inline constexpr char const* schema = R"(
CREATE TABLE IF NOT EXISTS names (
  name TEXT PRIMARY KEY NOT NULL, version TEXT NOT NULL, deleted INTEGER NOT NULL,
  size INTEGER NOT NULL, digest TEXT NOT NULL, type TEXT NOT NULL, modified INTEGER NOT NULL,
  writer TEXT NOT NULL, epoch INTEGER NOT NULL, sequence INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS holdings (
  digest TEXT NOT NULL, holder TEXT NOT NULL, have INTEGER NOT NULL, size INTEGER NOT NULL,
  epoch INTEGER NOT NULL, sequence INTEGER NOT NULL, PRIMARY KEY (digest, holder)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS positions (
  writer TEXT NOT NULL, log INTEGER NOT NULL, epoch INTEGER NOT NULL, sequence INTEGER NOT NULL,
  PRIMARY KEY (writer, log)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS peers (endpoint TEXT PRIMARY KEY NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS peer_ids (id TEXT PRIMARY KEY NOT NULL, endpoint TEXT NOT NULL)
  WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS horizon (
  generation INTEGER NOT NULL, proposer TEXT NOT NULL, filling INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS horizon_positions (
  gone INTEGER NOT NULL, writer TEXT NOT NULL, log INTEGER NOT NULL, epoch INTEGER NOT NULL,
  sequence INTEGER NOT NULL);
PRAGMA user_version = 2;
)";
// Version 1 had no horizon: a program that does not know of it would bring back what was collected.
inline constexpr std::uint64_t format_written = 2;

inline constexpr char const* save_name_sql = R"(
INSERT INTO names VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)
ON CONFLICT (name) DO UPDATE SET version = excluded.version, deleted = excluded.deleted,
  size = excluded.size, digest = excluded.digest, type = excluded.type,
  modified = excluded.modified, writer = excluded.writer, epoch = excluded.epoch,
  sequence = excluded.sequence
WHERE excluded.version >= names.version)";

inline constexpr char const* save_holding_sql = R"(
INSERT INTO holdings VALUES (?1, ?2, ?3, ?4, ?5, ?6)
ON CONFLICT (digest, holder) DO UPDATE SET have = excluded.have, size = excluded.size,
  epoch = excluded.epoch, sequence = excluded.sequence
WHERE (excluded.epoch, excluded.sequence) >= (holdings.epoch, holdings.sequence))";

inline constexpr char const* save_position_sql =
    "INSERT OR REPLACE INTO positions VALUES (?1, ?2, ?3, ?4)";
// Who lived there is known since some later version, which the one before it does without.
inline constexpr char const* load_peers_sql =
    "SELECT peer_ids.id, peers.endpoint FROM peers LEFT JOIN peer_ids USING (endpoint) "
    "ORDER BY 1, 2";
inline constexpr char const* save_peer_sql = "INSERT OR IGNORE INTO peers VALUES (?1)";
inline constexpr char const* save_peer_id_sql = "INSERT OR REPLACE INTO peer_ids VALUES (?1, ?2)";
inline constexpr char const* forget_peers_sql = "DELETE FROM peers; DELETE FROM peer_ids";
inline constexpr char const* forget_position_sql =
    "DELETE FROM positions WHERE writer = ?1 AND log = ?2";
inline constexpr char const* forget_name_sql =
    "DELETE FROM names WHERE name = ?1 AND writer = ?2 AND epoch = ?3 AND sequence = ?4";
inline constexpr char const* forget_holding_sql =
    "DELETE FROM holdings WHERE digest = ?1 AND holder = ?2 AND epoch = ?3 AND sequence = ?4";

}  // namespace chisme::node
