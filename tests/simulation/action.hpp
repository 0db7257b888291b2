#pragma once

#include <cstddef>
#include <new>
#include <type_traits>
#include <utility>

namespace chisme::simulation {

// Action is a callable of no arguments, called at most once and held in place: entering an event
// into the agenda allocates nothing. Move-only. One thread owns it.
class Action {
 public:
  static constexpr std::size_t room = 80;  // for what it captures

  Action() = default;
  template <typename Callable>
    requires(!std::is_same_v<std::decay_t<Callable>, Action>)
  Action(Callable&& callable) {  // NOLINT: a lambda is an action
    using Held = std::decay_t<Callable>;
    static_assert(sizeof(Held) <= room, "it captures too much");
    static_assert(std::is_nothrow_move_constructible_v<Held>);
    new (held_) Held(std::forward<Callable>(callable));
    kind_ = &kind_of<Held>;
  }
  Action(Action&& other) noexcept { take(other); }
  Action& operator=(Action&& other) noexcept {
    if (this == &other) return *this;
    clear();
    take(other);
    return *this;
  }
  ~Action() { clear(); }

  // REQUIRES: it holds something.
  void operator()() { kind_->call(held_); }
  [[nodiscard]] explicit operator bool() const { return kind_ != nullptr; }

 private:
  struct Kind {
    void (*call)(void*);
    void (*move)(void* from, void* to);  // and destroys `from`
    void (*destroy)(void*);
  };
  template <typename Held>
  static constexpr Kind kind_of{
      [](void* held) { (*static_cast<Held*>(held))(); },
      [](void* from, void* to) {
        new (to) Held(std::move(*static_cast<Held*>(from)));
        static_cast<Held*>(from)->~Held();
      },
      [](void* held) { static_cast<Held*>(held)->~Held(); },
  };

  void take(Action& other) {
    kind_ = std::exchange(other.kind_, nullptr);
    if (kind_ != nullptr) kind_->move(other.held_, held_);
  }
  void clear() {
    if (kind_ != nullptr) kind_->destroy(held_);
    kind_ = nullptr;
  }

  alignas(std::max_align_t) std::byte held_[room];
  Kind const* kind_ = nullptr;
};

}  // namespace chisme::simulation
