#include "web/dav/dead_properties.hpp"

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>
#include <utility>

namespace chisme::web::dav {
namespace {

using PropertyJson = nlohmann::json;

constexpr std::array<std::string_view, 10> protected_names{
    "creationdate",  "getcontentlength",      "getcontenttype",   "getetag",      "getlastmodified",
    "lockdiscovery", "quota-available-bytes", "quota-used-bytes", "resourcetype", "supportedlock"};

}  // namespace

std::string to_json(DeadProperties const& properties) {
  PropertyJson list = PropertyJson::array();
  for (auto const& [name, xml] : properties) list.push_back({name.space, name.local, xml});
  return list.dump(-1, ' ', false, PropertyJson::error_handler_t::replace);
}

std::optional<DeadProperties> parse_dead_properties(std::string_view json) {
  auto const list = PropertyJson::parse(json, nullptr, /*allow_exceptions=*/false);
  if (!list.is_array()) return std::nullopt;
  DeadProperties properties;
  for (PropertyJson const& one : list) {
    bool const whole = one.is_array() && one.size() == 3 && one[0].is_string() &&
                       one[1].is_string() && one[2].is_string();
    if (!whole) return std::nullopt;
    XmlName name{one[0].get<std::string>(), one[1].get<std::string>()};
    properties.insert_or_assign(std::move(name), one[2].get<std::string>());
  }
  return properties;
}

bool is_protected(XmlName const& name) {
  return name.space == dav_space &&
         std::ranges::find(protected_names, name.local) != protected_names.end();
}

DeadProperties changed(DeadProperties properties, std::span<PropertyChange const> changes) {
  for (PropertyChange const& change : changes) {
    XmlName const& name = change.property.name;
    if (change.is_set) {
      properties.insert_or_assign(name, to_xml(change.property));
    } else {
      properties.erase(name);
    }
  }
  return properties;
}

}  // namespace chisme::web::dav
