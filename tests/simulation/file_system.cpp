#include "tests/simulation/file_system.hpp"

#include <set>
#include <utility>

#include "cluster/base/check.hpp"

namespace chisme::simulation {
namespace {

struct Split {
  std::string_view directory;
  std::string_view name;
};

Split split(std::string_view path) {
  std::size_t const slash = path.rfind('/');
  if (slash == std::string_view::npos) return {"", path};
  return {path.substr(0, slash), path.substr(slash + 1)};
}

}  // namespace

void FileSystem::point(std::string const& path, Inode inode) {
  auto const [directory, name] = split(path);
  Directory& in = directories_[std::string(directory)];
  Inode& now = in.names[std::string(name)];
  in.unsynced.push_back({std::string(name), now});
  now = inode;
  if (inode == nothing) in.names.erase(std::string(name));
  if (inode > a_directory) ++files_[inode].names;
}

FileSystem::Inode FileSystem::inode_of(std::string const& path) const {
  auto const [directory, name] = split(path);
  auto const in = directories_.find(directory);
  if (in == directories_.end()) return nothing;
  auto const at = in->second.names.find(name);
  return at == in->second.names.end() ? nothing : at->second;
}

FileSystem::File& FileSystem::file(std::string const& path) {
  auto const at = files_.find(inode_of(path));
  CHECK(at != files_.end());
  return at->second;
}

void FileSystem::create(std::string const& path) {
  Inode const inode = next_inode_++;
  files_[inode] = {};
  point(path, inode);
}

void FileSystem::write(std::string const& path, std::string bytes) {
  File& into = file(path);
  into.length = bytes.size();
  into.bytes = std::move(bytes);
  into.synced = 0;
}

void FileSystem::write(std::string const& path, std::uint64_t length) {
  File& into = file(path);
  into.length = length;
  into.synced = 0;
}

void FileSystem::sync_file(std::string const& path) {
  File& of = file(path);
  of.synced = of.length;
}

void FileSystem::rename(std::string const& from, std::string const& to) {
  Inode const inode = inode_of(from);
  CHECK(inode != nothing);
  point(to, inode);
  point(from, nothing);
}

void FileSystem::unlink(std::string const& path) {
  CHECK(exists(path));
  point(path, nothing);
}

void FileSystem::rot(std::string const& path) {
  file(path).rotten = true;
}

void FileSystem::make_directory(std::string const& path) {
  if (!exists(path)) point(path, a_directory);
}

void FileSystem::sync_directory(std::string const& path) {
  Directory& directory = directories_[path];
  for (Change const& change : directory.unsynced) release(change.before);
  directory.unsynced.clear();
}

bool FileSystem::exists(std::string const& path) const {
  return inode_of(path) != nothing;
}

FileSystem::File const* FileSystem::find(std::string const& path) const {
  auto const at = files_.find(inode_of(path));
  return at == files_.end() ? nullptr : &at->second;
}

std::vector<std::string> FileSystem::names_in(std::string const& path) const {
  std::vector<std::string> names;
  auto const in = directories_.find(path);
  if (in == directories_.end()) return names;
  for (auto const& [name, inode] : in->second.names) names.push_back(name);
  return names;
}

// Takes back all changes but the first `kept`.
void FileSystem::undo(Directory& directory, std::size_t kept, std::vector<Inode>& unnamed) {
  for (std::size_t i = directory.unsynced.size(); i > 0; --i) {
    Change const& change = directory.unsynced[i - 1];
    if (i <= kept) {
      unnamed.push_back(change.before);
      continue;
    }
    auto const at = directory.names.find(change.name);
    if (at != directory.names.end()) unnamed.push_back(at->second);
    if (change.before == nothing) {
      directory.names.erase(change.name);
    } else {
      directory.names[change.name] = change.before;
    }
  }
  directory.unsynced.clear();
}

void FileSystem::lose_power(Random& random, double lost) {
  std::vector<Inode> unnamed;
  for (auto& [path, directory] : directories_) {
    std::size_t kept = directory.unsynced.size();
    if (kept > 0 && random.chance(lost)) kept = random.below(kept + 1);
    undo(directory, kept, unnamed);
  }
  // A directory whose own name is gone takes with it what was in it.
  std::erase_if(directories_, [&](auto const& entry) {
    auto const& [path, directory] = entry;
    if (path.find('/') == std::string::npos || exists(path)) return false;
    for (auto const& [name, inode] : directory.names) unnamed.push_back(inode);
    return true;
  });
  for (Inode const inode : unnamed) release(inode);
  for (auto& [inode, of] : files_) {
    if (of.synced < of.length && random.chance(lost)) {
      of.length = of.synced + random.below(of.length - of.synced);
      if (of.bytes.size() > of.length) of.bytes.resize(of.length);
    }
    of.synced = of.length;
  }
}

void FileSystem::release(Inode inode) {
  auto const at = files_.find(inode);
  if (at != files_.end() && --at->second.names == 0) files_.erase(at);
}

}  // namespace chisme::simulation
