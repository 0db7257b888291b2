"""Two programs of chisme beside each other: what a change costs.

    tests/bench/versions.py OLD NEW [--turns 9] [--only TEXT]

For each case each program's node, which has core 0 to itself, is measured for a second in turn, which goes first
alternating. Prints one Markdown row for each: medians of both, and new / old of throughput and of CPU.
"""
import argparse
import contextlib
import pathlib
import statistics
import tempfile

import clients
import rivals
from rivals import eventually, get_json
from harness import put

FILES = {"1k": 1 << 10, "16k": 16 << 10, "256k": 256 << 10, "256m": 256 << 20}
BY_REQUESTS = ("requests_per_second", 1, "/s", "cpu_per_10k")
BY_BYTES = ("bytes_per_second", 1e9, "GB/s", "cpu_per_gb")
CASES = {"GET of 1 KiB": ("holder", "1k", 64, BY_REQUESTS), "GET of 16 KiB": ("holder", "16k", 64, BY_REQUESTS),
         "GET of 256 KiB": ("holder", "256k", 64, BY_REQUESTS), "307 to the holder": ("other", "16k", 64, BY_REQUESTS),
         "GET of 256 MiB, one connection": ("holder", "256m", 1, BY_BYTES), "GET of 256 MiB": ("holder", "256m", 64, BY_BYTES)}


def pair_of(stack, program, root):
    """The node that holds the files, and one that sends clients to it."""
    rivals.harness.CHISME = program
    holder = stack.enter_context(rivals.chisme(root / "holder"))
    other = stack.enter_context(rivals.chisme(root / "other", "--join", f"127.0.0.1:{holder.port + 1000}"))
    eventually(lambda: len(get_json(other.url("/cluster"))["members"]) == 2, 20, "both meet")
    for name, size in FILES.items():
        put(holder.url(f"/files/{name}"), bytes(size))
        eventually(lambda: get_json(other.url(f"/route?file={name}"))["replicas"], 20, "the other has heard of it")
    return {"holder": holder, "other": other}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("old")
    parser.add_argument("new")
    parser.add_argument("--turns", type=int, default=9)
    parser.add_argument("--only", default="")
    options = parser.parse_args()
    print("| 64 connections, unless said | old | new | throughput | CPU for 10 000 or a GB, old and new | CPU |\n|---|--:|--:|--:|--:|--:|")
    with contextlib.ExitStack() as stack:
        root = pathlib.Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="chisme-bench-")))
        pairs = [pair_of(stack, str(pathlib.Path(program).resolve()), root / str(number))
                 for number, program in enumerate((options.old, options.new))]
        for case, (who, name, connections, (rate, unit, unit_name, cost)) in CASES.items():
            if options.only not in case:
                continue
            runs = ([], [])
            for turn in range(options.turns):
                for side in (0, 1) if turn % 2 == 0 else (1, 0):
                    runs[side].append(clients.wrk(pairs[side][who], f"/files/{name}", connections, 1))
            rates = [statistics.median(getattr(run, rate) for run in side) / unit for side in runs]
            costs = [statistics.median(getattr(run, cost) for run in side) for side in runs]
            print(f"| {case} | {rates[0]:.5g} {unit_name} | {rates[1]:.5g} {unit_name} | **{rates[1] / rates[0]:.2f}** "
                  f"| {costs[0]:.3f} s, {costs[1]:.3f} s | **{costs[1] / costs[0]:.2f}** |", flush=True)


if __name__ == "__main__":
    main()
