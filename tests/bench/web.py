"""The web tier beside nginx and haproxy: one node, one web loop on core 0, the client on core 1.

    tests/bench/web.py [--seconds 3] [--rounds 5] [--only TEXT] [--directory DIR] [--check]

Prints one Markdown row for each case: what chisme and the rival reach, and medians over the rounds of the ratios
chisme / rival of throughput (more is better) and of the server's CPU seconds for the same work (less is better).
In each round both are measured one after the other, in turn first. With --check it fails where a throughput is
less than half of what docs/performance.md says, in multiples of the rival: a gross regression, not a busy machine.
"""
import argparse
import contextlib
import pathlib
import re
import shutil
import statistics
import sys
import tempfile

import clients
import rivals

LARGE = 1 << 30
SMALL = {"1 KiB": 1 << 10, "16 KiB": 16 << 10, "256 KiB": 256 << 10}


RECORD = pathlib.Path(__file__).resolve().parents[2] / "docs/performance.md"


def recorded_ratios():
    """name of a row -> median ratio of throughput."""
    row = re.compile(r"^\| ([^|]+?) \|[^|]*\|[^|]*\| \*\*([0-9.]+)\*\* \|")
    found = (row.match(line) for line in RECORD.read_text().splitlines())
    return {match[1]: float(match[2]) for match in found if match}


class Bench:
    def __init__(self, options, root):
        self.options, self.root = options, root
        self.recorded, self.failures = recorded_ratios() if options.check else {}, []

    def __enter__(self):
        with contextlib.ExitStack() as stack:
            self.start(stack)
            self.stack = stack.pop_all()
        return self

    def __exit__(self, *unused):
        self.stack.close()

    def start(self, stack):
        self.source = self.root / "source"
        with self.source.open("wb") as out, open("/dev/urandom", "rb") as random:
            for _ in range(LARGE >> 20):
                out.write(random.read(1 << 20))
        prefix = rivals.certificate(self.root / "ca")
        self.nginx = stack.enter_context(rivals.nginx(self.root / "nginx", prefix))
        self.haproxy = stack.enter_context(rivals.haproxy(self.root / "haproxy"))
        # Plain clients of this machine are served as without a certificate, once they have connected.
        self.chisme = stack.enter_context(rivals.chisme(
            self.root / "one", "--tls-certificate", f"{prefix}.pem", "--tls-key", f"{prefix}.key"))
        self.chisme_tls = rivals.Server("chisme", self.chisme.port, self.chisme.pids, "https")
        peer = f"127.0.0.1:{self.chisme.port + 1000}"
        self.other = stack.enter_context(rivals.chisme(self.root / "other", "--join", peer))
        self.five = stack.enter_context(rivals.five_nodes(self.root / "five"))
        secret = rivals.secret(self.root / "secret")
        self.sealed = stack.enter_context(rivals.five_nodes(self.root / "sealed", "--secret-file", secret))
        self.fill()

    def fill(self):
        www = self.root / "nginx/www/files"
        shutil.copy(self.source, www / "large")
        clients.put(self.chisme, "large", self.source, LARGE)
        for name, size in SMALL.items():
            with self.source.open("rb") as source:
                (www / str(size)).write_bytes(source.read(size))
            clients.put(self.chisme, str(size), www / str(size), size)

    def row(self, name, ours, theirs, rival, rate, cost):
        """`ours` and `theirs` measure once each; `rate` and `cost` are names of attributes of a Run."""
        if self.options.only not in name:
            return
        pairs = []
        for number in range(self.options.rounds):
            first = ours() if number % 2 == 0 else None
            other = theirs()
            pairs.append((first or ours(), other))
        ratios = [getattr(a, rate) / getattr(b, rate) for a, b in pairs]
        costs = [getattr(a, cost) / max(getattr(b, cost), 1e-9) for a, b in pairs]
        if statistics.median(ratios) < self.recorded.get(name, 0) / 2:
            self.failures.append(f"{name}: {statistics.median(ratios):.2f} of {rival}, once {self.recorded[name]}")
        middle = [statistics.median(getattr(run, rate) for run in side) for side in zip(*pairs)]
        unit, by = ("GB/s", 1e9) if rate == "bytes_per_second" else ("/s", 1)
        of_cost = [statistics.median(getattr(run, cost) for run in side) for side in zip(*pairs)]
        print(f"| {name} | {middle[0] / by:.5g} {unit} | {rival} {middle[1] / by:.5g} {unit} "
              f"| **{statistics.median(ratios):.2f}** | {of_cost[0]:.3f} s, {of_cost[1]:.3f} s "
              f"| **{statistics.median(costs):.2f}** |", flush=True)

    def run(self):
        print("| | chisme | beside | throughput | CPU for a GB or 10 000 requests | CPU |\n|---|--:|--:|--:|--:|--:|")
        seconds = self.options.seconds
        by_bytes = ("bytes_per_second", "cpu_per_gb")
        by_requests = ("requests_per_second", "cpu_per_10k")
        for connections in (1, 64):
            self.row(f"GET of 1 GiB, {connections} connections",
                     lambda: clients.wrk(self.chisme, "/files/large", connections, seconds),
                     lambda: clients.wrk(self.nginx, "/files/large", connections, seconds), "nginx", *by_bytes)
        for connections in (1, 16):
            self.row(f"GET of 1 GiB by TLS, {connections} connections",
                     lambda: clients.wrk(self.chisme_tls, "/files/large", connections, seconds),
                     lambda: clients.wrk(self.nginx.tls, "/files/large", connections, seconds), "nginx", *by_bytes)
        for name, size in SMALL.items():
            self.row(f"GET of {name}, 64 connections",
                     lambda: clients.wrk(self.chisme, f"/files/{size}", 64, seconds),
                     lambda: clients.wrk(self.nginx, f"/files/{size}", 64, seconds), "nginx", *by_requests)
        for rival, path in ((self.haproxy, "/files/large"), (self.nginx, "/elsewhere/large")):
            self.row(f"307 to the holder, 64 connections, {rival.name}",
                     lambda: clients.wrk(self.other, "/files/large", 64, seconds),
                     lambda: clients.wrk(rival, path, 64, seconds), rival.name, *by_requests)
        self.row("WebSocket push of 1 GiB", lambda: clients.ws_push(self.chisme, "large", LARGE),
                 lambda: clients.get(self.chisme, "/files/large", LARGE), "its GET", *by_bytes)
        self.row("WebSocket pull of 1 GiB, blocks of 256 KiB", lambda: clients.ws_pull(self.chisme, "large", LARGE),
                 lambda: clients.get(self.chisme, "/files/large", LARGE), "its GET", *by_bytes)
        self.row("PUT of 1 GiB, R = 1", lambda: clients.put(self.chisme, "put", self.source, LARGE),
                 lambda: clients.put(self.nginx, "put", self.source, LARGE), "nginx DAV", *by_bytes)
        self.row("PUT of 1 GiB to one of five nodes, R = 3, W = 2", lambda: clients.put(self.five, "put", self.source, LARGE),
                 lambda: clients.put_in_a_row(self.nginx, ("put", "put2", "put3"), self.source, LARGE), "three nginx PUTs",
                 *by_bytes)
        self.row("The same with a secret, so by TLS among the nodes",
                 lambda: clients.put(self.sealed, "put", self.source, LARGE),
                 lambda: clients.put(self.five, "put", self.source, LARGE), "without", *by_bytes)
        self.row("WebSocket upload of 1 GiB", lambda: clients.ws_upload(self.chisme, "ws", self.source, LARGE),
                 lambda: clients.put(self.chisme, "put", self.source, LARGE), "its PUT", *by_bytes)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=int, default=3)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--only", default="")
    parser.add_argument("--directory", help="on the disk to be measured")
    parser.add_argument("--check", action="store_true", help="compare with the recorded ratios")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="chisme-bench-", dir=options.directory) as directory:
        root = pathlib.Path(directory)
        root.chmod(0o755)
        with Bench(options, root) as bench:
            bench.run()
            failures = bench.failures
    if failures:
        sys.exit("\n".join(failures))


if __name__ == "__main__":
    main()
