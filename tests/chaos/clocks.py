"""The nodes' clocks are apart by seconds to years, and jump at each restart: nothing acknowledged is lost,
and all nodes agree. Only the clock of the calendar is wrong (libfaketime); waiting takes its time."""
import pathlib
import random
import time

from harness import eventually
from nodes import Nodes

LIBRARY = pathlib.Path("/usr/lib/x86_64-linux-gnu/faketime/libfaketimeMT.so.1")
# Within a minute of each other all writes succeed; a node refuses the versions of one further ahead.
SMALL = ("+0", "-1", "+1", "-15", "+15", "-25", "+25")
LARGE = ("+0", "-90", "+90", "-3600", "+3600", "-1d", "+1d", "-365d", "+365d", "-3650d", "+3650d")
CONVERGENCE_SECONDS = 2


def environment(offset):
    return {"LD_PRELOAD": str(LIBRARY), "FAKETIME": offset, "FAKETIME_DONT_FAKE_MONOTONIC": "1"}


class Skewed(Nodes):
    def __init__(self, source, directory):
        self.source = source
        self.offsets, self.choice = {}, SMALL
        super().__init__(4, data=directory)

    def start(self, number, environment_of_test=None, prefix=()):
        self.offsets[number] = self.source.choice(self.choice)
        super().start(number, {**environment(self.offsets[number]), **(environment_of_test or {})}, prefix)


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


def run_all(minutes, short, seed, only, directory):
    if not LIBRARY.exists():
        return [f"{LIBRARY} is missing: tests/run.sh installs it"]
    failures, turns = [], 1 if short else 12
    with Skewed(random.Random(seed), directory) as nodes:
        for turn in range(turns):
            try:
                jump(nodes, turn)
            except AssertionError as violation:
                failures.append(f"turn {turn}: {violation}")
                break
        counts = dict(nodes.ledger.counts)
    print(f"clocks: {turns} turns of 4 jumps, {counts}, {len(failures)} failures")
    return failures
