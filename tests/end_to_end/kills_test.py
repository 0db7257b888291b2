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
STALENESS_SECONDS = 5  # 2 s where nodes stay up; a node that starts must learn first


class History:
    """What was written to each name, as its one writer knows it."""

    def __init__(self):
        self.lock = threading.Lock()
        self.attempts = {}  # name -> the hash of each write, in order; None once it was refused
        self.acknowledged = {}  # name -> (when, number) of each acknowledged attempt
        self.counts = {"acknowledged": 0, "refused": 0, "unknown": 0, "read": 0, "unreadable": 0}
        self.violations = []

    def attempt(self, name, digest):
        """A write begins; its number."""
        with self.lock:
            attempts = self.attempts.setdefault(name, [])
            attempts.append(digest)
            return len(attempts) - 1

    def outcome(self, name, number, kind):
        with self.lock:
            self.counts[kind] += 1
            if kind == "acknowledged":
                self.acknowledged.setdefault(name, []).append((time.monotonic(), number))
            elif kind == "refused":
                self.attempts[name][number] = None

    def oldest_allowed(self, name, staleness):
        """What a read that begins now may see at the oldest: a node learns of a write that it has no
        part in within the convergence bound."""
        with self.lock:
            known = time.monotonic() - staleness
            return max((number for when, number in self.acknowledged[name] if when <= known), default=0)

    def check(self, name, digest, oldest, reader):
        with self.lock:
            self.counts["read"] += 1
            if digest not in self.attempts[name][oldest:]:
                was = [n for n, d in enumerate(self.attempts[name]) if d == digest]
                self.violations.append(f"{reader} was given {name} as of write {was}, not {oldest} or later: {digest}")


def upload(cluster, history, stop, random_source, own):
    """Writes names of its own, new ones and old ones again, at any node."""
    number = 0
    while not stop.is_set():
        number += 1
        name = f"{own}-{number if random_source.random() < 0.7 else random_source.randint(1, number)}"
        body = random_source.randbytes(random_source.choice([16, 100, 20_000, 400_000, 3_000_000]))
        attempt = history.attempt(name, sha256(body))
        try:
            status, _, _ = request(cluster.url(random_source.randint(1, NODES), f"/files/{name}"), "PUT", body)
            history.outcome(name, attempt, "acknowledged" if status in (200, 201) else "refused")
            if status not in (200, 201):
                time.sleep(0.05)
        except ConnectionRefusedError:
            history.outcome(name, attempt, "refused")
            time.sleep(0.05)
        except (OSError, http.client.HTTPException):
            history.outcome(name, attempt, "unknown")


def download(cluster, history, stop, random_source):
    """Reads acknowledged names through any node and compares."""
    while not stop.is_set():
        with history.lock:
            names = sorted(history.acknowledged)
        if not names:
            time.sleep(0.05)
            continue
        name = random_source.choice(names)
        oldest = history.oldest_allowed(name, STALENESS_SECONDS)
        node = random_source.randint(1, NODES)
        try:
            status, _, body = request(cluster.url(node, f"/files/{name}?via=proxy"), timeout=20)
            if status == 200:
                history.check(name, sha256(body), oldest, f"a client of node {node}")
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
            body = fetch(cluster.url(node, f"/files/{name}"))
            history.check(name, sha256(body), history.oldest_allowed(name, 0), f"at the end, a client of node {node}")


def main():
    options = argparse.ArgumentParser()
    options.add_argument("--kills", type=int, default=200)
    options.add_argument("--seed", type=int, default=random.randrange(1 << 32))
    options = options.parse_args()
    print(f"seed {options.seed}")
    source = random.Random(options.seed)
    history, stop = History(), threading.Event()
    with Cluster(NODES) as cluster:
        clients = [threading.Thread(target=upload, args=(cluster, history, stop, random.Random(source.random()), own))
                   for own in ("a", "b")]
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
