#include "tests/abuse/peer/datagrams.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstring>
#include <random>
#include <span>
#include <thread>

#include "cluster/base/check.hpp"
#include "cluster/wire/codec.hpp"

namespace chisme::abuse {
namespace {

constexpr std::size_t header_sender_at = 8;
constexpr std::size_t header_epoch_at = 24;
constexpr std::size_t burst = 50;

sockaddr_in address_of(Endpoint const& endpoint) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(endpoint.port);
  std::memcpy(&address.sin_addr.s_addr, endpoint.address.data() + 12, 4);
  return address;
}

void put(std::string& to, std::size_t at, std::uint64_t value, std::size_t bytes) {
  for (std::size_t i = 0; i < bytes; ++i) {
    to[at + i] = static_cast<char>(value >> (8 * (bytes - 1 - i)));
  }
}

}  // namespace

Datagrams::Datagrams(Guise guise, Endpoint to)
    : guise_{std::move(guise)},
      socket_{::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0)},
      here_{to},
      sealer_{guise_.id, guise_.epoch} {
  sockaddr_in const there = address_of(to);
  CHECK(::connect(socket_, reinterpret_cast<sockaddr const*>(&there), sizeof there) == 0);
  sockaddr_in here{};
  socklen_t size = sizeof here;
  CHECK(::getsockname(socket_, reinterpret_cast<sockaddr*>(&here), &size) == 0);
  here_.port = ntohs(here.sin_port);
}

Datagrams::~Datagrams() {
  ::close(socket_);
}

std::string Datagrams::frame(cluster::Message message) const {
  return cluster::encode(cluster::Envelope{guise_.id, guise_.epoch, here_, std::move(message)});
}

std::string Datagrams::sealed_text(std::string const& text) {
  if (!guise_.ring) return text;
  return sealer_.seal(*guise_.ring, std::as_bytes(std::span{text.data(), text.size()}));
}

std::string Datagrams::sealed(cluster::Message message) {
  return sealed_text(frame(std::move(message)));
}

bool Datagrams::send(std::string_view datagram) {
  return ::send(socket_, datagram.data(), datagram.size(), 0) == std::ssize(datagram);
}

std::vector<cluster::Message> Datagrams::answers(int silence_ms) {
  std::vector<cluster::Message> all;
  std::array<std::byte, 2048> buffer;
  pollfd readable{socket_, POLLIN, 0};
  while (::poll(&readable, 1, silence_ms) == 1) {
    ssize_t const got = ::recv(socket_, buffer.data(), buffer.size(), 0);
    if (got < 0) continue;
    auto const bytes = std::span{buffer}.first(static_cast<std::size_t>(got));
    all.emplace_back(cluster::Nack{0});
    if (!guise_.ring) continue;
    auto const opened = opener_.open(*guise_.ring, bytes);
    if (!opened) continue;
    auto envelope = cluster::decode(opened->text, cluster::datagram_bytes_max);
    if (envelope) all.back() = std::move(envelope->message);
  }
  return all;
}

std::uint64_t Datagrams::flood(std::uint64_t per_second, double seconds,
                               std::optional<NodeId> known) {
  using Clock = std::chrono::steady_clock;
  std::mt19937_64 random{7};
  std::string datagram(600, '\0');
  std::ranges::generate(datagram, [&] { return static_cast<char>(random()); });
  if (known) {
    std::string const real = sealed(cluster::Nack{1});
    datagram.replace(0, node::seal_header_bytes, real, 0, node::seal_header_bytes);
    put(datagram, header_sender_at, known->high, 8);
    put(datagram, header_sender_at + 8, known->low, 8);
    put(datagram, header_epoch_at, guise_.epoch.value(), 4);
  }
  auto const begun = Clock::now();
  std::uint64_t sent = 0;
  while (true) {
    double const passed = std::chrono::duration<double>(Clock::now() - begun).count();
    if (passed >= seconds) return sent;
    if (static_cast<double>(sent) > passed * static_cast<double>(per_second)) {
      std::this_thread::sleep_for(std::chrono::microseconds{100});
      continue;
    }
    for (std::size_t i = 0; i < burst; ++i) {
      // Of a known header the run and the number change; of rubbish, all of it somewhere.
      std::size_t const at = known ? header_epoch_at + 4 : random() % (datagram.size() - 8);
      put(datagram, at, random(), 8);
      sent += send(datagram) ? 1 : 0;
    }
  }
}

}  // namespace chisme::abuse
