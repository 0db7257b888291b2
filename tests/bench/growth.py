"""How the web tier grows: with loops, connections, files and nodes.

    tests/bench/growth.py [--seconds 3] [--rounds 3] [--files 1 1000 100000 1000000] [--directory DIR] [--svg FILE]

Prints Markdown, one table for each; medians over the rounds. Servers on core 0 and wrk on core 1, but for the loops, where
both share both cores. Files come from build/release/tests/bench/fill_node (target `fill_node`).
"""
import argparse
import contextlib
import pathlib
import resource
import statistics
import subprocess
import tempfile
import time

import clients
import plot
import rivals
from harness import ROOT, eventually, get_json, resident_bytes

FILL = ROOT / "build/release/tests/bench/fill_node"
LOOPS, CONNECTIONS, NODES = (1, 2, 4), (10, 1000, 10_000), (1, 3, 5, 9)
SIZE = 16 << 10


class Growth:
    def __init__(self, options, root):
        self.options, self.root, self.panels = options, root, []
        self.file = root / "file"
        self.file.write_bytes(b"c" * SIZE)

    def requests(self, server, path="/files/small", connections=64):
        """Requests a second, and CPU of the server for 10 000, of the median runs."""
        runs = [clients.wrk(server, path, connections, self.options.seconds) for _ in range(self.options.rounds)]
        return (statistics.median(run.requests_per_second for run in runs),
                statistics.median(run.cpu_per_10k for run in runs))

    def table(self, head, rows):
        print("\n| " + " | ".join(head) + " |\n|" + "--:|" * len(head))
        for row in rows:
            print("| " + " | ".join(row) + " |", flush=True)

    def loops(self):
        rates = []
        for count in LOOPS:
            with tempfile.TemporaryDirectory(dir=self.root) as data, \
                    rivals.chisme(pathlib.Path(data), web_loops=count, prefix=()) as server:
                clients.put(server, "small", self.file, SIZE)
                rates.append(self.requests(server))
        self.table(("web loops", "GET of 16 KiB", "CPU for 10 000"),
                   [(str(n), f"{rate:.0f} /s", f"{cpu:.3f} s") for n, (rate, cpu) in zip(LOOPS, rates)])
        self.panels.append(("GETs/s over web loops", LOOPS, {"16 KiB": [rate for rate, _ in rates]}))

    def connections(self):
        ours, theirs = [], []
        with rivals.chisme(self.root / "connected") as server, rivals.nginx(self.root / "nginx") as nginx:
            clients.put(server, "small", self.file, SIZE)
            (self.root / "nginx/www/files/small").write_bytes(self.file.read_bytes())
            for count in CONNECTIONS:
                ours.append(self.requests(server, connections=count))
                theirs.append(self.requests(nginx, connections=count))
        self.table(("connections", "GET of 16 KiB", "CPU for 10 000", "nginx", "CPU for 10 000"),
                   [(str(n), f"{a[0]:.0f} /s", f"{a[1]:.3f} s", f"{b[0]:.0f} /s", f"{b[1]:.3f} s")
                    for n, a, b in zip(CONNECTIONS, ours, theirs)])
        self.panels.append(("GETs/s over connections", CONNECTIONS,
                            {"chisme": [a[0] for a in ours], "nginx": [b[0] for b in theirs]}))

    def files(self):
        rows, rates, starts = [], [], []
        for count in self.options.files:
            root = self.root / f"files-{count}"
            (root / "data").mkdir(parents=True)
            if count > 1:
                subprocess.run([FILL, root / "data", str(count)], check=True, stdout=subprocess.DEVNULL)
            with rivals.chisme(root, "--scrub-period", "3650d", patience=900):
                pass  # writes first what it finds to be new
            began = time.monotonic()
            with rivals.chisme(root, "--scrub-period", "3650d", patience=900) as server:
                starts.append(time.monotonic() - began)
                clients.put(server, "small", self.file, SIZE)
                rate, cpu = self.requests(server)
                memory = resident_bytes(server.pids[0]) / (1 << 20)
            rates.append(rate)
            rows.append((str(count), f"{rate:.0f} /s", f"{cpu:.3f} s", f"{starts[-1]:.2f} s", f"{memory:.0f} MiB"))
        self.table(("files", "GET of 16 KiB", "CPU for 10 000", "ready after", "memory"), rows)
        self.panels.append(("GETs/s over files", self.options.files, {"16 KiB": rates}))
        self.panels.append(("seconds to start over files", self.options.files, {"seconds": starts}))

    def nodes(self):
        """What one node redirects, and what each costs while nothing happens, for 10 s."""
        rows, rates, idles = [], [], []
        for count in NODES:
            with contextlib.ExitStack() as stack:
                root = self.root / f"nodes-{count}"
                first = stack.enter_context(rivals.chisme(root / "1"))
                clients.put(first, "small", self.file, SIZE)
                join = ("--join", f"127.0.0.1:{first.port + 1000}")
                all_nodes = [first] + [stack.enter_context(rivals.chisme(root / str(n), *join)) for n in range(2, count + 1)]
                eventually(lambda: len(get_json(first.url("/cluster"))["members"]) == count, 20, "all nodes meet")
                time.sleep(5)
                before = [node.cpu() for node in all_nodes]
                time.sleep(10)
                idles.append(statistics.mean(node.cpu() - cpu for node, cpu in zip(all_nodes, before)) / 10 * 100)
                rate, cpu = self.requests(all_nodes[-1])
            rates.append(rate)
            what = "GET of 16 KiB" if count == 1 else "307 to the holder"
            rows.append((str(count), what, f"{rate:.0f} /s", f"{cpu:.3f} s", f"{idles[-1]:.2f} %"))
        self.table(("nodes", "answered by", "", "CPU for 10 000", "CPU of an idle node"), rows)
        self.panels.append(("answers/s of one node over nodes", NODES, {"GET, then 307": rates}))
        self.panels.append(("CPU of an idle node, %, over nodes", NODES, {"%": idles}))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=int, default=3)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--files", type=int, nargs="+", default=[1, 1000, 100_000, 1_000_000])
    parser.add_argument("--directory", help="on the disk to be measured")
    parser.add_argument("--svg", type=pathlib.Path, help="write the curves to this file")
    options = parser.parse_args()
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    with tempfile.TemporaryDirectory(prefix="chisme-bench-", dir=options.directory) as directory:
        growth = Growth(options, pathlib.Path(directory))
        growth.root.chmod(0o755)
        for measure in (growth.loops, growth.connections, growth.files, growth.nodes):
            measure()
    if options.svg:
        plot.write(options.svg, "One node of chisme as things grow", growth.panels)


if __name__ == "__main__":
    main()
