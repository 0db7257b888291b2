#include "node/security/access_token.hpp"

#include <openssl/crypto.h>
#include <openssl/hmac.h>
#include <openssl/rand.h>

#include <algorithm>
#include <array>
#include <span>

#include "cluster/base/check.hpp"
#include "web/base64.hpp"

namespace chisme::node {
namespace {

constexpr std::string_view access_token_prefix = "chisme-token-";
constexpr std::uint8_t credential_format = 1;
// What a link may be used for: to read (GET, HEAD) its file.
constexpr std::uint8_t reads_only = 'r';
constexpr std::uint8_t link_kind = 'l';
constexpr std::uint8_t ticket_kind = 't';

using Mac = std::array<std::uint8_t, 32>;
// Both are multiples of 3, with the Mac, so that no bits are left over in base64.
constexpr std::size_t token_bytes = 1 + 1 + 8 + 4 + 8;
constexpr std::size_t link_bytes = 1 + 1 + 1 + 1 + 5 + 5 + 4 + 4 + 8 + 4;
static_assert((token_bytes + sizeof(Mac)) % 3 == 0);
static_assert((link_bytes + sizeof(Mac)) % 3 == 0);

// Numbers in network order, one after the other.
class NumberWriter {
 public:
  NumberWriter& add(std::uint64_t value, unsigned bytes) {
    for (unsigned i = bytes; i-- > 0;) bytes_ += static_cast<char>(value >> (8 * i));
    return *this;
  }
  [[nodiscard]] std::string take() { return std::move(bytes_); }

 private:
  std::string bytes_;
};
class NumberReader {
 public:
  explicit NumberReader(std::string_view bytes) : bytes_(bytes) {}
  // REQUIRES: so many bytes are left.
  std::uint64_t take(unsigned bytes) {
    std::uint64_t value = 0;
    for (unsigned i = 0; i < bytes; ++i) value = value << 8 | static_cast<std::uint8_t>(bytes_[i]);
    bytes_.remove_prefix(bytes);
    return value;
  }

 private:
  std::string_view bytes_;
};

std::uint64_t seconds_of(WallTime time) {
  auto const seconds = std::chrono::floor<std::chrono::seconds>(time.time_since_epoch()).count();
  return static_cast<std::uint64_t>(std::max<std::int64_t>(0, seconds));
}
WallTime at_second(std::uint64_t seconds) {
  return WallTime{std::chrono::seconds{static_cast<std::int64_t>(seconds)}};
}

std::span<std::uint8_t const> octets(std::string_view text) {
  return {reinterpret_cast<std::uint8_t const*>(text.data()), text.size()};
}

std::string base64url(std::string_view bytes) {
  std::string text = web::base64_encoded(octets(bytes));
  std::ranges::replace(text, '+', '-');
  std::ranges::replace(text, '/', '_');
  return text;
}

std::optional<std::string> from_base64url(std::string_view text) {
  if (text.find_first_of("+/=") != std::string_view::npos) return std::nullopt;
  std::string plain{text};
  std::ranges::replace(plain, '-', '+');
  std::ranges::replace(plain, '_', '/');
  return web::base64_decoded(plain);
}

Mac hmac_of(std::string_view key, std::string_view bytes) {
  Mac mac{};
  unsigned length = 0;
  auto const input = octets(bytes);
  CHECK(HMAC(EVP_sha256(), key.data(), static_cast<int>(key.size()), input.data(), input.size(),
             mac.data(), &length) != nullptr);
  CHECK(length == mac.size());
  return mac;
}

Mac mac_of(Key const& key, std::string_view bytes) {
  return hmac_of({reinterpret_cast<char const*>(key.data()), key.size()}, bytes);
}

// In a time that says nothing of where they differ.
bool is_mac(std::string_view claimed, Mac const& mac) {
  return claimed.size() == mac.size() && CRYPTO_memcmp(claimed.data(), mac.data(), mac.size()) == 0;
}

std::string signed_text(std::string bytes, Key const& key, std::string_view name) {
  Mac const mac = mac_of(key, bytes + std::string{name});
  bytes.append(reinterpret_cast<char const*>(mac.data()), mac.size());
  return base64url(bytes);
}

// The bytes of the right length, with what claims to be their Mac behind them.
std::optional<std::string> bytes_of_text(std::string_view text, std::size_t length) {
  constexpr std::size_t mac_bytes = sizeof(Mac);
  if (text.size() != (length + mac_bytes) / 3 * 4) return std::nullopt;
  return from_base64url(text);
}

struct SignedToken {
  AccessToken token;
  KeyId key = 0;
  std::string bytes;
};

// REQUIRES: there are `token_bytes` at least.
std::optional<SignedToken> parse_token_bytes(std::string bytes) {
  NumberReader reader{bytes};
  std::uint64_t const version = reader.take(1);
  std::uint64_t const role = reader.take(1);
  std::uint64_t const expires = reader.take(8);
  bool const is_role = role >= static_cast<std::uint64_t>(web::Role::read) &&
                       role <= static_cast<std::uint64_t>(web::Role::admin);
  // 40 bits of seconds: what fits an id, and no clock reaches.
  if (version != credential_format || !is_role || expires >> 40 != 0) return std::nullopt;
  SignedToken parsed;
  parsed.key = static_cast<KeyId>(reader.take(4));
  parsed.token = {static_cast<web::Role>(role), {reader.take(8), at_second(expires)}};
  parsed.bytes = std::move(bytes);
  return parsed;
}

std::optional<SignedToken> parse_token(std::string_view text) {
  if (!text.starts_with(access_token_prefix)) return std::nullopt;
  auto bytes = bytes_of_text(text.substr(access_token_prefix.size()), token_bytes);
  return bytes ? parse_token_bytes(std::move(*bytes)) : std::nullopt;
}

std::string hex_text(std::string_view bytes, std::string_view digits) {
  std::string text;
  for (char const c : bytes) {
    auto const byte = static_cast<std::uint8_t>(c);
    text += {digits[byte >> 4], digits[byte & 15]};
  }
  return text;
}

std::optional<std::string> bytes_of_hex(std::string_view text) {
  constexpr std::string_view digits = "0123456789ABCDEF";
  std::string bytes;
  for (std::size_t i = 0; i + 1 < text.size(); i += 2) {
    std::size_t const high = digits.find(text[i]);
    std::size_t const low = digits.find(text[i + 1]);
    if (high == std::string_view::npos || low == std::string_view::npos) return std::nullopt;
    bytes += static_cast<char>(high << 4 | low);
  }
  return bytes;
}

std::string signing_secret(std::string_view token) {
  auto const mac = hmac_of(token, "chisme S3 secret access key");
  return hex_text({reinterpret_cast<char const*>(mac.data()), mac.size()}, "0123456789abcdef");
}

}  // namespace

std::string to_text(AccessToken const& token, KeyRing const& ring) {
  CHECK(token.role != web::Role::none);
  KeyRing::Entry const& entry = ring.primary();
  NumberWriter writer;
  writer.add(credential_format, 1).add(static_cast<std::uint64_t>(token.role), 1);
  writer.add(seconds_of(token.id.expires), 8).add(entry.id, 4).add(token.id.number, 8);
  return std::string{access_token_prefix} + signed_text(writer.take(), entry.token_key, "");
}

std::optional<AccessToken> open_token(std::string_view text, KeyRing const& ring) {
  auto const parsed = parse_token(text);
  if (!parsed) return std::nullopt;
  KeyRing::Entry const* const entry = ring.find(parsed->key);
  if (entry == nullptr) return std::nullopt;
  std::string_view const bytes = parsed->bytes;
  Mac const mac = mac_of(entry->token_key, bytes.substr(0, token_bytes));
  if (!is_mac(bytes.substr(token_bytes), mac)) return std::nullopt;
  return parsed->token;
}

std::optional<AccessToken> read_token(std::string_view text) {
  auto const parsed = parse_token(text);
  return parsed ? std::optional{parsed->token} : std::nullopt;
}

std::optional<SigningKey> signing_key_of(std::string_view token) {
  auto const parsed = parse_token(token);
  if (!parsed) return std::nullopt;
  std::string_view const said = std::string_view{parsed->bytes}.substr(0, token_bytes);
  return SigningKey{hex_text(said, "0123456789ABCDEF"), signing_secret(token)};
}

std::optional<OpenedKey> open_access_key(std::string_view access_key, KeyRing const& ring) {
  if (access_key.size() != 2 * token_bytes) return std::nullopt;
  auto bytes = bytes_of_hex(access_key);
  auto const parsed = bytes ? parse_token_bytes(std::move(*bytes)) : std::nullopt;
  KeyRing::Entry const* const entry = parsed ? ring.find(parsed->key) : nullptr;
  if (entry == nullptr) return std::nullopt;
  std::string const token =
      std::string{access_token_prefix} + signed_text(parsed->bytes, entry->token_key, "");
  return OpenedKey{parsed->token, signing_secret(token)};
}

std::string to_text(AccessLink const& link, std::string_view name, KeyRing const& ring) {
  KeyRing::Entry const& entry = ring.primary();
  NumberWriter writer;
  writer.add(credential_format, 1).add(reads_only, 1);
  writer.add(link.is_ticket ? ticket_kind : link_kind, 1).add(0, 1);
  writer.add(seconds_of(link.id.expires), 5).add(seconds_of(link.token_expires), 5);
  writer.add(0, 4).add(entry.id, 4).add(link.id.number, 8).add(link.downloads, 4);
  return signed_text(writer.take(), link.is_ticket ? entry.ticket_key : entry.link_key, name);
}

std::optional<AccessLink> open_link(std::string_view text, std::string_view name,
                                    KeyRing const& ring) {
  auto const bytes = bytes_of_text(text, link_bytes);
  if (!bytes) return std::nullopt;
  NumberReader reader{*bytes};
  bool const is_format = reader.take(1) == credential_format && reader.take(1) == reads_only;
  if (!is_format) return std::nullopt;
  std::uint64_t const kind = reader.take(1);
  if (kind != link_kind && kind != ticket_kind) return std::nullopt;
  if (reader.take(1) != 0) return std::nullopt;
  AccessLink link{.is_ticket = kind == ticket_kind, .id = {}, .token_expires = {}, .downloads = 0};
  link.id.expires = at_second(reader.take(5));
  link.token_expires = at_second(reader.take(5));
  if (reader.take(4) != 0) return std::nullopt;
  KeyRing::Entry const* const entry = ring.find(static_cast<KeyId>(reader.take(4)));
  if (entry == nullptr) return std::nullopt;
  link.id.number = reader.take(8);
  link.downloads = static_cast<std::uint32_t>(reader.take(4));
  std::string_view const whole = *bytes;
  std::string signed_bytes{whole.substr(0, link_bytes)};
  signed_bytes += name;
  Mac const mac = mac_of(link.is_ticket ? entry->ticket_key : entry->link_key, signed_bytes);
  if (!is_mac(whole.substr(link_bytes), mac)) return std::nullopt;
  return link;
}

std::uint64_t new_credential_number() {
  std::uint64_t number = 0;
  CHECK(RAND_bytes(reinterpret_cast<unsigned char*>(&number), sizeof number) == 1);
  return number;
}

}  // namespace chisme::node
