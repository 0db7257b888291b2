#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "cluster/base/identity.hpp"
#include "cluster/base/strong.hpp"
#include "cluster/base/time.hpp"
#include "node/config.hpp"
#include "node/log_settings.hpp"

// How the values of a node's settings are read. Each takes the value into its place, or leaves that
// as it is and says what is wrong: "is not …".
namespace chisme::node::cli {

using Complaint = std::optional<std::string>;

// "127.0.0.1:7701", "[::1]:7701", "localhost:7701".
[[nodiscard]] Complaint take_address(Endpoint& into, std::string const& value);
// "192.0.2.1", "2001:db8::1": an address without a port, which becomes 0.
[[nodiscard]] Complaint take_machine(Endpoint& into, std::string const& value);
[[nodiscard]] Complaint take_name(std::string& into, std::string const& value);
// "chisme.lan:8701": a name (not an address that is misspelt) and a port.
[[nodiscard]] Complaint take_peer_name(PeerName& into, std::string const& value);
// As browsers send it (RFC 6454, 6.1): a scheme, a host, a port that is not the scheme's own.
[[nodiscard]] Complaint take_origin(std::string& into, std::string const& value);
[[nodiscard]] Complaint take_file(std::optional<std::filesystem::path>& into,
                                  std::string const& value);
[[nodiscard]] Complaint take_count(unsigned& into, std::string const& value, unsigned lowest,
                                   unsigned highest);
// "90", "1.5": seconds; "500ms", "90s", "10m", "24h", "25d".
[[nodiscard]] Complaint take_duration(Duration& into, std::string const& value, Duration lowest,
                                      Duration highest = std::chrono::hours{24 * 3650});
// "info", "warning,http=debug,access=info": a level, and others for components.
[[nodiscard]] Complaint take_log_levels(LogSettings& into, std::string const& value);
// "5000000", "512M", "1T": powers of 1024.
[[nodiscard]] Complaint take_bytes(ByteCount& into, std::string const& value);
// "films/=100G": one more.
[[nodiscard]] Complaint take_prefix_quota(std::vector<PrefixQuota>& into, std::string const& value);

template <class Choice>
[[nodiscard]] Complaint take_choice(Choice& into, std::string const& value,
                                    std::vector<std::pair<std::string, Choice>> const& choices) {
  std::string names;
  for (auto const& [name, choice] : choices) {
    if (value == name) {
      into = choice;
      return std::nullopt;
    }
    names += (names.empty() ? "" : ", ") + name;
  }
  return "is not one of " + names;
}

}  // namespace chisme::node::cli
