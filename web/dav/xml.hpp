#pragma once

#include <compare>
#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "cluster/base/result.hpp"

// The XML of WebDAV's bodies (RFC 4918, 8.2 and 17): with namespaces, without a document type.
namespace chisme::web::dav {

inline constexpr std::string_view dav_space = "DAV:";
inline constexpr std::size_t xml_bytes_max = 64 << 10;
inline constexpr std::size_t xml_depth_max = 32;
inline constexpr std::size_t xml_nodes_max = 4096;     // elements and runs of text
inline constexpr std::size_t xml_attributes_max = 64;  // of one element
inline constexpr std::size_t xml_space_bytes_max = 256;
// Of all names, values and texts together, each name with its namespace: a body may declare that
// once and have it thousands of times.
inline constexpr std::size_t xml_tree_bytes_max = 256 << 10;

struct XmlName {
  std::string space;  // the namespace's URI; may be empty
  std::string local;
  friend auto operator<=>(XmlName const&, XmlName const&) = default;
};
struct XmlAttribute {
  XmlName name;
  std::string value;
  friend bool operator==(XmlAttribute const&, XmlAttribute const&) = default;
};
// An element, or a run of text, whose name is empty.
struct XmlNode {
  XmlName name;
  std::vector<XmlAttribute> attributes;
  std::string text;
  std::vector<XmlNode> children;

  [[nodiscard]] bool is_text() const { return name.local.empty(); }
  [[nodiscard]] bool is_dav(std::string_view local) const {
    return name.space == dav_space && name.local == local;
  }
  // The first child of that name in the namespace DAV:; nullptr when there is none.
  [[nodiscard]] XmlNode const* child(std::string_view local) const;
  friend bool operator==(XmlNode const&, XmlNode const&) = default;
};

// The document's element. Fault::invalid: it is not well formed, has a document type (so that there
// are no entities but the five of XML), or is beyond the limits above.
[[nodiscard]] Result<XmlNode> parse_xml(std::string_view text);

// The element by itself, whatever the namespaces are where it is put: what `parse_xml` reads, but
// for the prefixes of names.
[[nodiscard]] std::string to_xml(XmlNode const& element);

}  // namespace chisme::web::dav
