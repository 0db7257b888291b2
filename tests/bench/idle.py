"""What a node costs that does nothing: memory with nothing in it, memory for each idle connection, time to start.

    tests/bench/idle.py [--connections 10000] [--directory DIR]

Prints Markdown rows. Connections are opened by this process, from loopback, and say nothing after their greeting. Memory
is resident memory; what the kernel holds for a socket is not in it.
"""
import argparse
import contextlib
import pathlib
import resource
import statistics
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "end_to_end"))
from harness import Node, resident_bytes  # noqa: E402

import clients  # noqa: E402

KINDS = {"HTTP with keep-alive": lambda node: (clients.get_once(node, "/healthz"), b""),
         "WebSocket, /ws/read": lambda node: clients.websocket(node, "/ws/read"),
         "WebSocket, /ws/cluster": lambda node: clients.websocket(node, "/ws/cluster")}


def start_seconds(data):
    began = time.monotonic()
    node = Node(data)
    node.wait_ready(60)
    return node, time.monotonic() - began


def per_connection(node, open_one, count):
    """Resident bytes for each of `count` connections that are open at once."""
    before = resident_bytes(node.process.pid)
    with contextlib.ExitStack() as stack:
        for _ in range(count):
            stack.enter_context(open_one(node)[0])
        time.sleep(2)
        return (resident_bytes(node.process.pid) - before) / count


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--connections", type=int, default=10_000)
    parser.add_argument("--directory", help="on the disk to be measured")
    options = parser.parse_args()
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    print("| | |\n|---|--:|")
    with tempfile.TemporaryDirectory(prefix="chisme-bench-", dir=options.directory) as directory:
        data = pathlib.Path(directory) / "node"
        starts = []
        for _ in range(5):
            node, seconds = start_seconds(data)
            node.close()
            starts.append(seconds)
        print(f"| an empty node is ready after (median of {len(starts)}) | {statistics.median(starts) * 1000:.0f} ms |")
        for kind, open_one in KINDS.items():
            node, _ = start_seconds(data)
            with node:
                empty = resident_bytes(node.process.pid)
                if kind.startswith("HTTP"):
                    print(f"| memory of an idle node | {empty / (1 << 20):.1f} MiB |")
                each = per_connection(node, open_one, options.connections)
                print(f"| each of {options.connections} idle connections, {kind} | {each / 1024:.1f} KiB |", flush=True)


if __name__ == "__main__":
    main()
