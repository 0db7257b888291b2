#include "node/storage/sqlite.hpp"

namespace chisme::node::sqlite {

Error last_error(sqlite3* connection, std::string const& doing) {
  std::string const message = doing + ": " + sqlite3_errmsg(connection);
  int const system_error = sqlite3_system_errno(connection);
  switch (sqlite3_errcode(connection) & 0xff) {
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
      return Error{Fault::corrupt, message, 0};
    case SQLITE_FULL:
      return Error{Fault::no_space, message, system_error};
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
      return Error{Fault::busy, message, 0};
    default:
      return Error{Fault::io, message, system_error};
  }
}

Result<void> execute(sqlite3* connection, char const* sql) {
  if (sqlite3_exec(connection, sql, nullptr, nullptr, nullptr) == SQLITE_OK) return {};
  return tl::unexpected<Error>(last_error(connection, "writing the catalogue"));
}

Result<Statement> Statement::prepare(sqlite3* connection, char const* sql) {
  sqlite3_stmt* statement = nullptr;
  if (sqlite3_prepare_v3(connection, sql, -1, SQLITE_PREPARE_PERSISTENT, &statement, nullptr) !=
      SQLITE_OK) {
    return tl::unexpected<Error>(last_error(connection, "reading the catalogue"));
  }
  return Statement(statement);
}

// SQLite reports the failure of a bind again when the statement runs, as a null in a NOT NULL
// column, so that it need not be looked at here.
Statement& Statement::bind(int parameter, std::string_view text) {
  sqlite3_bind_text64(statement_.get(), parameter, text.data(), text.size(), SQLITE_TRANSIENT,
                      SQLITE_UTF8);
  return *this;
}

Statement& Statement::bind(int parameter, std::uint64_t number) {
  sqlite3_bind_int64(statement_.get(), parameter, static_cast<sqlite3_int64>(number));
  return *this;
}

Result<void> Statement::run() {
  return each([](Statement&) { return true; });
}

Result<void> Statement::each(std::function<bool(Statement&)> const& row) {
  int code = SQLITE_ROW;
  bool accepted = true;
  while (accepted && (code = sqlite3_step(statement_.get())) == SQLITE_ROW) accepted = row(*this);
  Result<void> result;
  if (!accepted) {
    result = fail(Fault::corrupt, "a row of the catalogue does not parse");
  } else if (code != SQLITE_DONE) {
    result = tl::unexpected<Error>(
        last_error(sqlite3_db_handle(statement_.get()), "using the catalogue"));
  }
  sqlite3_reset(statement_.get());
  sqlite3_clear_bindings(statement_.get());
  return result;
}

std::string_view Statement::text(int column) {
  auto const* bytes = static_cast<char const*>(sqlite3_column_blob(statement_.get(), column));
  auto const size = static_cast<std::size_t>(sqlite3_column_bytes(statement_.get(), column));
  return bytes == nullptr ? std::string_view{} : std::string_view(bytes, size);
}

std::uint64_t Statement::number(int column) {
  return static_cast<std::uint64_t>(sqlite3_column_int64(statement_.get(), column));
}

}  // namespace chisme::node::sqlite
