"""The nodes' clocks are apart by seconds to years, and jump at each restart: nothing acknowledged is lost,
and all nodes agree. Only the clock of the calendar is wrong (wrong_clock.c); waiting takes its time."""
import random
import time

import preload
from harness import eventually
from nodes import Nodes

# Within a minute of each other all writes succeed; a node refuses the versions of one further ahead.
SMALL = (0, -1, 1, -15, 15, -25, 25)
DAY = 86400
LARGE = (0, -90, 90, -3600, 3600, -DAY, DAY, -365 * DAY, 365 * DAY, -3650 * DAY, 3650 * DAY)
CONVERGENCE_SECONDS = 2


class Skewed(Nodes):
    """Each node has one of the `choice` of clocks, or what `fixed` says."""

    def __init__(self, source, directory, fixed=None):
        self.source = source
        self.library = preload.build("wrong_clock", directory)
        self.offsets, self.choice, self.fixed = {}, SMALL, fixed or {}
        super().__init__(4, data=directory)

    def start(self, number, environment_of_test=None, prefix=()):
        self.offsets[number] = self.fixed[number] if self.fixed else self.source.choice(self.choice)
        clock = {"LD_PRELOAD": str(self.library), "WRONG_CLOCK_SECONDS": str(self.offsets[number])}
        super().start(number, {**clock, **(environment_of_test or {})}, prefix)


def jump(nodes, turn):
    """Each node starts again with another clock; then every node writes the same names, one after the other."""
    nodes.choice = SMALL if turn % 2 == 0 else LARGE
    names = [f"j{turn}-{number}" for number in range(4)]
    for number in nodes.numbers():
        nodes.restart(number)
    eventually(lambda: all(nodes.alive_at(n) == nodes.count for n in nodes.numbers()), 20, "all nodes meet")
    for number in nodes.numbers():
        # The order of writes at different nodes is that of their clocks, unless the later node has heard
        # of the earlier write: it then takes a higher version.
        time.sleep(CONVERGENCE_SECONDS)
        for name in names:
            done = nodes.write(number, name, None if number == 3 else nodes.some_bytes(2_000))
            assert nodes.choice is LARGE or done == "acknowledged", f"node {number}: {done}; clocks {nodes.offsets}"
    for name in nodes.ledger.names():
        nodes.check_name(name)


def others_behind(directory, source):
    """Two nodes are so far behind that they take nothing from the first, whose uploads then go to the last."""
    with Skewed(source, directory, {1: 70, 2: 0, 3: 0, 4: 30}) as nodes:
        outcomes = [nodes.write(1, f"b{number}", nodes.some_bytes(2_000)) for number in range(20)]
        assert set(outcomes) == {"acknowledged"}, f"with one holder that can take it: {outcomes}"
        for name in nodes.ledger.names():
            nodes.check_name(name)
        ahead = int(nodes.listing(2)[0]["version"][:12], 16) / 1000 - time.time()
        assert 0 < ahead <= 70, f"the clock of the first node was {ahead:.0f} s ahead, not 70"


def run_all(minutes, short, seed, only, directory):
    failures, turns = [], 1 if short else 12
    try:
        others_behind(directory / "behind", random.Random(seed))
    except AssertionError as violation:
        failures.append(f"others behind: {violation}")
    with Skewed(random.Random(seed), directory / "jumps") as nodes:
        for turn in range(turns):
            try:
                jump(nodes, turn)
            except AssertionError as violation:
                failures.append(f"turn {turn}: {violation}")
                break
        counts = dict(nodes.ledger.counts)
    print(f"clocks: {turns} turns of 4 jumps, {counts}, {len(failures)} failures")
    return failures
