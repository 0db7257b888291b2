#include "node/security/secret.hpp"

#include <fcntl.h>
#include <openssl/rand.h>

#include <cerrno>
#include <span>

#include "cluster/base/check.hpp"
#include "cluster/base/identity.hpp"
#include "node/security/private_file.hpp"
#include "node/storage/posix.hpp"

namespace chisme::node {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view secret_prefix = "chisme-secret-";

tl::unexpected<Error> unfit(fs::path const& path, std::string const& why) {
  return fail(Fault::invalid, "the secret file " + path.string() + " " + why);
}

Result<std::vector<Secret>> parse_lines(std::string_view text, fs::path const& path) {
  std::vector<Secret> secrets;
  for (std::size_t number = 1; !text.empty(); ++number) {
    std::string_view line = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(text.size(), line.size() + 1));
    if (line.ends_with('\r')) line.remove_suffix(1);
    if (line.empty() || line.starts_with('#')) continue;
    auto const secret = parse_secret(line);
    if (!secret) return unfit(path, "has in line " + std::to_string(number) + " no secret");
    secrets.push_back(*secret);
  }
  if (secrets.empty()) return unfit(path, "has no secret; make one with chisme secret new FILE");
  if (secrets.size() > secrets_max) {
    return unfit(path, "has more than " + std::to_string(secrets_max) + " secrets");
  }
  return secrets;
}

}  // namespace

Secret new_secret() {
  Secret secret;
  CHECK(RAND_priv_bytes(secret.bytes.data(), static_cast<int>(secret.bytes.size())) == 1);
  return secret;
}

std::string to_text(Secret const& secret) {
  return std::string{secret_prefix} + to_hex(Digest{secret.bytes});
}

std::optional<Secret> parse_secret(std::string_view text) {
  if (!text.starts_with(secret_prefix)) return std::nullopt;
  auto const bytes = parse_digest(text.substr(secret_prefix.size()));
  if (!bytes) return std::nullopt;
  return Secret{bytes->bytes};
}

Result<std::vector<Secret>> read_secret_file(fs::path const& path) {
  auto const text = read_private_file(path, "secret file");
  if (!text) return tl::unexpected(text.error());
  return parse_lines(*text, path);
}

Result<void> write_secret_file(fs::path const& path, Secret const& secret) {
  auto const file = open_file(path, O_WRONLY | O_CREAT | O_EXCL);
  if (!file && file.error().system_error == EEXIST) {
    return fail(Fault::invalid, path.string() + " is there already and was left as it is");
  }
  if (!file) return tl::unexpected(file.error());
  std::string const text = to_text(secret) + "\n";
  auto const bytes = std::as_bytes(std::span{text.data(), text.size()});
  if (auto written = write_all(file->number(), bytes, path); !written) return written;
  return sync_file(file->number(), path);
}

}  // namespace chisme::node
