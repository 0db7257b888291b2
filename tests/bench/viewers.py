"""A thousand people watch twenty films at five nodes, of which one is slowed down, or killed.

    tests/bench/viewers.py [--viewers 1000] [--seconds 40] [--rate 500000] [--directory DIR]

Each viewer asks a random node, follows where it is sent, and reads `rate` bytes a second after a buffer of 3 s. It stalls when its buffer
runs dry; a connection that ends, or from which nothing came for 2 s, is taken up at another node from the byte that
is missing. Three runs: all well; one node at a quarter of its speed (SIGSTOP three quarters of the time); one killed. And the
same viewers at one nginx that has all films. Prints Markdown. Servers run on core 0, viewers on core 1.
"""
import argparse
import asyncio
import collections
import os
import pathlib
import random
import signal
import statistics
import tempfile
import time
import urllib.parse

import clients
import rivals
from harness import eventually, get_json

BUFFER_SECONDS = 3
SILENCE_SECONDS = 2
PIECE = 64 << 10
FILMS = 20


class Viewer:
    def __init__(self, nodes, rate, size, end, source):
        self.nodes, self.rate, self.size, self.end, self.source = nodes, rate, size, end, source
        self.received, self.stalled, self.stalls, self.switches = 0, 0.0, 0, 0
        self.began = self.first_byte = None
        self.by_port = collections.Counter()
        self.film = f"/files/film{source.randrange(FILMS)}"

    async def __call__(self):
        await asyncio.sleep(self.source.random() * 2)
        self.began = time.monotonic()
        while time.monotonic() < self.end and self.received < self.size:
            try:
                await self.watch(self.source.choice(self.nodes).url(self.film))
            except (OSError, asyncio.TimeoutError, asyncio.IncompleteReadError, ValueError):
                self.switches += 1
                await asyncio.sleep(0.05)
        if self.first_byte is not None and self.received < self.size:
            self.note_stall(self.end)

    async def watch(self, url, hops=0):
        parts = urllib.parse.urlsplit(url)
        reader, writer = await asyncio.wait_for(
            asyncio.open_connection(parts.hostname, parts.port, limit=2 * PIECE), SILENCE_SECONDS)
        try:
            path = parts.path + ("?" + parts.query if parts.query else "")
            writer.write(f"GET {path} HTTP/1.1\r\nHost: {parts.netloc}\r\nRange: bytes={self.received}-\r\n\r\n".encode())
            head = (await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), SILENCE_SECONDS)).decode("latin-1")
            status = int(head.split()[1])
            if status == 307 and hops < 2:
                place = next(line[10:].strip() for line in head.splitlines() if line.lower().startswith("location:"))
                return await self.watch(place, hops + 1)
            if status != 206:
                raise ValueError(head)
            await self.read(reader, parts.port)
        finally:
            writer.close()

    async def read(self, reader, port):
        while time.monotonic() < self.end and self.received < self.size:
            data = await asyncio.wait_for(reader.read(PIECE), SILENCE_SECONDS)
            if not data:
                raise asyncio.IncompleteReadError(b"", None)
            now = time.monotonic()
            if self.first_byte is None:
                self.first_byte = now - self.began
                self.starts = now
            self.received += len(data)
            self.by_port[port] += len(data)
            self.note_stall(now)
            ahead = self.received / self.rate - (now - self.starts - self.stalled) - BUFFER_SECONDS
            if ahead > 0:
                await asyncio.sleep(ahead)

    def note_stall(self, now):
        """What came may be later than the picture that was due."""
        late = (now - self.starts - self.stalled) - (self.received - PIECE) / self.rate
        if late > 0.001 and self.received > BUFFER_SECONDS * self.rate:
            self.stalls += 1
            self.stalled += late


async def slow_down(process, end):
    while time.monotonic() < end:
        os.kill(process.pid, signal.SIGSTOP)
        await asyncio.sleep(0.03)
        os.kill(process.pid, signal.SIGCONT)
        await asyncio.sleep(0.01)


async def run(nodes, options, size, disturb):
    source = random.Random(1)
    end = time.monotonic() + options.seconds
    viewers = [Viewer(nodes, options.rate, size, end, source) for _ in range(options.viewers)]
    tasks = [asyncio.create_task(viewer()) for viewer in viewers]
    await asyncio.sleep(options.seconds / 4)
    if disturb:
        tasks.append(asyncio.create_task(disturb(end - 1)))
    await asyncio.gather(*tasks)
    return viewers


def row(name, viewers, nodes):
    loads = collections.Counter()
    for viewer in viewers:
        loads.update(viewer.by_port)
    shares = [loads[node.port] for node in nodes]
    firsts = sorted(viewer.first_byte for viewer in viewers if viewer.first_byte is not None)
    print(f"| {name} | {len(firsts)} | {sum(v.stalls for v in viewers)} | {max(v.stalled for v in viewers):.2f} s "
          f"| {max(shares) / statistics.mean(shares):.2f} | {sum(v.switches for v in viewers)} "
          f"| {firsts[len(firsts) // 2] * 1000:.0f} ms, {firsts[int(len(firsts) * 0.99)] * 1000:.0f} ms "
          f"| {sum(loads.values()) / 1e6:.0f} MB |", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--viewers", type=int, default=1000)
    parser.add_argument("--seconds", type=float, default=40)
    parser.add_argument("--rate", type=int, default=500_000, help="bytes a second of the film")
    parser.add_argument("--directory", help="on the disk to be measured")
    options = parser.parse_args()
    os.sched_setaffinity(0, {int(rivals.CLIENT_CORE)})
    size = int(options.rate * options.seconds)
    with tempfile.TemporaryDirectory(prefix="chisme-bench-", dir=options.directory) as directory:
        root = pathlib.Path(directory)
        with rivals.five_nodes(root / "five") as cluster, rivals.nginx(root / "nginx") as nginx:
            nodes = cluster.nodes
            for number in range(FILMS):
                film = root / f"nginx/www/files/film{number}"
                film.write_bytes(os.urandom(size))
                clients.put(nodes[number % 5], f"film{number}", film, size)
            eventually(lambda: all(file["copies"] == 3 for file in get_json(cluster.url("/files"))["files"]), 60, "three copies")
            print("| | viewers | stalls | longest in all | max / mean load | taken up elsewhere | first byte, median and p99 | sent |\n"
                  "|---|--:|--:|--:|--:|--:|--:|--:|")
            row("all well", asyncio.run(run(nodes, options, size, None)), nodes)
            victim = nodes[1].node.process
            row("one node at a quarter of its speed", asyncio.run(
                run(nodes, options, size, lambda end: slow_down(victim, end))), nodes)

            async def kill(_):
                victim.kill()
            row("one node killed", asyncio.run(run(nodes, options, size, kill)), nodes)
            row("nginx alone", asyncio.run(run([nginx], options, size, None)), [nginx])


if __name__ == "__main__":
    main()
