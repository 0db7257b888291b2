#include "node/peer/sealing.hpp"

#include <openssl/evp.h>
#include <openssl/rand.h>

#include <algorithm>
#include <array>
#include <chrono>

#include "cluster/base/check.hpp"

namespace chisme::node {
namespace {

constexpr std::uint16_t seal_magic = 0x6368;
constexpr std::uint8_t seal_version = 1;
constexpr std::size_t nonce_bytes = 12;

template <class Integer>
void append(std::string& to, Integer value) {
  for (std::size_t i = sizeof value; i-- > 0;) {
    to.push_back(static_cast<char>(static_cast<std::uint8_t>(value >> (8 * i))));
  }
}

template <class Integer>
Integer take(std::span<std::byte const>& from) {
  std::uint64_t value = 0;
  for (std::size_t i = 0; i < sizeof(Integer); ++i) {
    value = value << 8 | std::to_integer<std::uint64_t>(from[i]);
  }
  from = from.subspan(sizeof(Integer));
  return static_cast<Integer>(value);
}

struct Header {
  KeyId key = 0;
  NodeId sender;
  Epoch epoch;
  std::uint64_t run = 0;
  std::uint64_t sequence = 0;
};

std::string encode(Header const& header) {
  std::string bytes;
  append(bytes, seal_magic);
  append(bytes, seal_version);
  append(bytes, std::uint8_t{0});
  append(bytes, header.key);
  append(bytes, header.sender.high);
  append(bytes, header.sender.low);
  append(bytes, header.epoch.value());
  append(bytes, header.run);
  append(bytes, header.sequence);
  return bytes;
}

std::optional<Header> parse(std::span<std::byte const> datagram) {
  if (datagram.size() < seal_bytes) return std::nullopt;
  if (take<std::uint16_t>(datagram) != seal_magic) return std::nullopt;
  if (take<std::uint8_t>(datagram) != seal_version) return std::nullopt;
  if (take<std::uint8_t>(datagram) != 0) return std::nullopt;
  Header header;
  header.key = take<KeyId>(datagram);
  header.sender.high = take<std::uint64_t>(datagram);
  header.sender.low = take<std::uint64_t>(datagram);
  header.epoch = Epoch{take<std::uint32_t>(datagram)};
  header.run = take<std::uint64_t>(datagram);
  header.sequence = take<std::uint64_t>(datagram);
  return header;
}

Key key_of(Secret const& secret, std::string_view purpose, NodeId sender, Epoch epoch,
           std::uint64_t run) {
  std::string context;
  append(context, sender.high);
  append(context, sender.low);
  append(context, epoch.value());
  append(context, run);
  return derive_key(secret, purpose,
                    {reinterpret_cast<std::uint8_t const*>(context.data()), context.size()});
}

std::array<unsigned char, nonce_bytes> nonce_of(std::uint64_t sequence) {
  std::array<unsigned char, nonce_bytes> nonce{};
  for (std::size_t i = 0; i < 8; ++i) {
    nonce[nonce_bytes - 1 - i] = static_cast<unsigned char>(sequence >> (8 * i));
  }
  return nonce;
}

unsigned char const* octets(void const* bytes) {
  return static_cast<unsigned char const*>(bytes);
}
unsigned char* octets(char* bytes) {
  return reinterpret_cast<unsigned char*>(bytes);
}

}  // namespace

// ---- The cipher --------------------------------------------------------------------------------

void SealingCipher::Free::operator()(evp_cipher_ctx_st* context) const {
  EVP_CIPHER_CTX_free(context);
}

SealingCipher::SealingCipher(Key const& key)
    : sealing_{EVP_CIPHER_CTX_new()}, opening_{EVP_CIPHER_CTX_new()} {
  CHECK(sealing_ && opening_);
  EVP_CIPHER const* const cipher = EVP_aes_256_gcm();
  CHECK(EVP_EncryptInit_ex(sealing_.get(), cipher, nullptr, key.data(), nullptr) == 1);
  CHECK(EVP_DecryptInit_ex(opening_.get(), cipher, nullptr, key.data(), nullptr) == 1);
}

void SealingCipher::seal(std::string& header, std::uint64_t sequence,
                         std::span<std::byte const> text) {
  EVP_CIPHER_CTX* const context = sealing_.get();
  auto const nonce = nonce_of(sequence);
  std::size_t const begin = header.size();
  int length = 0;
  CHECK(EVP_EncryptInit_ex(context, nullptr, nullptr, nullptr, nonce.data()) == 1);
  CHECK(EVP_EncryptUpdate(context, nullptr, &length, octets(header.data()),
                          static_cast<int>(begin)) == 1);
  header.resize(begin + text.size() + seal_tag_bytes);
  unsigned char* const out = octets(header.data()) + begin;
  CHECK(EVP_EncryptUpdate(context, out, &length, octets(text.data()),
                          static_cast<int>(text.size())) == 1);
  CHECK(EVP_EncryptFinal_ex(context, out + length, &length) == 1);
  CHECK(EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_GET_TAG, seal_tag_bytes, out + text.size()) ==
        1);
}

std::optional<std::string> SealingCipher::open(std::uint64_t sequence,
                                               std::span<std::byte const> datagram) {
  EVP_CIPHER_CTX* const context = opening_.get();
  auto const nonce = nonce_of(sequence);
  auto const header = datagram.first(seal_header_bytes);
  auto const sealed = datagram.subspan(seal_header_bytes, datagram.size() - seal_bytes);
  std::array<unsigned char, seal_tag_bytes> tag;
  std::ranges::copy_n(octets(datagram.last(seal_tag_bytes).data()), seal_tag_bytes, tag.begin());
  std::string text(sealed.size(), '\0');
  int length = 0;
  CHECK(EVP_DecryptInit_ex(context, nullptr, nullptr, nullptr, nonce.data()) == 1);
  CHECK(EVP_DecryptUpdate(context, nullptr, &length, octets(header.data()),
                          static_cast<int>(header.size())) == 1);
  CHECK(EVP_DecryptUpdate(context, octets(text.data()), &length, octets(sealed.data()),
                          static_cast<int>(sealed.size())) == 1);
  CHECK(EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_SET_TAG, seal_tag_bytes, tag.data()) == 1);
  if (EVP_DecryptFinal_ex(context, octets(text.data()) + length, &length) != 1) return std::nullopt;
  return text;
}

// ---- Sealing -----------------------------------------------------------------------------------

DatagramSealer::DatagramSealer(NodeId self, Epoch epoch, std::string_view purpose)
    : self_{self}, epoch_{epoch}, purpose_{purpose} {
  CHECK(RAND_bytes(reinterpret_cast<unsigned char*>(&run_), sizeof run_) == 1);
}

std::string DatagramSealer::seal(KeyRing const& ring, std::span<std::byte const> text) {
  KeyRing::Entry const& primary = ring.primary();
  if (!cipher_ || key_ != primary.id) {
    cipher_ =
        std::make_unique<SealingCipher>(key_of(primary.secret, purpose_, self_, epoch_, run_));
    key_ = primary.id;
  }
  std::uint64_t const sequence = next_++;
  std::string datagram = encode(Header{key_, self_, epoch_, run_, sequence});
  cipher_->seal(datagram, sequence, text);
  return datagram;
}

// ---- Opening -----------------------------------------------------------------------------------

std::optional<DatagramOpener::Opened> DatagramOpener::open(KeyRing const& ring,
                                                           std::span<std::byte const> datagram,
                                                           Instant now) {
  auto const header = parse(datagram);
  if (!header) return std::nullopt;
  KeyRing::Entry const* const key = ring.find(header->key);
  if (key == nullptr) return std::nullopt;
  Run* run = find_run(header->sender, header->epoch, header->run);
  bool const known = run != nullptr && run->cipher && run->key == key->id;
  std::unique_ptr<SealingCipher> fresh;
  if (!known) {
    bool const old = run == nullptr && is_old(header->sender, header->epoch);
    if (old || !may_try(now)) return std::nullopt;
    fresh = std::make_unique<SealingCipher>(
        key_of(key->secret, purpose_, header->sender, header->epoch, header->run));
  }
  auto text = (known ? run->cipher : fresh)->open(header->sequence, datagram);
  if (!text) return std::nullopt;
  if (run == nullptr) run = remember(header->sender, header->epoch, header->run);
  if (!run->window.add(header->sequence)) return std::nullopt;
  if (fresh) {
    run->cipher = std::move(fresh);
    run->key = key->id;
  }
  senders_.at(header->sender).heard = ++heard_;
  return Opened{header->sender, header->epoch, std::move(*text)};
}

DatagramOpener::Run* DatagramOpener::find_run(NodeId sender, Epoch epoch, std::uint64_t run) {
  auto const at = senders_.find(sender);
  if (at == senders_.end() || at->second.epoch != epoch) return nullptr;
  auto const found = std::ranges::find(at->second.runs, run, &Run::number);
  return found == at->second.runs.end() ? nullptr : &*found;
}

bool DatagramOpener::is_old(NodeId sender, Epoch epoch) const {
  auto const at = senders_.find(sender);
  if (at == senders_.end() || epoch > at->second.epoch) return false;
  return epoch < at->second.epoch || at->second.runs.size() == runs_max;
}

bool DatagramOpener::may_try(Instant now) {
  if (now - tries_since_ >= std::chrono::seconds{1}) {
    tries_since_ = now;
    tries_ = 0;
  }
  return tries_++ < tries_per_second;
}

DatagramOpener::Run* DatagramOpener::remember(NodeId sender, Epoch epoch, std::uint64_t run) {
  if (!senders_.contains(sender)) make_room();
  Sender& its = senders_[sender];
  if (epoch > its.epoch) {
    its.epoch = epoch;
    its.runs.clear();
  }
  its.runs.emplace_back().number = run;
  return &its.runs.back();
}

void DatagramOpener::make_room() {
  if (senders_.size() < senders_max) return;
  senders_.erase(
      std::ranges::min_element(senders_, {}, [](auto const& each) { return each.second.heard; }));
}

}  // namespace chisme::node
