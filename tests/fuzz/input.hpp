#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace chisme::fuzz {

// Input takes a fuzzer's bytes apart, from the front. What is not there is zero or empty, so that
// every input means something.
class Input {
 public:
  Input(std::uint8_t const* data, std::size_t size)
      : rest_(reinterpret_cast<char const*>(data), size) {}

  [[nodiscard]] bool empty() const { return rest_.empty(); }
  [[nodiscard]] std::string_view rest() const { return rest_; }
  [[nodiscard]] std::span<std::byte const> rest_bytes() const {
    return std::as_bytes(std::span{rest_.data(), rest_.size()});
  }
  std::uint8_t byte() {
    auto const taken = take(1);
    return taken.empty() ? std::uint8_t{0} : static_cast<std::uint8_t>(taken.front());
  }
  // Big endian.
  std::uint64_t number(std::size_t bytes) {
    std::uint64_t value = 0;
    for (char const c : take(bytes)) value = value << 8 | static_cast<std::uint8_t>(c);
    return value;
  }
  std::string_view take(std::size_t bytes) {
    std::string_view const taken = rest_.substr(0, bytes);
    rest_.remove_prefix(taken.size());
    return taken;
  }
  // Up to the line's end, which is dropped.
  std::string_view line() {
    std::string_view const taken = rest_.substr(0, rest_.find('\n'));
    rest_.remove_prefix(std::min(rest_.size(), taken.size() + 1));
    return taken;
  }
  // A length of two bytes, then so many of those that follow.
  std::string_view block() { return take(number(2)); }

 private:
  std::string_view rest_;
};

}  // namespace chisme::fuzz
