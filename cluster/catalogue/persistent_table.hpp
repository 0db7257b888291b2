#pragma once

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

namespace chisme::cluster {

// Shared is a counted pointer to an immutable T, with the count beside the T: 8 bytes where a
// shared_ptr and its control block take 32. Copies may be made and destroyed by any thread.
template <class T>
class Shared {
 public:
  Shared() = default;
  template <class... Args>
  [[nodiscard]] static Shared make(Args&&... args) {
    Shared made;
    made.block_ = new Block{{1}, T{std::forward<Args>(args)...}};
    return made;
  }
  Shared(Shared const& other) : block_(other.block_) {
    if (block_ != nullptr) block_->owners.fetch_add(1, std::memory_order_relaxed);
  }
  Shared(Shared&& other) noexcept : block_(std::exchange(other.block_, nullptr)) {}
  Shared& operator=(Shared other) noexcept {
    std::swap(block_, other.block_);
    return *this;
  }
  ~Shared() {
    bool const last =
        block_ != nullptr && block_->owners.fetch_sub(1, std::memory_order_acq_rel) == 1;
    if (last) delete block_;
  }

  [[nodiscard]] T const* get() const { return block_ == nullptr ? nullptr : &block_->value; }
  T const& operator*() const { return block_->value; }
  T const* operator->() const { return &block_->value; }
  explicit operator bool() const { return block_ != nullptr; }

 private:
  struct Block {
    std::atomic<std::uint32_t> owners;
    T const value;
  };
  Block* block_ = nullptr;
};

// PersistentTable is an ordered set of values of which a copy costs O(1) and never changes when the
// original does: both share the nodes that they have in common. `KeyOf{}(value)` is the part of a
// value by which it is found, and of which there is one.
//
// An AVL tree (Adelson-Velsky and Landis 1962) of immutable nodes; a change copies the path from
// the root, O(log n) small nodes, and shares the values: a value stays where it is until it is
// replaced or erased. One thread changes one table; a copy may be read, and destroyed, by any
// thread. Keys compare with `<`, also with other types.
template <class Value, class KeyOf>
class PersistentTable {
 public:
  // nullptr when there is none.
  template <class Key>
  [[nodiscard]] Value const* find(Key const& key) const {
    Node const* node = root_.get();
    while (node != nullptr) {
      if (key < key_of(*node->value)) {
        node = node->left.get();
      } else if (key_of(*node->value) < key) {
        node = node->right.get();
      } else {
        return node->value.get();
      }
    }
    return nullptr;
  }

  // Of values that are ordered by their keys, no two with the same key. O(n).
  [[nodiscard]] static PersistentTable of(std::vector<Value> values) {
    PersistentTable table;
    table.size_ = values.size();
    table.root_ = made_of(std::span{values});
    return table;
  }

  // Adds the value, instead of the one with the same key. Returns where it is.
  Value const* insert(Value value) {
    auto const shared = Shared<Value>::make(std::move(value));
    bool grew = true;
    root_ = inserted(root_, shared, grew);
    if (grew) ++size_;
    return shared.get();
  }

  // True when there was such a key. It must not be part of the value.
  template <class Key>
  bool erase(Key const& key) {
    if (find(key) == nullptr) return false;
    root_ = erased(root_, key);
    --size_;
    return true;
  }

  // Calls `visit(value)` for each value whose key is not less than `from`, in order, until it
  // returns false.
  template <class Key, class Visit>
  void walk_from(Key const& from, Visit&& visit) const {
    walk_from(root_.get(), from, visit);
  }
  // The same for all.
  template <class Visit>
  void walk(Visit&& visit) const {
    walk_all(root_.get(), visit);
  }

  // Whether nothing was changed since one was copied from the other.
  [[nodiscard]] bool is_copy_of(PersistentTable const& other) const {
    return root_.get() == other.root_.get();
  }
  [[nodiscard]] std::size_t size() const { return size_; }
  [[nodiscard]] bool empty() const { return size_ == 0; }

 private:
  using ValueLink = Shared<Value>;
  struct Node;
  using Link = Shared<Node>;
  struct Node {
    ValueLink value;
    Link left;
    Link right;
    int height;
  };

  static decltype(auto) key_of(Value const& value) { return KeyOf{}(value); }
  static int height(Link const& node) { return node ? node->height : 0; }

  static Link make(ValueLink const& value, Link left, Link right) {
    int const tallest = std::max(height(left), height(right));
    return Link::make(value, std::move(left), std::move(right), tallest + 1);
  }

  static Link made_of(std::span<Value> values) {
    if (values.empty()) return {};
    std::size_t const middle = values.size() / 2;
    auto const value = ValueLink::make(std::move(values[middle]));
    return make(value, made_of(values.first(middle)), made_of(values.subspan(middle + 1)));
  }

  // As `make`, for subtrees whose heights differ by at most two: rotates back into balance.
  static Link balanced(ValueLink const& value, Link left, Link right) {
    if (height(left) > height(right) + 1) {
      if (height(left->left) >= height(left->right)) {
        return make(left->value, left->left, make(value, left->right, std::move(right)));
      }
      Link const& middle = left->right;
      return make(middle->value, make(left->value, left->left, middle->left),
                  make(value, middle->right, std::move(right)));
    }
    if (height(right) > height(left) + 1) {
      if (height(right->right) >= height(right->left)) {
        return make(right->value, make(value, std::move(left), right->left), right->right);
      }
      Link const& middle = right->left;
      return make(middle->value, make(value, std::move(left), middle->left),
                  make(right->value, middle->right, right->right));
    }
    return make(value, std::move(left), std::move(right));
  }

  static Link inserted(Link const& node, ValueLink const& value, bool& grew) {
    if (!node) return make(value, {}, {});
    if (key_of(*value) < key_of(*node->value)) {
      return balanced(node->value, inserted(node->left, value, grew), node->right);
    }
    if (key_of(*node->value) < key_of(*value)) {
      return balanced(node->value, node->left, inserted(node->right, value, grew));
    }
    grew = false;
    return make(value, node->left, node->right);
  }

  static ValueLink const& least(Link const& node) {
    return node->left ? least(node->left) : node->value;
  }

  // REQUIRES: `key` is there.
  template <class Key>
  static Link erased(Link const& node, Key const& key) {
    if (key < key_of(*node->value)) {
      return balanced(node->value, erased(node->left, key), node->right);
    }
    if (key_of(*node->value) < key) {
      return balanced(node->value, node->left, erased(node->right, key));
    }
    if (!node->left) return node->right;
    if (!node->right) return node->left;
    ValueLink const& next = least(node->right);
    return balanced(next, node->left, erased(node->right, key_of(*next)));
  }

  template <class Visit>
  static bool walk_all(Node const* node, Visit& visit) {
    if (node == nullptr) return true;
    return walk_all(node->left.get(), visit) && visit(*node->value) &&
           walk_all(node->right.get(), visit);
  }

  template <class Key, class Visit>
  static bool walk_from(Node const* node, Key const& from, Visit& visit) {
    if (node == nullptr) return true;
    if (key_of(*node->value) < from) return walk_from(node->right.get(), from, visit);
    return walk_from(node->left.get(), from, visit) && visit(*node->value) &&
           walk_all(node->right.get(), visit);
  }

  Link root_;
  std::size_t size_ = 0;
};

}  // namespace chisme::cluster
