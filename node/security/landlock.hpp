#pragma once

#include <filesystem>
#include <vector>

#include "cluster/base/result.hpp"

// Landlock, by which a process gives up the right to open files, for good (landlock(7)). There is
// no library for it in Debian 12: these are its three system calls.
namespace chisme::node {

// What a process may still open. Of a directory, everything beneath it, whatever comes there later;
// of a symbolic link, what it leads to now. A path that does not exist is left out.
struct FileAccess {
  std::vector<std::filesystem::path> kept;  // directories: read, written, filled and emptied
  std::vector<std::filesystem::path> read;  // files and directories
  std::vector<std::filesystem::path> run;   // files: read, and executed
};

// From now on this thread, and the threads and programs that it starts, open nothing else, execute
// nothing else, and make no device, pipe, socket or symbolic link; where the kernel can (6.12) they
// also signal no process outside, and reach no abstract socket there. What is open stays open.
// Looking at names, sizes and owners (stat) stays possible. Sets no_new_privs.
//
// Faults: unavailable (a kernel without it, or before 5.19, where no file could be moved between
// directories: nothing was restricted), io (a directory of `kept` cannot be opened).
[[nodiscard]] Result<void> restrict_files(FileAccess const& access);

}  // namespace chisme::node
