#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "cluster/base/result.hpp"

// The XML that S3 speaks. Documents that clients send are read without document types and entities
// of their own.
namespace chisme::web::s3 {

inline constexpr std::size_t deleted_keys_max = 1000;
inline constexpr std::size_t delete_bytes_max = 2u << 20;
inline constexpr unsigned part_number_max = 10'000;
inline constexpr std::size_t complete_bytes_max = 2u << 20;

// Writes a document, element by element. REQUIRES: as many `close` as `open`, in order.
class XmlWriter {
 public:
  // With S3's namespace, unless that is empty.
  explicit XmlWriter(std::string_view root, bool with_namespace = true);
  XmlWriter& open(std::string_view name);
  XmlWriter& close();
  XmlWriter& leaf(std::string_view name, std::string_view text);
  XmlWriter& leaf(std::string_view name, std::uint64_t number) {
    return leaf(name, std::to_string(number));
  }
  XmlWriter& leaf(std::string_view name, bool value) {
    return leaf(name, std::string_view{value ? "true" : "false"});
  }
  XmlWriter& leaf(std::string_view name, char const* text) {
    return leaf(name, std::string_view{text});
  }
  // Closes what is open.
  [[nodiscard]] std::string take();

 private:
  std::string text_;
  std::vector<std::string> open_;
};

// <Delete>: the keys, as they were sent. Fault: invalid; too_large (more than `deleted_keys_max`).
struct DeleteList {
  std::vector<std::string> keys;
  bool quiet = false;
};
[[nodiscard]] Result<DeleteList> parse_delete(std::string_view xml);

// <CompleteMultipartUpload>: the parts in ascending order. Faults: invalid; precondition_failed
// (the order).
struct NamedPart {
  unsigned number = 0;
  std::string etag;  // without quotes
};
[[nodiscard]] Result<std::vector<NamedPart>> parse_complete(std::string_view xml);

}  // namespace chisme::web::s3
