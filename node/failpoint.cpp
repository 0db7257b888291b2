#include "node/failpoint.hpp"

#include <unistd.h>

#include <charconv>
#include <csignal>
#include <cstdlib>
#include <optional>
#include <string_view>

namespace chisme::node {
namespace {

// Constant before any failpoint is made.
constinit Failpoint const* last_made = nullptr;

struct Armed {
  std::string_view name;
  std::uint64_t nth;
};

// What the environment asks for; an `nth` that is no number is 0, which never comes.
std::optional<Armed> armed() {
  char const* const value = std::getenv("CHISME_FAILPOINT");
  if (value == nullptr || *value == '\0') return std::nullopt;
  std::string_view const text{value};
  std::size_t const colon = text.find(':');
  if (colon == std::string_view::npos) return Armed{text, 1};
  std::uint64_t nth = 0;
  auto const [end, fault] =
      std::from_chars(text.data() + colon + 1, text.data() + text.size(), nth);
  if (fault != std::errc{} || end != text.data() + text.size()) nth = 0;
  return Armed{text.substr(0, colon), nth};
}

}  // namespace

Failpoint::Failpoint(char const* name) : name_{name}, next_{last_made} {
  last_made = this;
  if (auto const wanted = armed(); wanted && wanted->name == name) dies_at_ = wanted->nth;
}

// What is written may be lost with the process, which is no reason to live on.
void Failpoint::die() const {
  std::string const line = std::string{"failpoint "} + name_ + "\n";
  static_cast<void>(!::write(STDERR_FILENO, line.data(), line.size()));
  for (;;) ::kill(::getpid(), SIGKILL);
}

std::vector<std::string> failpoint_names() {
  std::vector<std::string> names;
  for (Failpoint const* at = last_made; at != nullptr; at = at->next_)
    names.emplace_back(at->name_);
  std::ranges::sort(names);
  return names;
}

Result<void> check_armed_failpoint() {
  auto const wanted = armed();
  if (!wanted) return {};
  auto const names = failpoint_names();
  bool const known = std::ranges::find(names, wanted->name) != names.end();
  if (known && wanted->nth > 0) return {};
  return fail(Fault::invalid, "CHISME_FAILPOINT: \"" +
                                  std::string{std::getenv("CHISME_FAILPOINT")} +
                                  "\" is not a name that `chisme failpoints` lists, or NAME:NTH");
}

}  // namespace chisme::node
