#include "web/dav/bodies.hpp"

#include <algorithm>
#include <set>
#include <utility>

namespace chisme::web::dav {
namespace {

Result<std::vector<XmlName>> names_in(XmlNode const& parent) {
  std::vector<XmlName> names;
  std::set<XmlName> known;
  for (XmlNode const& child : parent.children) {
    if (child.is_text() || !known.insert(child.name).second) continue;
    if (names.size() == query_names_max) {
      return fail(Fault::invalid, "propfind asks for more than 256 properties");
    }
    names.push_back(child.name);
  }
  return names;
}

bool is_language(XmlAttribute const& one) {
  return one.name.local == "lang" && one.name.space.ends_with("/XML/1998/namespace");
}

// Of a language there would be as many copies as there are properties.
bool has_long_language(XmlNode const& node) {
  return std::ranges::any_of(node.attributes, [](XmlAttribute const& one) {
    return is_language(one) && one.value.size() > language_bytes_max;
  });
}

// The language of an element is its children's, and goes with them (RFC 4918, 4.3).
XmlNode with_language(XmlNode node, XmlNode const& from) {
  auto const language = std::ranges::find_if(from.attributes, is_language);
  if (language != from.attributes.end() && std::ranges::none_of(node.attributes, is_language)) {
    node.attributes.push_back(*language);
  }
  return node;
}

}  // namespace

bool PropertyQuery::wants(XmlName const& name) const {
  return kind != Kind::some || std::ranges::find(names, name) != names.end();
}

Result<PropertyQuery> parse_propfind(std::string_view body) {
  if (body.empty()) return PropertyQuery{};
  auto const root = parse_xml(body);
  if (!root) return tl::unexpected(root.error());
  if (!root->is_dav("propfind")) return fail(Fault::invalid, "the body is no DAV: propfind");
  if (XmlNode const* const prop = root->child("prop")) {
    auto names = names_in(*prop);
    if (!names) return tl::unexpected(names.error());
    return PropertyQuery{PropertyQuery::Kind::some, std::move(*names)};
  }
  if (root->child("propname") != nullptr) return PropertyQuery{PropertyQuery::Kind::names};
  if (root->child("allprop") == nullptr) {
    return fail(Fault::invalid, "propfind has none of prop, propname and allprop");
  }
  PropertyQuery query;
  if (XmlNode const* const more = root->child("include")) {
    auto names = names_in(*more);
    if (!names) return tl::unexpected(names.error());
    query.names = std::move(*names);
  }
  return query;
}

Result<std::vector<PropertyChange>> parse_proppatch(std::string_view body) {
  auto const root = parse_xml(body);
  if (!root) return tl::unexpected(root.error());
  if (!root->is_dav("propertyupdate")) {
    return fail(Fault::invalid, "the body is no DAV: propertyupdate");
  }
  std::vector<PropertyChange> changes;
  for (XmlNode const& step : root->children) {
    bool const is_set = step.is_dav("set");
    if (!is_set && !step.is_dav("remove")) continue;
    XmlNode const* const prop = step.child("prop");
    if (prop == nullptr) return fail(Fault::invalid, "set and remove need a prop");
    if (has_long_language(*prop)) {
      return fail(Fault::invalid, "xml:lang of a prop is longer than 64 bytes");
    }
    for (XmlNode const& property : prop->children) {
      if (!property.is_text()) changes.push_back({is_set, with_language(property, *prop)});
    }
  }
  if (changes.empty()) return fail(Fault::invalid, "the body names no property");
  return changes;
}

Result<LockWish> parse_lockinfo(std::string_view body) {
  auto const root = parse_xml(body);
  if (!root) return tl::unexpected(root.error());
  if (!root->is_dav("lockinfo")) return fail(Fault::invalid, "the body is no DAV: lockinfo");
  XmlNode const* const scope = root->child("lockscope");
  XmlNode const* const type = root->child("locktype");
  bool const is_write = type != nullptr && type->child("write") != nullptr;
  bool const exclusive = scope != nullptr && scope->child("exclusive") != nullptr;
  bool const shared = scope != nullptr && scope->child("shared") != nullptr;
  if (!is_write || exclusive == shared) {
    return fail(Fault::invalid, "a lock here is a write lock, exclusive or shared");
  }
  LockWish wish{exclusive};
  if (XmlNode const* const owner = root->child("owner")) wish.owner = to_xml(*owner);
  if (wish.owner.size() > owner_bytes_max) {
    return fail(Fault::invalid, "the lock's owner is told in more than 1024 bytes");
  }
  return wish;
}

}  // namespace chisme::web::dav
