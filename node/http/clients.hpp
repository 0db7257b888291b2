#pragma once

#include <array>
#include <atomic>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <unordered_map>
#include <vector>

#include "cluster/base/identity.hpp"
#include "cluster/base/time.hpp"
#include "node/http/request_budget.hpp"

namespace chisme::node {

// Clients knows who is connected to a node: how many connections there are, how many of each
// address, and what each address has left of its requests.
//
// An address is all of an IPv4 one, and the first 64 bits of an IPv6 one, since that is what one
// site is given at least. Of loopback nothing is counted but its connections, unless the limits say
// so; nor of proxies that are trusted, whose connections are many people's.
//
// The table is touched when a connection comes and goes, and for each request that a trusted proxy
// forwards; a budget without the table. Bound: `known_max` addresses and tokens; beyond it those
// without a connection are forgotten. Thread-safe. A shared_ptr owns it.
class Clients : public std::enable_shared_from_this<Clients> {
 public:
  struct Limits {
    std::size_t connections_max = 16'384;
    std::size_t per_address_max = 512;
    unsigned requests_per_second = 1000;  // 0: no limit
    bool loopback = false;
    std::vector<Endpoint> trusted_proxies = {};  // ports do not count
    std::size_t known_max = 65'536;
  };
  // What is known of an address.
  struct Client {
    std::size_t connections = 0;  // under the table's lock
    RequestBudget budget;
  };
  // A connection's place among all; it is free again when this goes.
  class Place {
   public:
    Place(std::shared_ptr<Clients> clients, Endpoint from, std::shared_ptr<Client> client,
          bool late);
    ~Place();
    Place(Place const&) = delete;
    Place& operator=(Place const&) = delete;
    // Null: nothing is counted of it.
    [[nodiscard]] std::shared_ptr<Client> const& client() const { return client_; }
    // It got one of the last places, which are for small requests.
    [[nodiscard]] bool is_late() const { return late_; }
    [[nodiscard]] bool is_proxy() const { return proxy_; }

   private:
    std::shared_ptr<Clients> clients_;
    Endpoint from_;
    std::shared_ptr<Client> client_;
    bool late_;
    bool proxy_;
  };
  // No place: there is none left, or none for this address.
  enum class Refusal { full, address_full };
  struct Admission {
    std::shared_ptr<Place> place;  // null: refused
    Refusal refusal = Refusal::full;
  };

  Clients() : Clients(Limits{}) {}
  explicit Clients(Limits limits);

  [[nodiscard]] Admission admit(Endpoint from, Instant now);
  // Whom a trusted proxy names. Null: nothing is counted of it.
  [[nodiscard]] std::shared_ptr<Client> find(Endpoint forwarded, Instant now);
  // Who shows a valid token with this id: it has a budget of its own, wherever it comes from.
  [[nodiscard]] std::shared_ptr<Client> find_token(std::uint64_t id, Instant now);
  [[nodiscard]] bool trusts(Endpoint const& address) const;
  [[nodiscard]] RequestBudget::Rate rate() const { return rate_; }
  [[nodiscard]] std::size_t connections() const { return connections_.load(); }
  // Addresses and tokens in the table.
  [[nodiscard]] std::size_t known() const;

 private:
  using Key = std::array<std::uint8_t, 16>;
  struct Hash {
    std::size_t operator()(Key const& key) const;
  };
  static Key key_of(Endpoint const& address);
  [[nodiscard]] bool is_counted(Endpoint const& address) const;
  std::shared_ptr<Client> known_as(Key const& key, Instant now);
  void leave(Endpoint from, Client* client);
  void forget(Instant now);

  Limits limits_;
  RequestBudget::Rate rate_;
  std::atomic<std::size_t> connections_ = 0;
  mutable std::mutex mutex_;
  std::unordered_map<Key, std::shared_ptr<Client>, Hash> known_;
};

}  // namespace chisme::node
