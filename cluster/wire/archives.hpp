#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cereal/cereal.hpp>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <vector>

// The archives of the codec: they write what cereal's portable binary archive writes on a
// little-endian machine, with two savings: lengths take 4 bytes instead of 8, a variant's index 1
// instead of 4.

namespace chisme::cluster::wire {

struct Damaged : std::runtime_error {
  using std::runtime_error::runtime_error;
};

static_assert(std::endian::native == std::endian::little, "numbers are copied as they are");

class Writer : public cereal::OutputArchive<Writer, cereal::AllowEmptyClassElision> {
 public:
  explicit Writer(std::string& out) : OutputArchive(this), out_(out) {}
  void write(void const* bytes, std::size_t size) {
    out_.append(static_cast<char const*>(bytes), size);
  }

 private:
  std::string& out_;
};

// Counts what a Writer would write.
class Counter : public cereal::OutputArchive<Counter, cereal::AllowEmptyClassElision> {
 public:
  Counter() : OutputArchive(this) {}
  void write(void const*, std::size_t size) { size_ += size; }
  [[nodiscard]] std::size_t size() const { return size_; }

 private:
  std::size_t size_ = 0;
};

class Reader : public cereal::InputArchive<Reader, cereal::AllowEmptyClassElision> {
 public:
  explicit Reader(std::span<std::byte const> in) : InputArchive(this), in_(in) {}
  void read(void* bytes, std::size_t size) {
    if (size > in_.size()) throw Damaged("it ends too early");
    std::memcpy(bytes, in_.data(), size);
    in_ = in_.subspan(size);
  }
  // A list's or text's length. Each element takes at least one byte, so that nothing is allocated
  // for elements that cannot be there.
  std::size_t length(std::size_t max) {
    std::uint32_t length = 0;
    (*this)(length);
    if (length > in_.size()) throw Damaged("a length is larger than what is left");
    if (length > max) throw Damaged("a list or text is too long");
    return length;
  }
  [[nodiscard]] bool done() const { return in_.empty(); }

 private:
  std::span<std::byte const> in_;
};

template <class Archive>
concept Saving = Archive::is_saving::value;

// A text of at most `max` bytes.
struct Text {
  std::string& value;
  std::size_t max;
};
template <class Archive>
void serialize(Archive& archive, Text& text) {
  if constexpr (Saving<Archive>) {
    archive(static_cast<std::uint32_t>(text.value.size()));
    archive.write(text.value.data(), text.value.size());
  } else {
    text.value.resize(archive.length(text.max));
    archive.read(text.value.data(), text.value.size());
  }
}

// A list of at most `max` elements.
template <class Element>
struct List {
  std::vector<Element>& value;
  std::size_t max;
};
template <class Element>
List(std::vector<Element>&, std::size_t) -> List<Element>;
template <class Archive, class Element>
void serialize(Archive& archive, List<Element>& list) {
  if constexpr (Saving<Archive>) {
    archive(static_cast<std::uint32_t>(list.value.size()));
    for (Element& element : list.value) archive(element);
  } else {
    constexpr std::size_t reserved_max = 64;  // no more room than that on the sender's word
    std::size_t const length = archive.length(list.max);
    list.value.clear();
    list.value.reserve(std::min(length, reserved_max));
    for (std::size_t left = length; left > 0; --left) {
      archive(list.value.emplace_back());
    }
  }
}

// An enumeration whose values are 0 .. `last`.
template <class Enumeration>
struct Checked {
  Enumeration& value;
  Enumeration last;
};
template <class Enumeration>
Checked(Enumeration&, Enumeration) -> Checked<Enumeration>;
template <class Archive, class Enumeration>
void serialize(Archive& archive, Checked<Enumeration>& checked) {
  auto number = static_cast<std::uint8_t>(checked.value);
  archive(number);
  if constexpr (!Saving<Archive>) {
    if (number > static_cast<std::uint8_t>(checked.last)) throw Damaged("an unknown value");
    checked.value = static_cast<Enumeration>(number);
  }
}

// cereal finds these by the archive's namespace.
template <Saving Archive, class Number>
  requires std::is_arithmetic_v<Number>
void CEREAL_SAVE_FUNCTION_NAME(Archive& archive, Number const& number) {
  archive.write(&number, sizeof number);
}
template <class Number>
  requires std::is_arithmetic_v<Number>
void CEREAL_LOAD_FUNCTION_NAME(Reader& archive, Number& number) {
  std::array<char, sizeof(Number)> bytes;
  archive.read(bytes.data(), bytes.size());
  if constexpr (std::is_same_v<Number, bool>) {
    if (bytes[0] != 0 && bytes[0] != 1) throw Damaged("neither true nor false");
  }
  std::memcpy(&number, bytes.data(), bytes.size());
  if constexpr (std::is_floating_point_v<Number>) {
    if (!std::isfinite(number)) throw Damaged("not a finite number");
  }
}

}  // namespace chisme::cluster::wire
