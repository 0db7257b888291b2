#pragma once

#include <asio/io_context.hpp>
#include <cstdint>
#include <functional>
#include <memory>

#include "cluster/base/identity.hpp"
#include "cluster/base/strong.hpp"
#include "cluster/input.hpp"

namespace chisme::node {

class DiskPool;
class FullScrub;
class ObjectStore;
struct LoadCounters;

// LocalCopies does what the core wants of the copies on this node's disk, and tells it what became
// of them.
//
// Uploads and pushes store objects while that goes on, in other threads. So a removal names the
// copy that the core knew when it decided, and a bad end is told only if no newer copy is there:
// the core never drops a copy that was acknowledged since.
//
// Bounded: each object waits at most once for its removal, and as CopyVerifier says for a check.
// The control loop's thread.
class LocalCopies {
 public:
  struct Host {
    ObjectStore& objects;
    DiskPool& disk;
    LoadCounters& counters;
    std::function<void(cluster::Input)> tell_core;
  };
  // Everything given must outlive it. `scrub_rate` bytes a second are read for checks that nobody
  // waits for; those that somebody waits for go beside them, `urgent_factor` times as fast.
  LocalCopies(asio::io_context& control, Host host, ByteCount scrub_rate);
  ~LocalCopies();
  LocalCopies(LocalCopies const&) = delete;
  LocalCopies& operator=(LocalCopies const&) = delete;
  static constexpr std::uint64_t urgent_factor = 8;

  // The core is about to be told of a copy that was committed. Once for each commit.
  void stored(Digest const& digest);
  // Answered by ObjectRemoved, unless a copy is there that the core did not know of: it is told of
  // that one by ObjectStored. A removal that the disk refuses is tried again.
  void remove(Digest const& digest);
  // Answered by ObjectVerified; not at all when too many wait.
  void verify(Digest const& digest, bool urgent);
  // A reader found it missing, cut short or unreadable: it is looked at, and ObjectRemoved told if
  // that is so.
  void suspect(Digest const& digest);
  // Reads all copies when it is told to.
  [[nodiscard]] FullScrub& full_scrub();

 private:
  struct State;
  std::shared_ptr<State> state_;
};

}  // namespace chisme::node
