#include "web/dav/locks.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>

#include "web/dav/paths.hpp"
#include "web/dav/xml.hpp"
#include "web/markup.hpp"
#include "web/names.hpp"

namespace chisme::web::dav {
namespace {

using LockJson = nlohmann::json;

std::optional<Lock> lock_of(LockJson const& json) {
  Lock lock;
  auto const text = [&](char const* key, std::string& into) {
    auto const found = json.find(key);
    if (found == json.end() || !found->is_string()) return false;
    into = found->get<std::string>();
    return true;
  };
  auto const flag = [&](char const* key, bool& into) {
    auto const found = json.find(key);
    if (found == json.end() || !found->is_boolean()) return false;
    into = found->get<bool>();
    return true;
  };
  auto const number = [&](char const* key, std::int64_t& into) {
    auto const found = json.find(key);
    if (found == json.end() || !found->is_number_integer()) return false;
    into = found->get<std::int64_t>();
    return into >= 0 && into < (std::int64_t{1} << 48);
  };
  std::int64_t life = 0;
  std::int64_t expires = 0;
  bool const whole = json.is_object() && text("token", lock.token) && text("name", lock.name) &&
                     text("owner", lock.owner) && flag("exclusive", lock.is_exclusive) &&
                     flag("deep", lock.is_deep) && flag("collection", lock.is_collection) &&
                     number("life", life) && number("expires", expires);
  if (!whole) return std::nullopt;
  lock.life = std::chrono::seconds{life};
  lock.expires = WallTime{std::chrono::milliseconds{expires}};
  return lock;
}

bool is_submitted(Lock const& lock, std::span<std::string const> submitted) {
  return std::ranges::find(submitted, lock.token) != submitted.end();
}

// Of the locks of one resource.
std::optional<Lock> unmet(Locks const& of_resource, std::span<std::string const> submitted) {
  bool const met = std::ranges::any_of(
      of_resource, [&](Lock const& lock) { return is_submitted(lock, submitted); });
  return met || of_resource.empty() ? std::nullopt : std::optional{of_resource.front()};
}

}  // namespace

std::string to_json(Locks const& locks) {
  LockJson list = LockJson::array();
  for (Lock const& lock : locks) {
    list.push_back({{"token", lock.token},
                    {"name", lock.name},
                    {"owner", lock.owner},
                    {"exclusive", lock.is_exclusive},
                    {"deep", lock.is_deep},
                    {"collection", lock.is_collection},
                    {"life", lock.life.count()},
                    {"expires", lock.expires.time_since_epoch().count()}});
  }
  return list.dump(-1, ' ', false, LockJson::error_handler_t::replace);
}

std::optional<Locks> parse_locks(std::string_view json) {
  auto const list = LockJson::parse(json, nullptr, /*allow_exceptions=*/false);
  if (!list.is_array() || list.size() > locks_max) return std::nullopt;
  Locks locks;
  for (LockJson const& one : list) {
    auto lock = lock_of(one);
    if (!lock) return std::nullopt;
    locks.push_back(std::move(*lock));
  }
  return locks;
}

bool covers(Lock const& lock, std::string_view name) {
  return lock.name == name || (lock.is_deep && is_within(name, lock.name));
}

Locks covering(Locks const& locks, std::string_view name) {
  Locks found;
  std::ranges::copy_if(locks, std::back_inserter(found),
                       [&](Lock const& lock) { return covers(lock, name); });
  return found;
}

std::optional<Lock> lock_in_the_way(Locks const& locks, std::span<Touched const> touched,
                                    std::span<std::string const> submitted) {
  for (Touched const& one : touched) {
    if (auto lock = unmet(covering(locks, one.name), submitted)) return lock;
    bool const has_parent = one.is_membership && !one.name.empty();
    if (has_parent) {
      if (auto lock = unmet(covering(locks, parent_of(one.name)), submitted)) return lock;
    }
    for (Lock const& below : locks) {
      if (!one.is_tree || !is_within(below.name, one.name)) continue;
      if (auto lock = unmet(covering(locks, below.name), submitted)) return lock;
    }
  }
  return std::nullopt;
}

std::optional<Lock> lock_against(Locks const& locks, Lock const& wanted) {
  for (Lock const& lock : locks) {
    bool const meets =
        covers(lock, wanted.name) || (wanted.is_deep && is_within(lock.name, wanted.name));
    if (meets && (lock.is_exclusive || wanted.is_exclusive)) return lock;
  }
  return std::nullopt;
}

Locks in_force(Locks locks, WallTime now) {
  std::erase_if(locks, [&](Lock const& lock) { return lock.expires <= now; });
  return locks;
}

std::string discovery_xml(Locks const& locks, WallTime now) {
  std::string xml;
  for (Lock const& lock : locks) {
    auto const left = std::chrono::duration_cast<std::chrono::seconds>(lock.expires - now);
    xml += "<D:activelock><D:locktype><D:write/></D:locktype><D:lockscope>";
    xml += lock.is_exclusive ? "<D:exclusive/>" : "<D:shared/>";
    xml += "</D:lockscope><D:depth>";
    xml += lock.is_deep ? "infinity" : "0";
    xml += "</D:depth>" + lock.owner;
    xml += "<D:timeout>Second-" + std::to_string(std::max<std::int64_t>(0, left.count()));
    xml += "</D:timeout><D:locktoken><D:href>" + markup_escaped(lock.token);
    xml += "</D:href></D:locktoken><D:lockroot><D:href>" + href_of(lock.name, lock.is_collection);
    xml += "</D:href></D:lockroot></D:activelock>";
  }
  return xml;
}

std::string supported_xml() {
  return "<D:lockentry><D:lockscope><D:exclusive/></D:lockscope><D:locktype><D:write/>"
         "</D:locktype></D:lockentry><D:lockentry><D:lockscope><D:shared/></D:lockscope>"
         "<D:locktype><D:write/></D:locktype></D:lockentry>";
}

}  // namespace chisme::web::dav
