#include "web/dav/paths.hpp"

#include "web/names.hpp"
#include "web/target.hpp"

namespace chisme::web::dav {
namespace {

std::string kept(std::string_view kind, std::string_view name) {
  return std::string{internal_prefix} + "dav/" + std::string{kind} + std::string{name};
}

}  // namespace

bool is_dav_target(std::string_view target) {
  auto const parsed = parse_target(target);
  return parsed && (parsed->path == root_path || parsed->path.starts_with(resources_path));
}

Result<Path> path_from_url(std::string_view encoded) {
  Path path;
  while (encoded.starts_with('/')) encoded.remove_prefix(1);
  path.is_slash = encoded.empty() || encoded.ends_with('/');
  while (encoded.ends_with('/')) encoded.remove_suffix(1);
  if (encoded.empty()) return path;
  auto name = name_from_url(encoded);
  if (!name) return tl::unexpected(name.error());
  if (name->size() > path_bytes_max) {
    return fail(Fault::invalid, "the name is longer than the 1000 bytes that it may have here");
  }
  path.name = std::move(*name);
  return path;
}

std::string href_of(std::string_view name, bool is_collection) {
  std::string href = std::string{resources_path} + percent_encoded(name);
  if (is_collection && !name.empty()) href += '/';
  return href;
}

std::string_view parent_of(std::string_view name) {
  std::size_t const slash = name.rfind('/');
  return slash == std::string_view::npos ? std::string_view{} : name.substr(0, slash);
}

std::string inside(std::string_view collection) {
  return collection.empty() ? std::string{} : std::string{collection} + "/";
}

bool is_within(std::string_view name, std::string_view collection) {
  if (collection.empty() || name == collection) return true;
  return name.size() > collection.size() && name.starts_with(collection) &&
         name[collection.size()] == '/';
}

std::string marker_name(std::string_view collection) {
  return kept("c/", collection);
}

std::string properties_name(std::string_view name) {
  return kept("p/", name);
}

std::string_view resource_of(std::string_view name) {
  for (std::string const& prefix : {marker_name(""), properties_name("")}) {
    if (name.starts_with(prefix)) return name.substr(prefix.size());
  }
  return name;
}

std::string locks_name() {
  return kept("locks", "");
}

std::string turn_name() {
  return kept("turn", "");
}

}  // namespace chisme::web::dav
