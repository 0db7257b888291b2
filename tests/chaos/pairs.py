"""Two of four nodes are armed, each with another failpoint of writing, and die of them at about the same time.

What was acknowledged is then at every node, what was refused at none, and there are R copies of everything.
"""
import random
import time

import failpoints
from failpoints import LARGE, SMALL, copies, delete, put
from nodes import Nodes, Violation, wait_until

PAIRS = 40
TURNS = 60  # of three writes, until both died


def points(*scenarios):
    """The failpoints that these scenarios pass."""
    return sorted(name for name, passing in failpoints.SCENARIOS.items() if set(scenarios) & set(passing))


def arm(nodes, armed):
    for number, point in armed.items():
        nodes.kill(number)
        nodes.start(number, {"CHISME_FAILPOINT": point})
    for number in armed:
        wait_until(lambda n=number: not nodes.runs(n) or is_ready(nodes, n), 20)


def is_ready(nodes, number):
    try:
        return nodes.alive_at(number) == nodes.count
    except (OSError, AssertionError):
        return False


def play(nodes, trial, armed):
    """How many of both died."""
    arm(nodes, armed)
    first, second = armed
    names = []
    for turn in range(TURNS):
        if not any(nodes.runs(number) for number in armed):
            break
        for at in (first, second, nodes.random.choice(nodes.others(first, second))):
            name = f"p{trial}-{nodes.random.randrange(8)}"
            names.append(name)
            removal = turn > 2 and nodes.random.random() < 0.3
            nodes.write(at, name, None if removal else nodes.some_bytes(nodes.random.choice((SMALL, LARGE))))
    died = [number for number in armed if not nodes.runs(number)]
    for number in died:
        if f"failpoint {armed[number].split(':')[0]}\n" not in nodes.log(number):
            raise Violation(f"node {number} did not die of its failpoint: {nodes.log(number)[-500:]}")
    for number in armed:
        nodes.kill(number)
        nodes.start(number)
    for number in armed:
        nodes.wait_ready(number)
    for name in sorted(set(names)):
        nodes.check_name(name)
    nodes.check_copies(sorted(set(names)))
    return len(died)


def run_all(minutes, short, seed, only, directory):
    source, failures, died, trial = random.Random(seed), [], [], 0
    began = time.monotonic()
    with Nodes(data=directory) as nodes:
        while trial < (3 if short else PAIRS) or (not short and time.monotonic() - began < 60 * minutes):
            trial += 1
            numbers = source.sample(list(nodes.numbers()), 2)
            chosen = source.choice(points(put, delete)), source.choice(points(copies))
            armed = {number: f"{point}:{source.randint(1, 3)}" for number, point in zip(numbers, chosen)}
            try:
                died.append(play(nodes, trial, armed))
            except AssertionError as violation:
                failures.append(f"{armed}: {violation}")
                break
        counts = dict(nodes.ledger.counts)
    print(f"pairs: both died in {died.count(2)} of {trial} trials, one in {died.count(1)}, {counts}, {len(failures)} failures")
    if not failures and died.count(2) < len(died) / 2:
        failures.append("too few pairs died together to mean anything")
    return failures
