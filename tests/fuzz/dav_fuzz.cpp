#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "cluster/base/check.hpp"
#include "tests/web/memory_gateway.hpp"
#include "web/dav/bodies.hpp"
#include "web/dav/children.hpp"
#include "web/dav/dead_properties.hpp"
#include "web/dav/fields.hpp"
#include "web/dav/live_properties.hpp"
#include "web/dav/locks.hpp"
#include "web/dav/multistatus.hpp"
#include "web/dav/paths.hpp"
#include "web/dav/xml.hpp"
#include "web/names.hpp"

// Bodies and fields of WebDAV's requests, and what it keeps of them. What is read of a body can be
// told again, in well-formed XML; an If field is within its bounds; a destination is a name.
using namespace chisme;
using namespace chisme::web;
using namespace chisme::web::dav;

namespace {

constexpr WallTime now{std::chrono::seconds{1'000}};

std::size_t depth_of_tree(XmlNode const& node) {
  std::size_t deepest = 0;
  for (XmlNode const& child : node.children) deepest = std::max(deepest, depth_of_tree(child));
  return deepest + 1;
}

// Of names, values and texts, each namespace as often as it is in a name.
std::size_t bytes_of_tree(XmlNode const& node) {
  CHECK(node.name.space.size() <= xml_space_bytes_max);
  std::size_t bytes = node.name.space.size() + node.name.local.size() + node.text.size();
  for (XmlAttribute const& one : node.attributes) {
    CHECK(one.name.space.size() <= xml_space_bytes_max);
    bytes += one.name.space.size() + one.name.local.size() + one.value.size();
  }
  for (XmlNode const& child : node.children) bytes += bytes_of_tree(child);
  return bytes;
}

void check_xml(std::string_view text) {
  auto const root = parse_xml(text);
  if (!root) return;
  CHECK(bytes_of_tree(*root) <= xml_tree_bytes_max);
  CHECK(depth_of_tree(*root) <= xml_depth_max + 1);  // a run of text is one more
  std::string const written = to_xml(*root);
  // Each element may need a namespace that it had from further up.
  if (auto const again = parse_xml(written)) CHECK(*again == *root);
}

// It fits into an answer, whatever is in it.
void check_told(std::string const& properties) {
  Multistatus all;
  all.add("/dav/x", std::vector<Multistatus::Group>{{200, properties}});
  Reply const reply = std::move(all).finish();
  auto const read = parse_xml(reply.body);
  // Beyond the limits of what is read here it may be: others read it.
  CHECK(read || read.error().message.find("not well-formed") == std::string::npos);
}

void check_bodies(std::string_view text) {
  if (auto const query = parse_propfind(text)) {
    CHECK(query->names.size() <= query_names_max);
    Child const child{"x", true, {}};
    for (auto const& group : answers(*query, live_properties(child, {}, now), {})) {
      check_told(group.properties);
    }
  }
  if (auto const changes = parse_proppatch(text)) {
    auto const kept = changed({}, *changes);
    CHECK(parse_dead_properties(to_json(kept)) == kept);
    for (auto const& [name, xml] : kept) check_told(xml);
  }
  if (auto const wish = parse_lockinfo(text)) {
    CHECK(wish->owner.size() <= owner_bytes_max);
    Lock lock{.token = "urn:x", .name = "x", .owner = wish->owner};
    lock.expires = now;
    CHECK(parse_locks(to_json({lock})) == Locks{lock});
    check_told("<D:lockdiscovery>" + discovery_xml({lock}, now) + "</D:lockdiscovery>");
  }
}

void check_fields(std::string const& text) {
  Request request;
  request.headers = {{"Host", "localhost"}, {"Depth", text},       {"Overwrite", text},
                     {"Timeout", text},     {"Destination", text}, {"Lock-Token", text}};
  static_cast<void>(depth_of(request));
  static_cast<void>(may_overwrite(request));
  static_cast<void>(lock_token_of(request));
  auto const life = timeout_of(request);
  CHECK(life >= lock_life_min && life <= lock_life_max);
  if (auto const path = destination_of(request)) {
    CHECK(path->name.empty() || checked_name(path->name) == path->name);
    CHECK(path->name.size() <= path_bytes_max && !is_internal(path->name));
    std::string const href = href_of(path->name, path->is_slash);
    CHECK(path_from_url(std::string_view{href}.substr(resources_path.size()))->name == path->name);
  }
  static_cast<void>(is_dav_target(text));
  auto const lists = parse_if(text);
  if (!lists) return;
  CHECK(!lists->empty() && tokens_in(*lists).size() <= if_conditions_max);
  bool const all = is_true(*lists, [](auto const&, IfCondition const& one) {
    CHECK(!one.text.empty());
    return !one.is_negated;
  });
  CHECK(all);  // each condition is taken to be as it is said
}

// What lies in the cluster under these names another member wrote.
void check_kept(std::string_view text) {
  if (auto const locks = parse_locks(text)) {
    CHECK(locks->size() <= locks_max);
    CHECK(parse_locks(to_json(*locks)).has_value());
    static_cast<void>(discovery_xml(*locks, now));
  }
  if (auto const properties = parse_dead_properties(text)) {
    CHECK(parse_dead_properties(to_json(*properties)).has_value());
  }
}

// Each line is a file; the first is the collection.
void check_children(std::string_view text) {
  MemoryGateway gateway;
  std::string_view const collection = text.substr(0, text.find('\n'));
  while (!text.empty()) {
    std::string_view const line = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(text.size(), line.size() + 1));
    auto const name = checked_name(line);
    if (!name) continue;
    FileInfo file;
    file.name = *name;
    gateway.files[*name] = file;
  }
  auto const root = checked_name(collection);
  std::string const of = root ? *root : "";
  auto const children = children_of(gateway, of);
  auto const tree = tree_of(gateway, of);
  CHECK(children && tree);
  CHECK(children->empty() == tree->files.empty());
  for (Child const& child : *children) {
    CHECK(parent_of(child.name) == of && child.name.size() > of.size());
    CHECK(!child.is_collection || has_members(gateway, child.name));
  }
  for (FileInfo const& file : tree->files) CHECK(is_within(file.name, of));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
  std::string const text{reinterpret_cast<char const*>(data), size};
  check_xml(text);
  check_bodies(text);
  check_fields(text);
  check_kept(text);
  check_children(text);
  return 0;
}
