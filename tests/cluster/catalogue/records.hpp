#pragma once

#include <algorithm>
#include <string>

#include "cluster/wire/messages.hpp"

// Short ways to write records, for tests.
namespace chisme::cluster::testing {

inline NodeId node(std::uint64_t number) {
  return NodeId{0, number};
}

inline Digest digest(std::uint8_t number) {
  Digest digest;
  digest.bytes.fill(number);
  return digest;
}

struct At {
  std::uint64_t writer = 1;
  std::uint64_t sequence = 1;
  std::uint32_t epoch = 1;
};
inline Dot dot(At at) {
  return {node(at.writer), Epoch{at.epoch}, at.sequence};
}

inline CatalogueRecord put(At at, std::string name, std::uint64_t time, std::uint8_t content = 1) {
  return {dot(at), PutRecord{std::move(name),
                             {time, node(at.writer)},
                             ByteCount{10},
                             digest(content),
                             "text/plain",
                             WallTime{}}};
}
inline CatalogueRecord removal(At at, std::string name, std::uint64_t time) {
  return {dot(at), DeleteRecord{std::move(name), {time, node(at.writer)}, WallTime{}}};
}
inline CatalogueRecord have(At at, std::uint8_t content = 1) {
  return {dot(at), HaveRecord{digest(content), ByteCount{10}}};
}
inline CatalogueRecord drop(At at, std::uint8_t content = 1) {
  return {dot(at), DropRecord{digest(content)}};
}

}  // namespace chisme::cluster::testing
