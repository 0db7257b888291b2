"""How soon everything has its copies again: after a node was killed for good, and after a node came back
with an empty disk, under writes."""
import concurrent.futures
import shutil
import time

from harness import eventually, put
from nodes import COPIES, Nodes

FILES, SIZE = 1000, 1 << 20
WIPES = 20


def digests(nodes, numbers):
    """How many of these nodes have each object, by the names on disk."""
    counts = {}
    for number in numbers:
        for path in (nodes.directory(number) / "objects").glob("*/*"):
            digest = path.name.split("-")[0]
            counts[digest] = counts.get(digest, 0) + 1
    return counts


def all_have_copies(nodes, wanted, numbers):
    counts = digests(nodes, numbers)
    return all(counts.get(digest, 0) >= COPIES for digest in wanted)


def after_a_kill(directory, files):
    """Seconds from the kill until R copies of every file are on the nodes that live."""
    with Nodes(5, data=directory) as nodes:
        with concurrent.futures.ThreadPoolExecutor(4) as clients:
            bodies = ((number, nodes.some_bytes(SIZE)) for number in range(files))
            answers = list(clients.map(
                lambda at: put(nodes.file_url(at[0] % 5 + 1, f"f{at[0]}"), at[1]), bodies))
        wanted = {answer["sha256"] for answer in answers}
        eventually(lambda: all_have_copies(nodes, wanted, nodes.numbers()), 120, "every file has its copies")
        lost = len(list((nodes.directory(1) / "objects").glob("*/*")))
        began = time.monotonic()
        nodes.kill(1)
        eventually(lambda: all_have_copies(nodes, wanted, nodes.others(1)), 300, "every file has its copies again")
        return time.monotonic() - began, lost


def after_a_wipe(directory, wipes):
    """How many of the nodes that lost their disk under writes came back, with everything at R copies."""
    returned, outcomes = 0, {}
    for turn in range(wipes):
        with Nodes(5, data=directory / str(turn)) as nodes:
            names = [f"w{turn}-{number}" for number in range(12)]
            wiped = turn % 5 + 1
            for at, name in enumerate(names):
                if at == 6:
                    nodes.kill(wiped)
                    shutil.rmtree(nodes.directory(wiped))
                    nodes.start(wiped)
                nodes.write(nodes.random.choice(nodes.others(wiped)), name, nodes.some_bytes(100_000))
            nodes.wait_ready(wiped)
            for name in names:
                nodes.check_name(name)
            nodes.check_copies(names)
            returned += 1
            for outcome, count in nodes.ledger.counts.items():
                outcomes[outcome] = outcomes.get(outcome, 0) + count
    return returned, outcomes


def run_all(minutes, short, seed, only, directory):
    failures, returned, outcomes = [], 0, {}
    try:
        seconds, lost = after_a_kill(directory / "kill", 50 if short else FILES)
        print(f"redundancy: {lost} copies were lost with the node and were made again in {seconds:.1f} s "
              "(of which 1 s is the repair delay)")
        shutil.rmtree(directory / "kill")
        returned, outcomes = after_a_wipe(directory / "wipe", 2 if short else WIPES)
    except AssertionError as violation:
        failures.append(str(violation))
    print(f"wiped nodes: {returned} of {2 if short else WIPES} returned, writes meanwhile {outcomes}")
    return failures
