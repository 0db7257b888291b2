#pragma once

#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>

namespace chisme::web {

// Fields are those of an answer's head, kept as they go out: lines of "Name: value" (RFC 9112, 5).
// One piece of memory for all of them: a small file's head is most of the work for it.
class Fields {
 public:
  using Field = std::pair<std::string_view, std::string_view>;

  Fields() = default;
  Fields(std::initializer_list<Field> fields) {
    for (auto const& [name, value] : fields) add(name, value);
  }
  void reserve(std::size_t bytes) { text_.reserve(bytes); }
  // A value in several parts is what they are in a row. REQUIRES: no line break in any.
  template <class... Parts>
  void add(std::string_view name, Parts const&... parts) {
    text_.append(name).append(": ");
    (text_.append(std::string_view{parts}), ...);
    text_.append("\r\n");
  }
  void add(Fields const& others) { text_ += others.text_; }
  void remove(std::string_view name);
  // All values of that name, in order, joined by " | "; empty when there is none.
  [[nodiscard]] std::string values(std::string_view name) const;
  // All lines, each with its end.
  [[nodiscard]] std::string_view text() const { return text_; }

 private:
  std::string text_;
};

}  // namespace chisme::web
