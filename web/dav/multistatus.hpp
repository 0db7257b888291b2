#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "web/dav/xml.hpp"
#include "web/plan.hpp"

// Answers in XML (RFC 4918, 13 to 16).
namespace chisme::web::dav {

// One property as it is told: `value` is XML with the prefix D bound to DAV:.
struct Told {
  XmlName name;
  std::string value;
};

// Of one answer, which is whole in memory.
inline constexpr std::size_t multistatus_bytes_max = 16 << 20;

// Multistatus is a 207, written resource by resource; or 507, when it would be longer than
// `multistatus_bytes_max`.
class Multistatus {
 public:
  // What happened to one resource.
  void add(std::string_view href, unsigned status);
  // The properties of one, by status; those that have none are left out.
  struct Group {
    unsigned status = 200;
    std::string properties;  // elements
  };
  void add(std::string_view href, std::vector<Group> const& groups);
  // It will be a 507: what is added has no effect any more.
  [[nodiscard]] bool is_full() const { return is_full_; }
  [[nodiscard]] Reply finish() &&;

 private:
  void append(std::string const& response);
  std::string xml_;
  bool is_full_ = false;
};

// "<D:getetag>value</D:getetag>"
[[nodiscard]] std::string property_xml(Told const& told);
// The property's name as an empty element.
[[nodiscard]] std::string empty_xml(XmlName const& name);

[[nodiscard]] Reply xml_reply(unsigned status, std::string const& element);
// A refusal with a condition of section 16: `<D:error><D:CONDITION>…`. `href`: what it is about.
[[nodiscard]] Reply condition_reply(unsigned status, std::string_view condition,
                                    std::string_view href = {});

}  // namespace chisme::web::dav
