"""What others notice of readers of files that are not in memory: how long a small answer takes meanwhile.

    tests/bench/cold.py [--files 24] [--mib 32] [--readers 8] [--rounds 3] [--directory DIR]

One node with one web loop, and nginx with one worker. A prober asks for 1 KiB every 5 ms, first alone, then while readers
fetch large files whose pages were dropped (posix_fadvise). chisme is measured twice: with files that nobody has compared with
their hashes, and with such as were compared just before their pages were dropped. Prints Markdown; medians over the
rounds. Servers on core 0, clients on core 1. DIR must be on a disk.
"""
import argparse
import contextlib
import os
import pathlib
import queue
import shutil
import statistics
import tempfile
import threading
import time

import clients
import rivals

PAUSE = 0.005


def drop_pages(directory):
    for path in pathlib.Path(directory).rglob("*"):
        if path.is_file():
            with path.open("rb") as file:
                os.fsync(file.fileno())
                os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


class Prober(threading.Thread):
    """Asks for the small file until it is stopped; seconds of each answer."""

    def __init__(self, server):
        super().__init__()
        self.server, self.seconds, self.ended = server, [], threading.Event()

    def run(self):
        request = f"GET /files/small HTTP/1.1\r\nHost: 127.0.0.1:{self.server.port}\r\n\r\n".encode()
        with clients.connect(self.server) as connection:
            while not self.ended.wait(PAUSE):
                began = time.monotonic()
                connection.sendall(request)
                _, rest = clients.head_of(connection)
                clients.swallow(connection, 1024 - len(rest))
                self.seconds.append(time.monotonic() - began)

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.ended.set()
        self.join()


def read_all(server, options):
    """Bytes a second of all readers together."""
    names, size = queue.Queue(), options.mib << 20
    for number in range(options.files):
        names.put(f"/files/large{number}")

    def read():
        with contextlib.suppress(queue.Empty):
            while True:
                clients.get(server, names.get_nowait(), size)
    readers = [threading.Thread(target=read) for _ in range(options.readers)]
    began = time.monotonic()
    for reader in readers:
        reader.start()
    for reader in readers:
        reader.join()
    return options.files * size / (time.monotonic() - began)


def quantiles(seconds):
    ordered = sorted(seconds)
    return statistics.median(ordered) * 1e3, ordered[int(len(ordered) * .99)] * 1e3, ordered[-1] * 1e3


def row(title, rounds, rate=None):
    median, p99, longest = (statistics.median(column) for column in zip(*map(quantiles, rounds)))
    told = f"{statistics.median(rate) / 1e6:.0f} MB/s" if rate else ""
    print(f"| {title} | {told} | {median:.2f} ms | {p99:.1f} ms | {longest:.0f} ms |", flush=True)


def measure(title, options, started, prepare):
    """`started()` is a context of a server and of the directory that its files are in."""
    alone, meanwhile, rates = [], [], []
    for _ in range(options.rounds):
        with started() as (server, directory):
            prepare(server)
            drop_pages(directory)
            with Prober(server) as prober:
                time.sleep(1)
            alone.append(prober.seconds[1:])
            with Prober(server) as prober:
                rates.append(read_all(server, options))
            meanwhile.append(prober.seconds[1:])
    row(f"{title}, alone", alone)
    row(f"{title}, while {options.readers} read", meanwhile, rates)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name, default in (("files", 24), ("mib", 32), ("readers", 8), ("rounds", 3)):
        parser.add_argument(f"--{name}", type=int, default=default)
    parser.add_argument("--directory", help="on the disk to be measured")
    options = parser.parse_args()
    os.sched_setaffinity(0, {int(rivals.CLIENT_CORE)})
    print("| | read | small answer, median | p99 | longest |\n|---|--:|--:|--:|--:|")
    with tempfile.TemporaryDirectory(prefix="chisme-bench-", dir=options.directory) as directory:
        root = pathlib.Path(directory)
        names = {"small": 1024, **{f"large{number}": options.mib << 20 for number in range(options.files)}}
        (root / "nginx/www/files").mkdir(parents=True)
        with rivals.chisme(root / "chisme") as node:
            for name, size in names.items():
                (root / "file").write_bytes(os.urandom(size))
                clients.put(node, name, root / "file", size)
                shutil.move(root / "file", root / "nginx/www/files" / name)

        @contextlib.contextmanager
        def chisme():
            with rivals.chisme(root / "chisme") as server:
                yield server, root / "chisme/data/objects"

        @contextlib.contextmanager
        def nginx():
            with rivals.nginx(root / "nginx") as server:
                yield server, root / "nginx/www"
        measure("nginx", options, nginx, lambda server: None)
        measure("chisme, not compared yet", options, chisme, lambda server: None)
        measure("chisme, compared a moment ago", options, chisme, lambda server: read_all(server, options))


if __name__ == "__main__":
    main()
