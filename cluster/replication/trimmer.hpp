#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string_view>
#include <utility>
#include <vector>

#include "cluster/catalogue/catalogue.hpp"
#include "cluster/config.hpp"
#include "cluster/effect.hpp"
#include "cluster/replication/situation.hpp"
#include "cluster/sizes.hpp"

namespace chisme::cluster {

// Trimmer decides when this node's copy of an object goes because there are more than R.
//
// A holder trims when R others come before it in rendezvous order, one object at a time, once the
// surplus has been there for `surplus_kept` and in a calm (Outages). It asks R of those, best
// first, to read their copies (VerifyCopy). When all of them have answered "intact" to a question
// that it asked less than copy_promise / 6 ago, the copy goes. One that answers "not intact" is
// replaced by the next of them. So all copies beyond R go at the same time, and nobody who trims
// needs another who does. Answers that took longer are asked for again: who has read its copy
// lately answers at once. One whose answer is missing by then is asked again too: the question or
// the answer may be lost (a restart, a connection that broke), and all other objects would wait for
// it.
//
// Who answers "intact" keeps its copy for `copy_promise`, whatever it learns meanwhile (Promises).
// It answers "not intact" when it has no copy, knows no name for it, is leaving, or is itself
// trimming the object.
//
// Why R copies are left, whatever the views of the nodes are and however many trim at a time. Let A
// decide at t that its copy goes, and B be one of its R witnesses; A asked B at q, B answered at b.
// Then q <= b <= t < q + copy_promise / 6 by A's clock, so b is at most 1.01 / 6 of a promise
// before t in true time, while B, whose clock may run 1 % fast, keeps its copy for at least 0.99 of
// it: B has not decided before t to remove its copy since b. It had not before b either, or it
// would have answered "not intact", being without a copy that counts. So at t, the moment of A's
// decision, R others have a copy that was read and found whole, and none of them has decided to
// remove it. This holds at every decision, in whichever order they are taken, so no decision leaves
// fewer than R; only faults do, and these are repair's. How long A's disk takes to carry the
// decision out does not matter: from t on A answers "not intact". A witness that restarts forgets
// its promise, but removes nothing before it must be over.
//
// At most `candidates_max` (Limits::trims) objects wait, and one that it gave up; more are found by
// a later look at all. Pure; one thread owns it.
class Trimmer {
 public:
  Trimmer(CoreConfig const& config, Epoch epoch);

  // What is known of the object, or of the members, has changed.
  void examine(Digest const& digest, Catalogue const& catalogue, Situation const& situation);
  // A copy arrived (again): a write may count on it.
  void stored(Digest const& digest, Instant now);
  // It is asking others about the object.
  [[nodiscard]] bool is_trimming(Digest const& digest) const {
    return run_ && run_->digest == digest;
  }
  void handle(NodeId from, CopyVerified const& answer);
  void peer_unreachable(Endpoint endpoint, Situation const& situation);
  // Moves on. Returns the copy that goes now.
  std::optional<Digest> tick(Catalogue const& catalogue, Situation const& situation, Effects& out);
  // There is no calm, or no removal is possible now: gives up what is under way.
  void hold(Instant now);
  [[nodiscard]] std::optional<Instant> deadline() const;
  // Once, when candidates were left out and all others are done with: all objects are to be looked
  // at again.
  [[nodiscard]] bool wants_rescan();
  static constexpr std::string_view waiting_name = "copies to be trimmed";
  void add_sizes(TableSizes& out) const {
    out.push_back({waiting_name, candidates_.size(), candidates_max_ + 1, is_work});
    out.push_back({"times of trims", first_come_.size(), candidates_.size()});
  }

 private:
  enum class Answer { none, intact, not_intact };
  struct Witness {
    NodeId id;
    std::uint64_t number = 0;
    Instant asked_at{};
    Answer answer = Answer::none;
  };
  struct Run {
    Digest digest;
    std::vector<NodeId> better;  // holders, best first
    std::size_t next = 0;        // of `better`: to be asked when one refuses
    std::vector<Witness> witnesses;
    unsigned rounds = 0;
    Instant give_up_at{};
  };

  // The holders before this one that can be asked, best first, if they are R or more.
  [[nodiscard]] static std::optional<std::vector<NodeId>> better_of(Digest const& digest,
                                                                    Catalogue const& catalogue,
                                                                    Situation const& situation);
  void wait(Digest const& digest, Instant until);
  void forget(Digest const& digest);
  void begin_next(Catalogue const& catalogue, Situation const& situation, Effects& out);
  void ask(Witness& witness, Situation const& situation, Effects& out);
  // True when R have answered in time.
  bool advance(Situation const& situation, Effects& out);
  void give_up(Instant now);

  Duration surplus_kept_;
  std::size_t candidates_max_;
  Duration valid_;  // how long an answer counts, from the question on
  std::uint64_t next_number_;
  std::map<Digest, Instant> candidates_;  // may go from then on
  std::set<std::pair<Instant, Digest>> first_come_;
  bool left_out_ = false;
  std::optional<Run> run_;
};

}  // namespace chisme::cluster
