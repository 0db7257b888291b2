#pragma once

#include <algorithm>
#include <cstddef>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

namespace chisme::node {

// Assemblies is the uploads that the web loops of one node are making files of. Each is made by one
// loop at a time, and few are made at once: each reads and writes all of its file's bytes, so that
// more of them would only take the disk from others.
//
// Thread-safe. A shared_ptr owns it.
class Assemblies : public std::enable_shared_from_this<Assemblies> {
 public:
  // As many as threads of the disk, by default.
  explicit Assemblies(std::size_t at_once_max = 4) : at_once_max_(at_once_max) {}

  // The upload's file is being made for as long as this lives.
  class Turn {
   public:
    Turn(std::shared_ptr<Assemblies> assemblies, std::string id)
        : assemblies_(std::move(assemblies)), id_(std::move(id)) {}
    ~Turn() { assemblies_->end(id_); }
    Turn(Turn const&) = delete;
    Turn& operator=(Turn const&) = delete;

   private:
    std::shared_ptr<Assemblies> assemblies_;
    std::string id_;
  };
  // nullptr: another loop makes this one, or too many are made.
  [[nodiscard]] std::unique_ptr<Turn> begin(std::string const& id) {
    std::lock_guard const lock(mutex_);
    if (ids_.size() >= at_once_max_ || std::ranges::count(ids_, id) > 0) return nullptr;
    ids_.push_back(id);
    return std::make_unique<Turn>(shared_from_this(), id);
  }

 private:
  void end(std::string const& id) {
    std::lock_guard const lock(mutex_);
    std::erase(ids_, id);
  }

  std::size_t at_once_max_;
  std::mutex mutex_;
  std::vector<std::string> ids_;
};

}  // namespace chisme::node
