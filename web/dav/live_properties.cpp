#include "web/dav/live_properties.hpp"

#include <algorithm>
#include <string>
#include <utility>

#include "web/conditions.hpp"
#include "web/http_date.hpp"
#include "web/json.hpp"
#include "web/markup.hpp"

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
    tell("getcontenttype", markup_escaped(resource.file.type));
    tell("getetag", markup_escaped(etag_of(resource.file.digest)));
  }
  tell("supportedlock", supported_xml());
  tell("lockdiscovery", discovery_xml(covering(locks, resource.name), now));
  return told;
}

bool wants_quota(PropertyQuery const& query) {
  return std::ranges::any_of(query.names, [](XmlName const& name) {
    return name.space == dav_space && name.local.starts_with("quota-");
  });
}

std::vector<Told> quota_properties(Child const& resource, std::span<PrefixUse const> quotas) {
  auto const left = [](PrefixUse const& use) {
    return use.limit > use.used ? use.limit - use.used : ByteCount{};
  };
  PrefixUse const* least = nullptr;
  for (PrefixUse const& use : quotas) {
    bool const is_under = resource.is_collection && (resource.name + "/").starts_with(use.prefix);
    if (is_under && (least == nullptr || left(use) < left(*least))) least = &use;
  }
  if (least == nullptr) return {};
  std::string const space{dav_space};
  return {{{space, "quota-available-bytes"}, std::to_string(left(*least).value())},
          {{space, "quota-used-bytes"}, std::to_string(least->used.value())}};
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
