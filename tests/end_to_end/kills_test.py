"""Random kills and restarts under upload and download load: nothing acknowledged is lost.

    tests/end_to_end/kills_test.py [--kills 200] [--seed N]
"""
import argparse
import http.client
import random
import sys
import threading
import time

from harness import Cluster, eventually, fetch, get_json, request, sha256

NODES = 5
DOWN_MAX = 2


class History:
    """What was written to each name, as the clients know it."""

    def __init__(self):
        self.lock = threading.Lock()
        self.allowed = {}  # name -> hashes that a reader may see: the last acknowledged, later unknowns
        self.acknowledged = set()
        self.counts = {"acknowledged": 0, "refused": 0, "unknown": 0, "read": 0, "unreadable": 0}
        self.violations = []

    def attempt(self, name, digest):
        with self.lock:
            self.allowed.setdefault(name, []).append(digest)

    def outcome(self, name, digest, kind):
        with self.lock:
            self.counts[kind] += 1
            if kind == "acknowledged":
                self.acknowledged.add(name)
                self.allowed[name] = self.allowed[name][self.allowed[name].index(digest):]
            elif kind == "refused":
                self.allowed[name].remove(digest)

    def check(self, name, digest, allowed):
        with self.lock:
            self.counts["read"] += 1
            if digest not in allowed and digest not in self.allowed[name]:
                self.violations.append(f"{name} was read as {digest}")


def upload(cluster, history, stop, random_source, own):
    """Writes names of its own, new ones and old ones again, at any node."""
    number = 0
    while not stop.is_set():
        number += 1
        name = f"{own}-{number if random_source.random() < 0.7 else random_source.randint(1, number)}"
        body = random_source.randbytes(random_source.choice([16, 100, 20_000, 400_000, 3_000_000]))
        digest = sha256(body)
        history.attempt(name, digest)
        try:
            status, _, _ = request(cluster.url(random_source.randint(1, NODES), f"/files/{name}"), "PUT", body)
            history.outcome(name, digest, "acknowledged" if status in (200, 201) else "refused")
            if status not in (200, 201):
                time.sleep(0.05)
        except ConnectionRefusedError:
            history.outcome(name, digest, "refused")
            time.sleep(0.05)
        except (OSError, http.client.HTTPException):
            history.outcome(name, digest, "unknown")


def download(cluster, history, stop, random_source):
    """Reads acknowledged names through any node and compares."""
    while not stop.is_set():
        with history.lock:
            names = sorted(history.acknowledged)
        if not names:
            time.sleep(0.05)
            continue
        name = random_source.choice(names)
        with history.lock:
            allowed = list(history.allowed[name])
        try:
            status, _, body = request(
                cluster.url(random_source.randint(1, NODES), f"/files/{name}?via=proxy"), timeout=20)
            if status == 200:
                history.check(name, sha256(body), allowed)
                continue
        except (OSError, http.client.HTTPException):
            pass
        with history.lock:
            history.counts["unreadable"] += 1
        time.sleep(0.02)


def kill_and_restart(cluster, kills, random_source):
    down = {}  # node -> when to start it again
    killed = 0
    while killed < kills or down:
        for node in [n for n, when in down.items() if when <= time.monotonic()]:
            del down[node]
            cluster.start(node)
        if killed < kills and len(down) < DOWN_MAX:
            node = random_source.choice([n for n in range(1, NODES + 1) if n not in down])
            cluster.kill(node)
            killed += 1
            down[node] = time.monotonic() + random_source.uniform(0.1, 1.5)
            if killed % 20 == 0:
                print(f"  {killed} kills", flush=True)
        time.sleep(random_source.uniform(0.0, 0.4))


def check_everything(cluster, history):
    """Every acknowledged file: byte-identical at every node, and at three copies."""
    def all_copies(node):
        after, low = "", []
        while after is not None:
            page = get_json(cluster.url(node, f"/files?limit=1000&after={after}"))
            low += [file["name"] for file in page["files"] if file["copies"] < 3]
            after = page["next"]
        return not low
    began = time.monotonic()
    for node in range(1, NODES + 1):
        eventually(lambda n=node: all_copies(n), 120, f"node {node} sees three copies of every file")
    print(f"all files at three copies {time.monotonic() - began:.1f} s after the last restart")
    for name in sorted(history.acknowledged):
        for node in range(1, NODES + 1):
            digest = sha256(fetch(cluster.url(node, f"/files/{name}")))
            if digest not in history.allowed[name]:
                history.violations.append(f"node {node} serves {name} as {digest}")


def main():
    options = argparse.ArgumentParser()
    options.add_argument("--kills", type=int, default=200)
    options.add_argument("--seed", type=int, default=random.randrange(1 << 32))
    options = options.parse_args()
    print(f"seed {options.seed}")
    source = random.Random(options.seed)
    history, stop = History(), threading.Event()
    with Cluster(NODES) as cluster:
        clients = [threading.Thread(target=upload, args=(cluster, history, stop, random.Random(source.random()), f"u{i}"))
                   for i in range(2)]
        clients += [threading.Thread(target=download, args=(cluster, history, stop, random.Random(source.random())))
                    for _ in range(2)]
        for client in clients:
            client.start()
        try:
            kill_and_restart(cluster, options.kills, source)
        finally:
            stop.set()
            for client in clients:
                client.join()
        print(", ".join(f"{count} {kind}" for kind, count in history.counts.items()))
        check_everything(cluster, history)
    print("\n".join(history.violations) or f"{len(history.acknowledged)} acknowledged files are all there")
    enough = history.counts["acknowledged"] > options.kills / 4 and history.counts["read"] > options.kills / 4
    if not enough:
        print("too little happened for the check to mean anything")
    return 1 if history.violations or not enough else 0


if __name__ == "__main__":
    sys.exit(main())
