#pragma once

#include <algorithm>
#include <cstddef>
#include <memory>
#include <utility>

namespace chisme::cluster {

// PersistentMap is an ordered map of which a copy costs O(1) and never changes when the original
// does: both share the nodes that they have in common.
//
// An AVL tree (Adelson-Velsky and Landis 1962) of immutable nodes; a change copies the path from
// the root, O(log n) small nodes, and shares the keys and values. One thread changes one map; a
// copy may be read, and destroyed, by any thread. Keys compare with `<`, also with other types.
template <class Key, class Value>
class PersistentMap {
 public:
  // The value of `key`, owned by the map; nullptr when there is none.
  template <class K>
  [[nodiscard]] Value const* find(K const& key) const {
    Node const* node = root_.get();
    while (node != nullptr) {
      if (key < node->entry->first) {
        node = node->left.get();
      } else if (node->entry->first < key) {
        node = node->right.get();
      } else {
        return &node->entry->second;
      }
    }
    return nullptr;
  }

  // Sets the value of `key`, replacing the one that it had.
  void insert(Key key, Value value) {
    auto entry = std::make_shared<Entry const>(std::move(key), std::move(value));
    bool grew = true;
    root_ = inserted(root_, entry, grew);
    if (grew) ++size_;
  }

  // True when there was such a key.
  template <class K>
  bool erase(K const& key) {
    if (find(key) == nullptr) return false;
    root_ = erased(root_, key);
    --size_;
    return true;
  }

  // Calls `visit(key, value)` for each entry whose key is not less than `from`, in order, until it
  // returns false.
  template <class K, class Visit>
  void walk_from(K const& from, Visit&& visit) const {
    walk_from(root_.get(), from, visit);
  }
  // The same for all entries.
  template <class Visit>
  void walk(Visit&& visit) const {
    walk_all(root_.get(), visit);
  }

  [[nodiscard]] std::size_t size() const { return size_; }
  [[nodiscard]] bool empty() const { return size_ == 0; }

 private:
  using Entry = std::pair<Key const, Value>;
  using EntryLink = std::shared_ptr<Entry const>;
  struct Node;
  using Link = std::shared_ptr<Node const>;
  struct Node {
    EntryLink entry;
    Link left;
    Link right;
    int height;
  };

  static int height(Link const& node) { return node ? node->height : 0; }

  static Link make(EntryLink const& entry, Link left, Link right) {
    int const tallest = std::max(height(left), height(right));
    return std::make_shared<Node const>(
        Node{entry, std::move(left), std::move(right), tallest + 1});
  }

  // As `make`, for subtrees whose heights differ by at most two: rotates back into balance.
  static Link balanced(EntryLink const& entry, Link left, Link right) {
    if (height(left) > height(right) + 1) {
      if (height(left->left) >= height(left->right)) {
        return make(left->entry, left->left, make(entry, left->right, std::move(right)));
      }
      Link const& middle = left->right;
      return make(middle->entry, make(left->entry, left->left, middle->left),
                  make(entry, middle->right, std::move(right)));
    }
    if (height(right) > height(left) + 1) {
      if (height(right->right) >= height(right->left)) {
        return make(right->entry, make(entry, std::move(left), right->left), right->right);
      }
      Link const& middle = right->left;
      return make(middle->entry, make(entry, std::move(left), middle->left),
                  make(right->entry, middle->right, right->right));
    }
    return make(entry, std::move(left), std::move(right));
  }

  static Link inserted(Link const& node, EntryLink const& entry, bool& grew) {
    if (!node) return make(entry, nullptr, nullptr);
    if (entry->first < node->entry->first) {
      return balanced(node->entry, inserted(node->left, entry, grew), node->right);
    }
    if (node->entry->first < entry->first) {
      return balanced(node->entry, node->left, inserted(node->right, entry, grew));
    }
    grew = false;
    return make(entry, node->left, node->right);
  }

  static EntryLink const& least(Link const& node) {
    return node->left ? least(node->left) : node->entry;
  }

  // REQUIRES: `key` is there.
  template <class K>
  static Link erased(Link const& node, K const& key) {
    if (key < node->entry->first) {
      return balanced(node->entry, erased(node->left, key), node->right);
    }
    if (node->entry->first < key) {
      return balanced(node->entry, node->left, erased(node->right, key));
    }
    if (!node->left) return node->right;
    if (!node->right) return node->left;
    EntryLink const& next = least(node->right);
    return balanced(next, node->left, erased(node->right, next->first));
  }

  template <class Visit>
  static bool walk_all(Node const* node, Visit& visit) {
    if (node == nullptr) return true;
    return walk_all(node->left.get(), visit) && visit(node->entry->first, node->entry->second) &&
           walk_all(node->right.get(), visit);
  }

  template <class K, class Visit>
  static bool walk_from(Node const* node, K const& from, Visit& visit) {
    if (node == nullptr) return true;
    if (node->entry->first < from) return walk_from(node->right.get(), from, visit);
    return walk_from(node->left.get(), from, visit) &&
           visit(node->entry->first, node->entry->second) && walk_all(node->right.get(), visit);
  }

  Link root_;
  std::size_t size_ = 0;
};

}  // namespace chisme::cluster
