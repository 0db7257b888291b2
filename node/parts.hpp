#pragma once

#include <atomic>
#include <chrono>

#include "cluster/base/identity.hpp"
#include "cluster/base/strong.hpp"
#include "node/load_counters.hpp"

namespace chisme::node {

class Census;
class CoreDriver;
class DiskPool;
class EventHub;
class Fence;
class FileSearch;
class FullScrub;
class LinkCounts;
class NarrowPaths;
class NodeFigures;
class ObjectStore;
class ParentLink;
class PeerKeys;
class PeerTransport;
class PrefixQuotas;
class TransferClient;

// What the web loops share of their node. All of it may be used from any thread and outlives them.
struct NodeParts {
  NodeId self;
  ByteCount max_file_size;
  std::atomic<std::chrono::milliseconds> const& trash;  // how long removed files are kept; 0: not
  Fence& fence;
  ObjectStore& objects;
  DiskPool& disk;
  CoreDriver& core;
  NarrowPaths& narrow_paths;
  PeerKeys const& keys;
  LinkCounts& link_counts;
  EventHub& events;
  LoadCounters& counters;
  Census& census;
  FileSearch& search;
  PrefixQuotas& prefix_quotas;
  ParentLink* parent;  // null: this is no node of a local cluster
  FullScrub& full_scrub;
  NodeFigures& figures;
  PeerTransport const& transport;
  TransferClient const& transfers;
};

}  // namespace chisme::node
