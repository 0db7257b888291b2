#include "node/peer/name_lookup.hpp"

#include <netdb.h>

#include <asio/ip/tcp.hpp>
#include <asio/post.hpp>
#include <cerrno>
#include <cstring>
#include <mutex>
#include <string>
#include <system_error>
#include <thread>
#include <utility>

#include "node/peer/address.hpp"

namespace chisme::node {
namespace {

Result<std::vector<Endpoint>> addresses_of(PeerName const& name) {
  addrinfo wanted{};
  wanted.ai_family = AF_UNSPEC;
  wanted.ai_socktype = SOCK_STREAM;
  wanted.ai_flags = AI_NUMERICSERV | AI_ADDRCONFIG;
  addrinfo* list = nullptr;
  int const said =
      ::getaddrinfo(name.host.c_str(), std::to_string(name.port).c_str(), &wanted, &list);
  if (said != 0) {
    bool const is_system = said == EAI_SYSTEM;
    return fail(Fault::unavailable, is_system ? std::strerror(errno) : ::gai_strerror(said));
  }
  std::unique_ptr<addrinfo, void (*)(addrinfo*)> const owned{list, ::freeaddrinfo};
  std::vector<Endpoint> found;
  for (addrinfo const* one = list; one != nullptr; one = one->ai_next) {
    asio::ip::tcp::endpoint endpoint;
    if (found.size() >= NameLookup::addresses_max || one->ai_addrlen > endpoint.capacity()) break;
    std::memcpy(endpoint.data(), one->ai_addr, one->ai_addrlen);
    endpoint.resize(one->ai_addrlen);
    found.push_back(from_tcp(endpoint));
  }
  return found;
}

}  // namespace

// Where answers are put, as long as somebody is there to take them.
struct NameLookup::Inbox {
  std::mutex mutex;
  asio::io_context* loop;  // nullptr: gone

  explicit Inbox(asio::io_context& its_loop) : loop(&its_loop) {}
};

NameLookup::NameLookup(asio::io_context& loop) : inbox_{std::make_shared<Inbox>(loop)} {}

NameLookup::~NameLookup() {
  std::scoped_lock const lock{inbox_->mutex};
  inbox_->loop = nullptr;
}

void NameLookup::ask(PeerName const& name, Answer answer) {
  auto look = [inbox = inbox_, name, answer] {
    auto found = addresses_of(name);
    std::scoped_lock const lock{inbox->mutex};
    if (inbox->loop == nullptr) return;
    asio::post(*inbox->loop, [inbox, answer, found = std::move(found)]() mutable {
      if (inbox->loop != nullptr) answer(std::move(found));
    });
  };
  try {
    std::thread{std::move(look)}.detach();
  } catch (std::system_error const& error) {
    answer(fail(Fault::unavailable, std::string{"no thread can be started: "} + error.what()));
  }
}

}  // namespace chisme::node
