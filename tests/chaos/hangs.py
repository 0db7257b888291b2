"""Nodes that hang: SIGSTOP for half of the suspicion time, for all of it and for three times as long, then SIGCONT,
under writes and reads at the others. Who hangs shorter than it takes to suspect somebody to death is
not held for dead; who hangs longer is, and comes back with all that it had."""
import random
import signal
import threading
import time

import http.client
import nodes as chaos
from harness import get_json
from nodes import Nodes, Violation, wait_until

SUSPICION_SECONDS = 0.8  # five nodes, profile loopback, everybody confirms: alpha 4, a probe each 0.2 s
PROBE_SECONDS = 0.6  # a period of probing until the failed probe comes, then its time-outs
FACTORS = (0.5, 1, 3)
TURNS = 6  # of each factor
NAMES = 4
SIZE = 60_000
ANSWER_SECONDS = 5.5  # of a node that does not hang


class Turn:
    """One hang, with three clients that write and read at the others, and an observer."""

    def __init__(self, cluster, victim, title, source):
        self.cluster, self.victim, self.title, self.source = cluster, victim, title, source
        self.lock = threading.Lock()
        self.ends = threading.Event()
        self.held_dead, self.violations, self.slowest = False, [], 0.0

    def __call__(self, seconds):
        threads = [threading.Thread(target=self._write, args=(client,)) for client in range(3)]
        threads.append(threading.Thread(target=self._watch))
        for thread in threads:
            thread.start()
        time.sleep(0.3)
        self.cluster.signal(self.victim, signal.SIGSTOP)
        time.sleep(seconds)
        self.cluster.signal(self.victim, signal.SIGCONT)
        time.sleep(0.5)
        self.ends.set()
        for thread in threads:
            thread.join()
        if self.violations:
            raise Violation(self.violations[0])

    def _write(self, client):
        others = self.cluster.others(self.victim)
        for number in range(1000):
            if self.ends.is_set():
                return
            name = f"{self.title}-{client}-{number % NAMES}"
            with self.lock:
                node, body = self.source.choice(others), self.source.randbytes(SIZE)
            began = time.monotonic()
            self.cluster.write(node, name, body)
            took = time.monotonic() - began
            self.slowest = max(self.slowest, took)
            if took > ANSWER_SECONDS:
                self.violations.append(f"node {node} answered a write after {took:.1f} s while node {self.victim} hung")
            try:
                value = self.cluster.read(node, name)
            except (OSError, http.client.HTTPException) as error:
                # That there is no such file nobody can say while one hangs who may know it.
                if None not in self.cluster.ledger.allowed(name):
                    self.violations.append(f"{name} could not be read at node {node}: {error}")
                continue
            if value not in self.cluster.ledger.passing(name):
                self.violations.append(f"node {node} served {name} as {value}, which nobody wrote")

    def _watch(self):
        asked = self.cluster.others(self.victim)[0]
        while not self.ends.is_set():
            members = get_json(self.cluster.url(asked, "/cluster"))["members"]
            port = self.cluster.url(self.victim).rsplit(":", 1)[1]
            self.held_dead |= any(m["state"] == "dead" and m["http"].endswith(f":{port}") for m in members)
            time.sleep(0.05)


def hang(cluster, factor, number, source):
    """Whether it was held for dead, and the slowest write meanwhile."""
    victim = source.choice(list(cluster.numbers()))
    turn = Turn(cluster, victim, f"x{factor}-{number}", source)
    turn(factor * SUSPICION_SECONDS)
    if not wait_until(lambda: all(cluster.alive_at(n) == cluster.count for n in cluster.numbers()), 10, 0.1):
        raise Violation(f"node {victim} was not taken back within 10 s of a hang of {factor}x the suspicion time")
    if factor * SUSPICION_SECONDS < SUSPICION_SECONDS and turn.held_dead:
        raise Violation(f"node {victim} was held for dead, but hung for {factor}x the suspicion time only")
    if factor * SUSPICION_SECONDS > 2 * (SUSPICION_SECONDS + PROBE_SECONDS) and not turn.held_dead:
        raise Violation(f"node {victim} was not held for dead, but hung for {factor}x the suspicion time")
    return turn.held_dead, turn.slowest


def run_all(minutes, short, seed, only, directory):
    source = random.Random(seed)
    failures, end = [], time.monotonic() + 60 * minutes
    results = {factor: [] for factor in FACTORS if only in f"{factor}x"}
    with Nodes(5, data=directory) as cluster:
        try:
            rounds = 0
            while rounds < (1 if short else TURNS) or time.monotonic() < end:
                for factor in results:
                    results[factor].append(hang(cluster, factor, rounds, source))
                rounds += 1
            for name in cluster.ledger.names():
                cluster.check_name(name)
            cluster.check_copies(cluster.ledger.names())
            cluster.check_listings()
        except (AssertionError, chaos.Violation) as violation:
            failures.append(str(violation))
        for factor, turns in results.items():
            print(f"hangs of {factor}x the suspicion time: {len(turns)}, held for dead {sum(dead for dead, _ in turns)} times, "
                  f"slowest write {max((slowest for _, slowest in turns), default=0):.2f} s")
        print(f"hangs: writes {dict(cluster.ledger.counts)}")
    return failures
