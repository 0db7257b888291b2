#pragma once

#include <cstdint>
#include <map>
#include <utility>

#include "node/object_service.hpp"

// What an ObjectService's completions wait in; for its own sources.
namespace chisme::node {

struct ObjectService::Waiting {
  std::map<std::uint64_t, web::Done<web::Lookup>> lookups;
  std::map<std::uint64_t, web::Done<web::RemovedFile>> removals;
  std::map<std::uint64_t, web::Done<web::StoredFile>> links;
  std::map<std::uint64_t, web::Done<web::FoundFiles>> searches;
  std::map<std::uint64_t, web::Done<void>> counts;
  std::map<std::uint64_t, web::Done<void>> orders;
  std::uint64_t next = 0;

  template <class T>
  static void complete(std::map<std::uint64_t, web::Done<T>>& waiting, std::uint64_t id,
                       Result<T> result) {
    auto const found = waiting.find(id);
    if (found == waiting.end()) return;
    auto const done = std::move(found->second);
    waiting.erase(found);
    done(std::move(result));
  }
};

}  // namespace chisme::node
