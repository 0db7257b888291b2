#include "node/security/private_file.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "node/storage/posix.hpp"

namespace chisme::node {
namespace {

namespace fs = std::filesystem;

// What speaks against the file, empty when nothing does.
std::string objection(struct stat const& about, fs::path const& path) {
  if (!S_ISREG(about.st_mode)) return "is no plain file";
  if (about.st_uid != ::geteuid() && about.st_uid != 0) return "belongs to another user";
  if ((about.st_mode & (S_IRWXG | S_IRWXO)) != 0) {
    return "can be read or written by others; run: chmod 600 " + path.string();
  }
  if (about.st_size > static_cast<off_t>(private_file_bytes_max)) return "is too long to be one";
  return {};
}

}  // namespace

Result<std::string> read_private_file(fs::path const& path, std::string const& what) {
  // Without O_NONBLOCK a named pipe would be waited for.
  auto const file = open_file(path, O_RDONLY | O_NONBLOCK);
  if (!file) return tl::unexpected(file.error());
  struct stat about{};
  if (::fstat(file->number(), &about) != 0) return failed("looking at", path);
  if (std::string const why = objection(about, path); !why.empty()) {
    return fail(Fault::invalid, "the " + what + " " + path.string() + " " + why);
  }
  std::string text(private_file_bytes_max, '\0');
  ssize_t const count = ::read(file->number(), text.data(), text.size());
  if (count < 0) return failed("reading", path);
  text.resize(static_cast<std::size_t>(count));
  return text;
}

}  // namespace chisme::node
