"""How soon one node starts on many files, lists them, and stores more below a quota of them all: time and memory.

    tests/bench/many_files.py [--files 100000 1000000] [--directory DIR]

The node's catalogue and its (empty) objects are made by build/release/tests/bench/fill_node, target `fill_node`; the node
then really starts on them, and lists them over HTTP in pages of 1000. Started twice: a start writes first what it
finds to be new. At last files of 1 KiB are stored one after another, below the quota and elsewhere in turn.
"""
import argparse
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "end_to_end"))
from harness import ROOT, Node, get_json, put, resident_bytes  # noqa: E402

FILL = ROOT / "build/release/tests/bench/fill_node"
OPTIONS = ("--scrub-period", "3650d",  # the objects are not what their names say
           "--copies", "1", "--durable", "1", "--prefix-quota", "photos/=1T")


def start(data):
    began = time.monotonic()
    node = Node(data, OPTIONS)
    node.wait_ready(900)
    return node, time.monotonic() - began


def list_all(node):
    began, listed, after = time.monotonic(), 0, ""
    while after is not None:
        page = get_json(node.url(f"/files?limit=1000&after={after}"))
        listed, after = listed + len(page["files"]), page["next"]
    return listed, time.monotonic() - began


def store(node, seconds=30):
    """What a PUT takes, in milliseconds, for each of two places."""
    took = {"photos/new": [], "elsewhere": []}
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        for place, times in took.items():
            began = time.monotonic()
            put(node.url(f"/files/{place}/{len(times)}"), bytes(1024))
            times.append(1000 * (time.monotonic() - began))
    return took


def percentile(times, part):
    return sorted(times)[min(len(times) - 1, int(part * len(times)))]


def measure(data, count):
    began = time.monotonic()
    subprocess.run([FILL, data, str(count)], check=True)
    filled = time.monotonic() - began
    node, _ = start(data)
    node.close()
    node, started = start(data)
    with node:
        fresh = resident_bytes(node.process.pid)
        listed, seconds = list_all(node)
        assert listed == count, f"{listed} files are listed, not {count}"
        began = time.monotonic()
        assert get_json(node.url("/cluster"))["files"] == count
        counted = time.monotonic() - began
        size = (data / "catalogue.sqlite").stat().st_size
        print(f"{count} files: filled in {filled:.0f} s, catalogue {size >> 20} MiB on disk; ready {started:.1f} s after the "
              f"start, resident {fresh >> 20} MiB; listed in {seconds:.1f} s, /cluster in {counted:.1f} s, then resident "
              f"{resident_bytes(node.process.pid) >> 20} MiB", flush=True)
        for place, times in store(node).items():
            print(f"  PUT of 1 KiB, {place}: {len(times)} of them, median {statistics.median(times):.1f} ms, of a hundred the slowest "
                  f"{percentile(times, 0.99):.0f} ms, of all {max(times):.0f} ms", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--files", type=int, nargs="+", default=[100_000, 1_000_000])
    parser.add_argument("--directory", help="on the disk to be measured")
    options = parser.parse_args()
    for count in options.files:
        with tempfile.TemporaryDirectory(prefix="chisme-bench-", dir=options.directory) as directory:
            measure(pathlib.Path(directory) / "node", count)


if __name__ == "__main__":
    main()
