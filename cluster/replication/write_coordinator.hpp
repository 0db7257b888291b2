#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "cluster/catalogue/catalogue.hpp"
#include "cluster/effect.hpp"
#include "cluster/input.hpp"
#include "cluster/replication/situation.hpp"
#include "cluster/sizes.hpp"

namespace chisme::cluster {

// WriteCoordinator takes clients' writes and acknowledges each only when W nodes have it on disk.
//
// A write is a draft of this node's names log. It is sent to the other holders first; once W - 1 of
// them have it on disk it is saved here, becomes visible and is answered. So a write that fails
// before any other node can have seen it leaves no trace anywhere (no_quorum). Once some node may
// have it and W cannot be reached, the outcome is unknown_outcome, and the write becomes visible
// all the same, because it would come back by anti-entropy.
//
// A holder that knows a newer version says which (this node's clock is slow, or the news has not
// come): then the conditions are checked again, and the write is tried once more with a higher
// version; a second time that holder's answer is a refusal.
//
// Membership may change between the placement of the object and its commit. That does no harm, and
// needs no write to both the old and the new placement, as it does where readers compute from the
// members whom to ask: here holders write down what they hold (Have), every node comes to know
// that, and a node that does not asks all who are alive (Lookups). What the new placement would
// have in addition is added by Repairer, which goes by holdings: this node is the first to see to
// it.
//
// The removal of an expired file (RemoveFile::expired) is answered to `take_swept`. W nodes must
// find that its time is over; in doubt it is given up, not carried through, for it is asked for
// again, and is the same removal then.
//
// An unanswered holder is asked again every second until `write_timeout`. A write without content
// (a removal) has no holders of its own: it asks W - 1 nodes, current holders first, and the next
// one for each that fails or is not prompt. At most `pending_max` (Limits::writes) writes are under
// way; more are refused as busy.
//
// Pure; one thread owns it.
class WriteCoordinator {
 public:
  WriteCoordinator(Duration write_timeout, std::size_t pending_max, Epoch epoch);

  void handle(WriteRequested const& request, Catalogue& catalogue, Situation const& situation,
              Effects& out);
  void handle(NodeId from, WriteCommitted const& answer, Catalogue& catalogue,
              Situation const& situation, Effects& out);
  void handle(NodeId from, WriteSuperseded const& answer, Catalogue& catalogue,
              Situation const& situation, Effects& out);
  // A write that is not decided yet would name this object.
  [[nodiscard]] bool names(Digest const& digest) const;
  void peer_unreachable(Endpoint endpoint, Situation const& situation);
  void members_changed(Catalogue& catalogue, Situation const& situation, Effects& out);
  // The catalogue is durable up to `save`.
  void saved(SaveId save, Catalogue& catalogue, Situation const& situation, Effects& out);
  // The names of expired files whose removal has ended since the last call, and how.
  using Swept = std::vector<std::pair<std::string, Result<void>>>;
  [[nodiscard]] Swept take_swept() { return std::exchange(swept_, {}); }
  void tick(Catalogue& catalogue, Situation const& situation, Effects& out);
  [[nodiscard]] std::optional<Instant> deadline() const {
    return timers_.empty() ? std::nullopt : std::optional{timers_.begin()->first};
  }

  void add_sizes(TableSizes& out) const {
    out.push_back({"writes under way", pending_.size(), pending_max_, is_work});
    out.push_back({"timers of writes", timers_.size(), pending_.size(), is_work});
    out.push_back({"writes being saved", saving_.size(), pending_.size(), is_work});
  }

 private:
  enum class Answer { none, accepted, refused };
  struct Target {
    Endpoint endpoint;
    Answer answer = Answer::none;
    bool sent = false;
    bool asked_again = false;
    Instant resend_at{};
  };
  struct Pending {
    WriteRequested request;
    CatalogueRecord record;
    bool created = false;
    bool held_here = false;
    unsigned others_needed = 0;  // W - 1
    bool ask_all = false;        // all targets at once, for a Put; else as many as are needed
    std::vector<NodeId> order;   // of `targets`: whom to ask first
    std::map<NodeId, Target> targets;
    Instant give_up_at{};
    std::optional<SaveId> save;    // it is being made durable here
    bool in_doubt = false;         // it was given up after some node may have seen it
    bool retried = false;          // with a higher version
    bool seen_before = false;      // some node may have seen it with the lower one
    std::optional<Instant> wakes;  // its place in `timers_`
  };
  struct Tally {
    unsigned accepted = 0;
    unsigned waiting = 0;  // may still accept
    unsigned prompt = 0;   // of these, asked less than a second ago
    unsigned spare = 0;    // not asked yet
    bool maybe_seen = false;
  };

  void answer(WriteRequested const& request, Result<WriteOutcome> outcome, Effects& out);
  std::optional<Error> refusal(WriteRequested const& request, Catalogue const& catalogue,
                               Instant now) const;
  static Change change_of(WriteRequested const& request, Catalogue& catalogue, Instant now);
  void choose_targets(Pending& write, WriteRequested const& request, Catalogue const& catalogue,
                      Situation const& situation) const;
  Tally tally(Pending const& write, Situation const& situation) const;
  void ask(std::uint64_t number, Pending& write, Situation const& situation, Effects& out);
  // Moves the write on as far as it can go, and ends it or sets its next deadline.
  void go_on(std::uint64_t number, Catalogue& catalogue, Situation const& situation, Effects& out);
  // True when it has ended.
  bool advance(std::uint64_t number, Pending& write, Catalogue& catalogue,
               Situation const& situation, Effects& out);
  void try_again(std::uint64_t number, Catalogue& catalogue, Situation const& situation,
                 Effects& out);
  void end(std::uint64_t number);
  void set_timer(std::uint64_t number, Pending& write, std::optional<Instant> at);
  static std::optional<Instant> deadline_of(Pending const& write);
  void doubt(Pending& write, Effects& out);
  void drop(Pending const& write, Catalogue& catalogue, Effects& out);
  void finish(Pending& write, Catalogue& catalogue, Situation const& situation, Effects& out);

  Duration write_timeout_;
  std::size_t pending_max_;
  std::uint64_t next_number_;  // of CommitWrite: this run's numbers differ from the last run's
  std::map<std::uint64_t, Pending> pending_;
  std::set<std::pair<Instant, std::uint64_t>> timers_;  // of those with a deadline
  std::set<std::pair<SaveId, std::uint64_t>> saving_;   // in the order in which they are durable
  Swept swept_;
};

}  // namespace chisme::cluster
