#pragma once

#include <sqlite3.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "cluster/base/result.hpp"

// A thin layer over SQLite's C interface: statements as values, its codes as faults.
namespace chisme::node::sqlite {

struct CloseConnection {
  void operator()(sqlite3* connection) const { sqlite3_close_v2(connection); }
};
using Connection = std::unique_ptr<sqlite3, CloseConnection>;

// What SQLite says of its last failure: corrupt (SQLITE_CORRUPT, SQLITE_NOTADB), no_space
// (SQLITE_FULL), busy, else io.
[[nodiscard]] Error last_error(sqlite3* connection, std::string const& doing);

[[nodiscard]] Result<void> execute(sqlite3* connection, char const* sql);

// A prepared statement, used many times. Parameters are numbered from 1, columns from 0.
class Statement {
 public:
  [[nodiscard]] static Result<Statement> prepare(sqlite3* connection, char const* sql);

  Statement& bind(int parameter, std::string_view text);
  Statement& bind(int parameter, std::uint64_t number);
  // Runs it to its end and makes it ready for the next use, whatever came out.
  [[nodiscard]] Result<void> run();
  // Calls `row` for each row until it returns false, which makes this return `corrupt`.
  [[nodiscard]] Result<void> each(std::function<bool(Statement&)> const& row);

  // Of the row that it stands at; good until the next one.
  [[nodiscard]] std::string_view text(int column);
  [[nodiscard]] std::uint64_t number(int column);

 private:
  struct Finalize {
    void operator()(sqlite3_stmt* statement) const { sqlite3_finalize(statement); }
  };
  explicit Statement(sqlite3_stmt* statement) : statement_(statement) {}
  std::unique_ptr<sqlite3_stmt, Finalize> statement_;
};

}  // namespace chisme::node::sqlite
