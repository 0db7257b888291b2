"""Each failpoint alone: a node is armed with it, dies of it in the middle of its work, and starts again.

What was acknowledged is then at every node, what was refused at none, what was removed stays removed,
and there are R copies of everything.
"""
import collections
import http.client
import random
import shutil
import signal
import time

from harness import CHISME, run
from nodes import Nodes, Violation, wait_until

SMALL, LARGE = 3_000, 1_300_000  # the large have a file of chunk hashes beside them


class Trial:
    """One failpoint armed on one node, while a scenario is played."""

    def __init__(self, nodes, number, armed, failpoint, nth=1):
        self.nodes, self.number, self.armed = nodes, number, armed
        self.environment = {"CHISME_FAILPOINT": f"{failpoint}:{nth}"}
        self.failpoint = failpoint
        self.names = []
        self.killed = []  # other nodes that the scenario killed

    def arm(self, ready=True):
        self.nodes.kill(self.armed)
        self.nodes.start(self.armed, self.environment)
        if ready:
            wait_until(lambda: self.died() or self._is_ready(), 30)

    def _is_ready(self):
        try:
            return self.nodes.alive_at(self.armed) >= self.nodes.count - len(self.killed)
        except (OSError, AssertionError):
            return False

    def died(self):
        return not self.nodes.runs(self.armed)

    def dies_within(self, seconds):
        return wait_until(self.died, seconds)

    def write(self, at, body, name=None):
        name = name or f"t{self.number}-{len(self.names)}"
        if name not in self.names:
            self.names.append(name)
        outcome = self.nodes.write(at, name, body)
        # A1: the others are enough for a write.
        if at != self.armed and not self.killed and outcome == "refused":
            raise Violation(f"node {at} refused {name} although three nodes were well")
        return name

    def other(self):
        return self.nodes.random.choice(self.nodes.others(self.armed, *self.killed))

    def bytes(self, size):
        return self.nodes.some_bytes(size)


# ---- Scenarios: each goes on until the armed node dies, or gives up --------------------------------

def put(trial):
    """Uploads at the armed node: new names, then the same again."""
    trial.arm()
    for turn in range(4):
        for name in (f"t{trial.number}-a", f"t{trial.number}-b"):
            if trial.dies_within(0.1):
                return
            trial.write(trial.armed, trial.bytes(LARGE if turn % 2 == 0 else SMALL), name)
    trial.dies_within(3)


def copies(trial):
    """Uploads elsewhere, of which the armed node gets its part."""
    trial.arm()
    for turn in range(30):
        if trial.dies_within(0.2):
            return
        trial.write(trial.other(), trial.bytes(LARGE if turn % 2 == 0 else SMALL))
    trial.dies_within(3)


def resume(trial):
    """An upload in several requests, the first at the armed node; when it dies the others go on."""
    trial.arm()
    for turn in range(6):
        if trial.dies_within(0.1):
            return
        name, body = f"t{trial.number}-r{turn}", trial.bytes(LARGE)
        trial.names.append(name)
        trial.nodes.resume(name, body, trial.armed, trial.other())
    trial.dies_within(3)


def delete(trial):
    """Removals at the armed node."""
    names = [trial.write(trial.other(), trial.bytes(SMALL)) for _ in range(3)]
    trial.arm()
    for name in names:
        if trial.dies_within(0.1):
            return
        trial.write(trial.armed, None, name)
    trial.dies_within(3)


def discard(trial):
    """What was removed and replaced leaves the disks."""
    trial.arm()
    for turn in range(12):
        name = trial.write(trial.other(), trial.bytes(SMALL), f"t{trial.number}-{turn}")
        trial.write(trial.other(), None if turn % 2 else trial.bytes(SMALL), name)
    trial.dies_within(20)


def surplus(trial):
    """A node is away while its copies are made again; when it is back there are too many."""
    trial.arm()
    for turn in range(12):
        trial.write(trial.other(), trial.bytes(SMALL))
    away = trial.other()
    trial.killed.append(away)
    trial.nodes.kill(away)
    if trial.dies_within(6):
        return
    trial.nodes.start(away)
    trial.dies_within(30)


def repair(trial):
    """A holder dies for good; the armed node makes some of its copies. (It has each file with a chance of two in three.)"""
    for turn in range(24):
        trial.write(trial.other(), trial.bytes(LARGE))
    trial.arm()
    away = trial.other()
    trial.killed.append(away)
    trial.nodes.kill(away)
    trial.dies_within(15)


def replace(trial):
    """A node is gone that the armed one gives its uploads to, before it is known to be dead."""
    trial.arm()
    for turn in range(10):
        if trial.dies_within(0.1):
            return
        away = trial.other()
        trial.killed = [away]
        trial.nodes.kill(away)
        for _ in range(6):
            if not trial.died():
                trial.write(trial.armed, trial.bytes(SMALL))
        trial.nodes.restart(away)
        trial.killed = []


def start(trial):
    """The armed node starts, with something left in staging."""
    trial.write(trial.armed, trial.bytes(SMALL))
    trial.nodes.kill(trial.armed)
    (trial.nodes.directory(trial.armed) / "staging" / "left").write_bytes(b"left")
    directory = next((trial.nodes.directory(trial.armed) / "objects").iterdir())
    (directory / f"{directory.name}{'0' * 62}.chunks").write_bytes(b"left")
    trial.arm(ready=False)
    trial.dies_within(20)


def fresh(trial):
    """The armed node has lost its disk."""
    trial.nodes.kill(trial.armed)
    shutil.rmtree(trial.nodes.directory(trial.armed))
    trial.arm(ready=False)
    trial.dies_within(20)


def cut_copies(trial):
    """The armed node's copies of some files lose their last byte."""
    for _ in range(12):
        trial.write(trial.other(), trial.bytes(SMALL))
    trial.nodes.check_copies(trial.names)
    for name in trial.names:
        digest, = trial.nodes.ledger.allowed(name)
        for path in (trial.nodes.directory(trial.armed) / "objects" / digest[:2]).glob(f"{digest}-*"):
            path.write_bytes(path.read_bytes()[:-1])


def read_until_it_dies(trial):
    """Clients of the armed node read all files, again and again."""
    for _ in range(10):
        for name in trial.names:
            if trial.dies_within(0.01):
                return
            try:
                trial.nodes.read(trial.armed, name)
            except (OSError, http.client.HTTPException):
                pass
    trial.dies_within(5)


def bare(trial):
    """Copies of the armed node have lost their chunk hashes when clients read them."""
    trial.arm()
    for _ in range(6):
        trial.write(trial.other(), trial.bytes(LARGE))
    trial.nodes.check_copies(trial.names)
    for path in (trial.nodes.directory(trial.armed) / "objects").glob("*/*.chunks"):
        path.unlink()
    trial.nodes.restart(trial.armed, trial.environment)  # what it has read before is forgotten
    read_until_it_dies(trial)


def damage(trial):
    """Copies of the armed node turn out to be cut when clients read them."""
    trial.arm()
    cut_copies(trial)
    read_until_it_dies(trial)


def damage_at_start(trial):
    """Copies of the armed node were cut while it was down."""
    cut_copies(trial)
    trial.arm(ready=False)
    trial.dies_within(20)


# Which scenarios pass which failpoint. What the program has and this has not, or the other way round,
# fails the test.
STORE = (put, copies)
SCENARIOS = {
    "catalogue.committed": (put, copies, delete), "catalogue.saved": (put, copies, delete),
    "catalogue.set_up": (start,), "catalogue.told": (put, copies, delete),
    "catalogue.written": (put, copies, delete),
    "chunks.checked": (bare,), "chunks.renamed": (*STORE, repair), "chunks.replaced": (bare,),
    "delete.answered": (delete,), "delete.begun": (delete,), "delete.recorded": (delete,),
    "epoch.raised": (start,), "epoch.read": (start,),
    "object.appended": STORE, "object.complete": (*STORE, repair), "object.directory_made": STORE,
    "object.directory_synced": (*STORE, repair), "object.removing": (discard, surplus),
    "object.renamed": (*STORE, repair), "object.staged": STORE, "object.synced": (*STORE, repair),
    "object.unlinked": (discard, surplus),
    "pull.appended": (repair,), "pull.begun": (repair,), "pull.committed": (repair,),
    "pull.received": (repair,), "pull.told": (repair,),
    "pulled.begun": (put,), "pulled.sent": (put,),
    "push.answered": (put,), "push.chunk_sent": (put,), "push.connected": (put,), "push.ended": (put,),
    "pushed.answered": (copies,), "pushed.begun": (copies,), "pushed.committed": (copies,),
    "pushed.received": (copies,), "pushed.told": (copies,),
    "quarantine.found": (damage,), "quarantine.left": (damage, damage_at_start),
    "quarantine.moved": (damage, damage_at_start), "quarantine.taken": (damage, damage_at_start),
    "recovery.catalogue_opened": (start,), "recovery.connected": (start,), "recovery.core_made": (start,),
    "recovery.directory_made": (fresh,), "recovery.emptying_staging": (start,),
    "recovery.object_found": (start,), "recovery.objects_read": (start,),
    "recovery.orphan_found": (start,), "recovery.ports_taken": (start,),
    "removal.decided": (discard, surplus), "removal.done": (discard, surplus),
    "replace.renamed": (start,), "replace.written": (start,),
    "resumable.assembled": (resume,), "resumable.created": (resume,), "resumable.done": (resume,),
    "resumable.part_stored": (resume,), "resumable.stored": (resume,), "resumable.turn_taken": (resume,),
    "upload.answered": (put,), "upload.begun": (put,), "upload.committed": (put,), "upload.durable": (put,),
    "upload.hashed": (put,), "upload.recorded": (put,), "upload.replacing": (replace,),
    "upload.taken": (put,),
    "verified.read": (damage,),
}
# One of each kind, for the short run.
SHORT = (("object.renamed", put), ("pushed.committed", copies), ("catalogue.committed", put),
         ("catalogue.saved", copies), ("upload.recorded", put), ("delete.recorded", delete),
         ("pull.committed", repair), ("object.unlinked", discard), ("chunks.renamed", put), ("chunks.replaced", bare),
         ("resumable.part_stored", resume), ("resumable.stored", resume), ("quarantine.moved", damage),
         ("replace.renamed", start))


def complete():
    """The failpoints of the program; fails when the table above is not about exactly these."""
    listed = run(CHISME, "failpoints")
    if listed.returncode != 0:
        raise AssertionError(f"{CHISME}: {listed.stderr.strip()}")
    names = set(listed.stdout.split())
    odd = names.symmetric_difference(SCENARIOS)
    assert not odd, f"in the program or in the table of scenarios, but not in both: {sorted(odd)}"
    return sorted(names)


def play(nodes, number, failpoint, scenario, nth=1):
    """One trial. Raises what it finds; returns how long the restarted node took, or None when the pass
    that was waited for never came, which only a first pass must."""
    armed = number % nodes.count + 1
    trial = Trial(nodes, number, armed, failpoint, nth)
    scenario(trial)
    reached = trial.died()
    if reached and (nodes.exit_code(armed) != -signal.SIGKILL or f"failpoint {failpoint}\n" not in nodes.log(armed)):
        raise Violation(f"the node did not die of the failpoint but by itself: {nodes.log(armed)[-500:]}")
    if not reached and nth == 1:
        raise AssertionError(f"{failpoint} was not reached by {scenario.__name__}")
    began = time.monotonic()
    for other in trial.killed:
        if not nodes.runs(other):
            nodes.start(other)
    nodes.restart(armed)
    recovery = time.monotonic() - began
    left = list((nodes.directory(armed) / "staging").iterdir())
    if scenario is start and left:
        raise Violation(f"unclaimed in staging after the restart: {left}")
    for name in trial.names:
        nodes.check_name(name)
    nodes.check_copies(trial.names)
    return recovery if reached else None


def run_all(minutes, short, seed, only, directory):
    """The trials of the short run; or each failpoint once, then at random until the time is over."""
    names = complete()
    source = random.Random(seed)
    trials = [(name, scenario, 1) for name, scenario in SHORT] if short else \
        [(name, scenario, 1) for name in names for scenario in SCENARIOS[name]]
    trials = [trial for trial in trials if only in trial[0]]
    began, number, died, failures, slowest = time.monotonic(), 0, set(), [], 0.0
    counts = collections.Counter()
    nodes = Nodes(data=directory / "0")
    try:
        while trials or (not short and time.monotonic() - began < 60 * minutes):
            if trials:
                failpoint, scenario, nth = trials.pop(0)
            else:
                failpoint = source.choice([n for n in names if n != "recovery.directory_made"])
                scenario, nth = source.choice(SCENARIOS[failpoint]), source.randint(2, 12)
            number += 1
            at = time.monotonic()
            try:
                recovery = play(nodes, number, failpoint, scenario, nth)
                if recovery is not None:
                    died.add(failpoint)
                    slowest = max(slowest, recovery)
                verdict = "ok" if recovery is not None else "not reached"
            except AssertionError as error:
                failures.append(f"{failpoint}:{nth} in {scenario.__name__}: {error}")
                verdict = f"FAILED {error}"
                counts += nodes.ledger.counts
                nodes.close()
                nodes = Nodes(data=directory / str(number))
            print(f"{number:4} {failpoint}:{nth} {scenario.__name__}: {verdict} ({time.monotonic() - at:.1f} s)",
                  flush=True)
        nodes.check_listings()
    finally:
        counts += nodes.ledger.counts
        nodes.close()
    print(f"failpoints: {len(died)} of {len(names)} killed a node, {number} trials, "
          f"{dict(counts)}, slowest restart {slowest:.1f} s, {len(failures)} failures")
    return failures
