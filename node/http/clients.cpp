#include "node/http/clients.hpp"

#include <algorithm>
#include <chrono>
#include <functional>
#include <string_view>
#include <utility>

#include "node/clock.hpp"

namespace chisme::node {

namespace {
// A second's worth may be taken at once besides the rate itself.
constexpr Duration budget_burst = std::chrono::seconds{2};

RequestBudget::Rate rate_of(unsigned requests_per_second) {
  if (requests_per_second == 0) return {};
  return {Duration{std::chrono::seconds{1}} / requests_per_second, budget_burst};
}

bool is_v4(std::array<std::uint8_t, 16> const& address) {
  return address[10] == 0xff && address[11] == 0xff &&
         std::all_of(address.begin(), address.begin() + 10, [](auto byte) { return byte == 0; });
}
}  // namespace

Clients::Place::Place(std::shared_ptr<Clients> clients, Endpoint from,
                      std::shared_ptr<Client> client, bool late)
    : clients_(std::move(clients)),
      from_(from),
      client_(std::move(client)),
      late_(late),
      proxy_(clients_->trusts(from)) {}

Clients::Place::~Place() {
  clients_->leave(from_, client_.get());
}

Clients::Clients(Limits limits)
    : limits_(std::move(limits)), rate_(rate_of(limits_.requests_per_second)) {}

std::size_t Clients::Hash::operator()(Key const& key) const {
  return std::hash<std::string_view>{}({reinterpret_cast<char const*>(key.data()), key.size()});
}

Clients::Key Clients::key_of(Endpoint const& address) {
  Key key = address.address;
  if (!is_v4(key)) std::fill(key.begin() + 8, key.end(), std::uint8_t{0});
  return key;
}

bool Clients::trusts(Endpoint const& address) const {
  return std::ranges::any_of(limits_.trusted_proxies, [&](Endpoint const& proxy) {
    return proxy.address == address.address;
  });
}

bool Clients::is_counted(Endpoint const& address) const {
  return (limits_.loopback || !is_loopback(address)) && !trusts(address);
}

Clients::Admission Clients::admit(Endpoint from, Instant now) {
  std::size_t const before = connections_.fetch_add(1);
  if (before >= limits_.connections_max) {
    --connections_;
    return {nullptr, Refusal::full};
  }
  bool const late = before >= limits_.connections_max - limits_.connections_max / 8;
  if (!is_counted(from)) {
    return {.place = std::make_shared<Place>(shared_from_this(), from, nullptr, late)};
  }
  std::lock_guard const lock(mutex_);
  auto client = known_as(key_of(from), now);
  if (client->connections >= limits_.per_address_max) {
    --connections_;
    return {nullptr, Refusal::address_full};
  }
  ++client->connections;
  return {.place = std::make_shared<Place>(shared_from_this(), from, std::move(client), late)};
}

std::shared_ptr<Clients::Client> Clients::find(Endpoint forwarded, Instant now) {
  // Whoever a proxy names is somebody else than a program of this machine.
  std::lock_guard const lock(mutex_);
  return known_as(key_of(forwarded), now);
}

std::shared_ptr<Clients::Client> Clients::find_token(std::uint64_t id, Instant now) {
  // No address is kept so: of an IPv6 one the end is zero, of an IPv4 one the beginning.
  Key key;
  key.fill(0xff);
  for (std::size_t i = 0; i < sizeof id; ++i) key[i] = static_cast<std::uint8_t>(id >> (8 * i));
  std::lock_guard const lock(mutex_);
  return known_as(key, now);
}

std::shared_ptr<Clients::Client> Clients::known_as(Key const& key, Instant now) {
  if (auto const at = known_.find(key); at != known_.end()) return at->second;
  if (known_.size() >= limits_.known_max) forget(now);
  return known_.emplace(key, std::make_shared<Client>()).first->second;
}

void Clients::leave(Endpoint from, Client* client) {
  --connections_;
  if (client == nullptr) return;
  std::lock_guard const lock(mutex_);
  --client->connections;
  // What a new entry would say as well need not be kept.
  if (client->connections == 0 && client->budget.is_full(steady_now())) known_.erase(key_of(from));
}

// Those of which nothing is worth knowing go; if that is not much, all without a connection, so
// that the table is not gone through for each that comes.
void Clients::forget(Instant now) {
  std::erase_if(known_, [&](auto const& entry) {
    return entry.second->connections == 0 && entry.second->budget.is_full(now);
  });
  if (known_.size() <= limits_.known_max - limits_.known_max / 8) return;
  std::erase_if(known_, [](auto const& entry) { return entry.second->connections == 0; });
}

std::size_t Clients::known() const {
  std::lock_guard const lock(mutex_);
  return known_.size();
}

}  // namespace chisme::node
