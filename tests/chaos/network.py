"""Packets between the nodes are lost: partitions of every kind, one-way ones, of one protocol, of long packets,
flapping ones, and random loss. Clients reach all nodes and write, read and remove all the time.

During it: what was acknowledged is never denied (404) by a node that cannot know, refused writes never show,
the larger part goes on writing, and where packets only get lost nobody is taken for dead. After it, all
nodes agree, on what was acknowledged, within two rounds of anti-entropy.
"""
import contextlib
import http.client
import random
import threading
import time

import namespaces
import wires
from harness import get_json, request, sha256
from nodes import Nodes, Violation, wait_until

COUNT = 5
# Uploads wait for seconds for holders that do not answer, and their copies have no name until then.
OPTIONS = ("--repair-delay", "1s", "--last-copy-repair-delay", "1s", "--keep-surplus", "3s", "--keep-removed", "1m")
AGREEMENT_SECONDS = 20  # two rounds of 10 s, as `chisme node` has them on loopback
DETECTION_SECONDS = 4  # from when on a node that is cut off, or one that is not, must know
PATIENCE_SECONDS = 15  # no answer takes longer
WRITERS, READERS = 4, 6  # half of each keep to nodes that must go on: one that hangs must not stop them all
NAMES = 8  # of each writer, written again and again and removed
ONE, REST = (1,), (2, 3, 4, 5)
FEW, MOST = (1, 2), (3, 4, 5)
ALL = (1, 2, 3, 4, 5)
LONG_PACKET_BYTES = 1000


def both_ways(some, others, what=""):
    return [wires.dropped(some, others, what), wires.dropped(others, some, what)]


def loss(share, what=""):
    return [wires.dropped(ALL, ALL, what, share)]


class Case:
    """`cut`: the nodes that have lost touch with the majority. `writes`: those that must go on writing. `none_dead`:
    nobody may be taken for dead, for packets get through. No `writes`: too much is lost to expect any in time."""

    def __init__(self, rules, cut=(), writes=ALL, none_dead=False, flaps=False):
        self.rules, self.cut, self.writes = rules, cut, writes
        self.none_dead, self.flaps = none_dead, flaps


CASES = {
    "isolated": Case(both_ways(ONE, REST), ONE, REST),
    "halves": Case(both_ways(FEW, MOST), FEW, ALL),
    "nothing leaves one": Case([wires.dropped(ONE, REST)], ONE, REST),
    "nothing reaches one": Case([wires.dropped(REST, ONE)], ONE, REST),
    "no UDP to and from one": Case(both_ways(ONE, REST, "ip protocol udp"), (), REST, none_dead=True),
    "no TCP to and from one": Case(both_ways(ONE, REST, "ip protocol tcp"), ONE, REST),
    "no long packets to and from one": Case(both_ways(ONE, REST, f"ip length > {LONG_PACKET_BYTES}"), (), REST,
                                            none_dead=True),
    "flapping": Case(both_ways(ONE, REST), (), REST, flaps=True),
    "1 % lost": Case(loss(0.01), none_dead=True),
    "5 % lost": Case(loss(0.05), none_dead=True),
    "10 % lost": Case(loss(0.1), none_dead=True),
    "30 % of UDP lost": Case(loss(0.3, "ip protocol udp"), none_dead=True),
    "30 % lost": Case(loss(0.3), writes=()),
}
SHORT = ("isolated", "30 % of UDP lost")


class Wired(Nodes):
    def start(self, number, environment=None, prefix=()):
        super().start(number, environment, (*wires.inside(number), *prefix))

    def address(self, number):
        return wires.address(number)


class Kept:
    """Names that are written once and never removed: who wrote them where."""

    def __init__(self):
        self.written = []  # (name, node); appended once acknowledged

    def some(self, source):
        recent = self.written[-60:]
        return source.choice(recent) if recent else None


class Clients:
    """Write, read and remove through all nodes until they are stopped."""

    def __init__(self, nodes, case, title, source):
        self.nodes, self.case, self.title = nodes, case, title
        self.kept = Kept()
        self.violations = []
        self.seen = []  # (name, value) of every read that was answered
        self.writes = []  # (node, when it was called, how long it took, outcome)
        self.statuses = {}
        self.began = None  # when the network got bad
        self.stop = threading.Event()
        self.lock = threading.Lock()
        self.threads = [threading.Thread(target=self._run, args=(work, number, random.Random(source.random())))
                        for work, count in ((self._write, WRITERS), (self._read, READERS)) for number in range(count)]

    def __enter__(self):
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *unused):
        self.stop.set()
        for thread in self.threads:
            thread.join()

    def _run(self, work, number, source):
        turn = 0
        while not self.stop.is_set():
            work(number, turn, source)
            turn += 1
            time.sleep(source.uniform(0, 0.02))

    def _write(self, writer, turn, source):
        node = self._node(writer, source)
        keep = source.random() < 0.3
        name = f"{self.title}/w{writer}/" + (f"kept{turn}" if keep else str(source.randrange(NAMES)))
        body = None if not keep and source.random() < 0.2 else source.randbytes(source.choice((30, 4_000, 150_000)))
        called = time.monotonic()
        outcome = self.nodes.write(node, name, body, PATIENCE_SECONDS)
        took = time.monotonic() - called
        with self.lock:
            if body is not None:  # a removal of nothing is refused too
                self.writes.append((node, called, took, outcome))
            if self.case.writes and took > PATIENCE_SECONDS - 1:
                self.violations.append(f"node {node} answered a write after {took:.1f} s, or never")
        if keep and outcome == "acknowledged":
            self.kept.written.append((name, node))

    def _read(self, reader, turn, source):
        node = self._node(reader, source)
        found = self.kept.some(source) if source.random() < 0.7 else None
        name = found[0] if found else f"{self.title}/w{source.randrange(WRITERS)}/{source.randrange(NAMES)}"
        called = time.monotonic()
        cut_before = self.is_cut(node)
        try:
            status, _, body = request(self.nodes.file_url(node, name, "?via=proxy"), timeout=PATIENCE_SECONDS)
        except (OSError, http.client.HTTPException):
            status, body = "broken off", b""
        with self.lock:
            counted = self.statuses.setdefault("cut off" if cut_before else "others", {})
            count, longest = counted.get(status, (0, 0))
            counted[status] = (count + 1, round(max(longest, time.monotonic() - called), 1))
            if status == 200:
                self.seen.append((name, sha256(body)))
            if status == 410:
                self.violations.append(f"node {node} says that no copy is left of {name}")
            if status == 404 and cut_before and self.is_cut(node):
                self.violations.append(f"node {node}, cut off, says that there is no {name}")
            if status == 404 and found and not self._may_be_unknown(found[1], node):
                self.violations.append(f"node {node} denies {name}, which node {found[1]} acknowledged")
            if self.case.writes and time.monotonic() - called > PATIENCE_SECONDS - 1:
                self.violations.append(f"node {node} answered a read late or never")

    def _node(self, client, source):
        return source.choice(self.case.writes if client % 2 and self.case.writes else ALL)

    # Whether the node has been cut off for long enough to know.
    def is_cut(self, node):
        return (self.began is not None and node in self.case.cut
                and time.monotonic() - self.began > DETECTION_SECONDS)

    # W nodes that are cut off from the others may acknowledge what the others cannot know of.
    def _may_be_unknown(self, writer, reader):
        return len(self.case.cut) > 1 and writer in self.case.cut and reader not in self.case.cut

    def outcomes(self, nodes, since, until):
        """Of the writes at these nodes that began in that time: {outcome: count}, and the longest."""
        those = [(outcome, took) for node, called, took, outcome in self.writes
                 if node in nodes and since <= called and called + took < until]
        counts = {}
        for outcome, _ in those:
            counts[outcome] = counts.get(outcome, 0) + 1
        return counts, max((took for _, took in those), default=0)


class Watch(threading.Thread):
    """Asks every node whom it takes for dead."""

    def __init__(self, nodes):
        super().__init__()
        self.nodes, self.deaths, self.stop = nodes, set(), threading.Event()

    def run(self):
        while not self.stop.wait(0.2):
            for number in ALL:
                with contextlib.suppress(OSError, http.client.HTTPException, AssertionError):
                    for member in get_json(self.nodes.url(number, "/cluster"))["members"]:
                        if member["state"] == "dead":
                            self.deaths.add((number, member["node"]))


def disturb(case, seconds, source):
    """The network is bad for so long."""
    end = time.monotonic() + seconds
    wires.set_rules(case.rules)
    while case.flaps and time.monotonic() < end:
        time.sleep(source.uniform(0.2, 1.5))
        wires.set_rules([])
        time.sleep(source.uniform(0.2, 1))
        wires.set_rules(case.rules)
    time.sleep(max(0, end - time.monotonic()))
    wires.set_rules([])


def agreement(nodes):
    """Seconds until all nodes list the same."""
    began = time.monotonic()

    def listed():
        return [sorted((f["name"], f["version"], f["sha256"]) for f in nodes.listing(n)) for n in ALL]

    def agreed():
        try:
            lists = listed()
        except (OSError, http.client.HTTPException, AssertionError):
            return False
        return all(one == lists[0] for one in lists)
    if not wait_until(agreed, AGREEMENT_SECONDS, 0.1):
        lists = [set(one) for one in listed()]
        differ = sorted(set.union(*lists) - set.intersection(*lists))[:3]
        raise Violation(f"the nodes do not list the same {AGREEMENT_SECONDS} s after it, of {differ}")
    return time.monotonic() - began


def play(nodes, title, seconds, source):
    """One case. Prints its figures; returns what it found."""
    case = CASES[title]
    watch = Watch(nodes)
    with Clients(nodes, case, title, source) as clients:
        time.sleep(1)
        watch.start()
        clients.began = time.monotonic()
        disturb(case, seconds, source)
        healed = time.monotonic()
    watch.stop.set()
    watch.join()
    found = clients.violations
    since = clients.began + DETECTION_SECONDS
    counts, longest = clients.outcomes(case.writes, since, healed)
    lonely, _ = clients.outcomes(case.cut, since, healed)
    least = max(5, 0.9 * sum(counts.values()))
    if case.writes and counts.get("acknowledged", 0) < least:
        found.append(f"the nodes {case.writes} do not go on writing: {counts}")
    if len(case.cut) == 1 and lonely.get("acknowledged"):
        found.append(f"node {case.cut[0]}, all alone, acknowledged {lonely['acknowledged']} writes")
    if case.none_dead and watch.deaths:
        found.append(f"taken for dead although packets got through: {sorted(watch.deaths)}")
    took = None
    try:
        took = agreement(nodes)
        for name in nodes.ledger.names():
            nodes.check_name(name)
    except AssertionError as violation:
        found.append(str(violation))
    found += [f"somebody was shown a {name} that was refused or that nobody wrote" for name, value in clients.seen
              if value not in nodes.ledger.passing(name)]
    print(f"  {title}: writes {counts}, longest {longest:.1f} s; at nodes cut off {lonely}; reads {clients.statuses}; "
          f"taken for dead {len(watch.deaths)} times; all agree after {took and round(took, 1)} s", flush=True)
    nodes.ledger.attempts.clear()
    return [f"{title}: {sentence}" for sentence in found[:5]]


def play_all(short, seed, only, directory):
    wires.lay(COUNT)
    source, failures = random.Random(seed), []
    for title in [title for title in (SHORT if short else CASES) if only in title]:
        with Wired(COUNT, OPTIONS, directory / title) as nodes:
            failures += play(nodes, title, 8 if short else 15, source)
    return failures


def run_all(minutes, short, seed, only, directory):
    try:
        return namespaces.run(namespaces.NETWORK, play_all, short, seed, only, directory)
    except namespaces.NotAllowed as error:
        print(f"network: SKIPPED: {error}")
        return []
