#include "node/storage/object_listing.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <memory>
#include <string>

#include "node/storage/posix.hpp"

namespace chisme::node {

namespace fs = std::filesystem;

namespace {

constexpr std::string_view chunks_suffix = ".chunks";

struct CloseDirectory {
  void operator()(DIR* directory) const { ::closedir(directory); }
};

// The object whose hashes a file of this name holds.
std::optional<Digest> parse_chunks_name(std::string_view name) {
  if (!name.ends_with(chunks_suffix)) return std::nullopt;
  return parse_digest(name.substr(0, name.size() - chunks_suffix.size()));
}

// Calls `entry` with each entry's name and the directory's descriptor; it returns false, with
// errno, to stop.
template <class Entry>
Result<void> walk(fs::path const& path, Entry const& entry) {
  std::unique_ptr<DIR, CloseDirectory> const directory{::opendir(path.c_str())};
  if (!directory) return failed("reading the directory", path);
  while (true) {
    errno = 0;
    dirent const* const next = ::readdir(directory.get());
    if (next == nullptr && errno == 0) return {};
    if (next == nullptr || !entry(next->d_name, ::dirfd(directory.get()))) {
      return failed("reading the directory", path);
    }
  }
}

std::optional<std::uint64_t> file_bytes(int directory, char const* name) {
  struct stat file{};
  if (::fstatat(directory, name, &file, 0) != 0 || !S_ISREG(file.st_mode)) return std::nullopt;
  return static_cast<std::uint64_t>(file.st_size);
}

Result<ListedDirectory> list_directory(fs::path path) {
  ListedDirectory listed{std::move(path), {}, {}};
  auto const walked = walk(listed.path, [&](char const* name, int directory) {
    if (auto const object = parse_file_name(name)) {
      listed.objects.push_back({*object, file_bytes(directory, name)});
    } else if (auto const digest = parse_chunks_name(name)) {
      listed.chunk_files.push_back(*digest);
    }
    return true;
  });
  if (!walked) return tl::unexpected<Error>(walked.error());
  std::ranges::sort(listed.objects, {}, [](auto const& object) { return object.named.digest; });
  return listed;
}

}  // namespace

std::string file_name(StoredObject const& object) {
  return to_hex(object.digest) + "-" + std::to_string(object.size.value());
}

std::optional<StoredObject> parse_file_name(std::string_view name) {
  if (name.size() < 66 || name[64] != '-') return std::nullopt;
  auto const digest = parse_digest(name.substr(0, 64));
  std::uint64_t size = 0;
  auto const [end, fault] = std::from_chars(name.data() + 65, name.data() + name.size(), size);
  if (!digest || fault != std::errc{} || end != name.data() + name.size()) return std::nullopt;
  if (name[65] == '0' && name.size() > 66) return std::nullopt;  // an object has one name
  return StoredObject{*digest, ByteCount{size}};
}

fs::path chunks_of(fs::path const& object) {
  std::string const name = object.filename().string();
  return object.parent_path() / (name.substr(0, name.find('-')) + std::string(chunks_suffix));
}

Result<ObjectListing> list_objects(fs::path const& objects) {
  std::vector<fs::path> directories;
  auto const walked = walk(objects, [&](char const* name, int directory) {
    struct stat found{};
    if (name[0] == '.') return true;
    if (::fstatat(directory, name, &found, 0) != 0) return false;
    if (S_ISDIR(found.st_mode)) directories.push_back(objects / name);
    return true;
  });
  if (!walked && walked.error().system_error == ENOENT) return ObjectListing{};
  if (!walked) return tl::unexpected<Error>(walked.error());
  std::ranges::sort(directories);
  ObjectListing listing;
  for (fs::path& directory : directories) {
    auto listed = list_directory(std::move(directory));
    if (!listed) return tl::unexpected<Error>(listed.error());
    listing.push_back(std::move(*listed));
  }
  return listing;
}

}  // namespace chisme::node
