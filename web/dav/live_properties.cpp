#include "web/dav/live_properties.hpp"

#include <algorithm>
#include <string>
#include <utility>

#include "web/conditions.hpp"
#include "web/http_date.hpp"
#include "web/json.hpp"
#include "web/xml_escaped.hpp"

namespace chisme::web::dav {

std::vector<Told> live_properties(Child const& resource, Locks const& locks, WallTime now) {
  std::vector<Told> told;
  auto const tell = [&](char const* name, std::string value) {
    told.push_back({{std::string{dav_space}, name}, std::move(value)});
  };
  bool const is_dated = !resource.file.name.empty();
  tell("resourcetype", resource.is_collection ? "<D:collection/>" : "");
  if (is_dated) {
    tell("creationdate", rfc3339(tellable(resource.file.modified)));
    tell("getlastmodified", http_date(resource.file.modified));
  }
  if (!resource.is_collection) {
    tell("getcontentlength", std::to_string(resource.file.size.value()));
    tell("getcontenttype", xml_escaped(resource.file.type));
    tell("getetag", xml_escaped(etag_of(resource.file.digest)));
  }
  tell("supportedlock", supported_xml());
  tell("lockdiscovery", discovery_xml(covering(locks, resource.name), now));
  return told;
}

bool wants_dead(PropertyQuery const& query) {
  if (query.kind != PropertyQuery::Kind::some) return true;
  return !std::ranges::all_of(query.names, is_protected);
}

std::vector<Multistatus::Group> answers(PropertyQuery const& query, std::vector<Told> const& live,
                                        DeadProperties const& dead) {
  Multistatus::Group found{200, {}};
  Multistatus::Group missing{404, {}};
  using Kind = PropertyQuery::Kind;
  auto const add_live = [&](Told const& told) {
    found.properties += query.kind == Kind::names ? empty_xml(told.name) : property_xml(told);
  };
  if (query.kind != Kind::some) {
    std::ranges::for_each(live, add_live);
    for (auto const& [name, xml] : dead) {
      found.properties += query.kind == Kind::names ? empty_xml(name) : xml;
    }
  }
  for (XmlName const& name : query.names) {
    auto const told = std::ranges::find(live, name, &Told::name);
    auto const kept = dead.find(name);
    bool const is_there = told != live.end() || kept != dead.end();
    if (!is_there) missing.properties += empty_xml(name);
    if (!is_there || query.kind != Kind::some) continue;
    if (told != live.end()) {
      add_live(*told);
    } else {
      found.properties += kept->second;
    }
  }
  return {std::move(found), std::move(missing)};
}

}  // namespace chisme::web::dav
