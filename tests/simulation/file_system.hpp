#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "cluster/base/random.hpp"

namespace chisme::simulation {

// FileSystem is a disk with a page cache: what a process sees of it, and what is left of that when
// the power fails (fsync(2); Pillai et al., "All File Systems Are Not Created Equal", OSDI 2014).
//
// The bytes of a file are safe once the file is synced; that it exists under a name, once its
// directory is. Unsynced bytes may be torn anywhere; unsynced changes of a directory are lost from
// some point on. A rename is a change of two directories, and only each one alone is atomic.
//
// Paths are "directory/…/name"; directories exist when something was made in them. Of a large file
// only the length is kept, so `bytes` is for small ones.
class FileSystem {
 public:
  struct File {
    std::string bytes;
    std::uint64_t length = 0;
    std::uint64_t synced = 0;  // of its length
    bool rotten = false;       // its bytes are not those that were written
    unsigned names = 0;        // that it has, or would have again if the power failed
  };

  // Makes the file, or empties it.
  void create(std::string const& path);
  // REQUIRES of what follows: there is such a file.
  void write(std::string const& path, std::string bytes);
  void write(std::string const& path, std::uint64_t length);
  void sync_file(std::string const& path);
  void rename(std::string const& from, std::string const& to);
  void unlink(std::string const& path);
  void rot(std::string const& path);

  void make_directory(std::string const& path);
  // Makes the names in it safe, not the files behind them.
  void sync_directory(std::string const& path);

  [[nodiscard]] bool exists(std::string const& path) const;
  // nullptr: there is no such file.
  [[nodiscard]] File const* find(std::string const& path) const;
  // The names in a directory, in order.
  [[nodiscard]] std::vector<std::string> names_in(std::string const& path) const;

  // With the probability `lost` each unsynced change is in danger; of what is in danger a random
  // beginning is left.
  void lose_power(Random& random, double lost);

 private:
  using Inode = std::uint64_t;
  static constexpr Inode nothing = 0;
  static constexpr Inode a_directory = 1;
  // A change of one name that is not safe yet, with what would undo it.
  struct Change {
    std::string name;
    Inode before = nothing;
  };
  struct Directory {
    std::map<std::string, Inode, std::less<>> names;
    std::vector<Change> unsynced;
  };

  void point(std::string const& path, Inode inode);
  [[nodiscard]] Inode inode_of(std::string const& path) const;
  [[nodiscard]] File& file(std::string const& path);
  void release(Inode inode);
  static void undo(Directory& directory, std::size_t kept, std::vector<Inode>& unnamed);

  std::map<std::string, Directory, std::less<>> directories_;
  std::map<Inode, File> files_;
  Inode next_inode_ = 2;
};

}  // namespace chisme::simulation
