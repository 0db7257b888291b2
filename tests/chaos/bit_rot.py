"""One bit flips on one node's disk, at every class of position: nobody is served wrong bytes for right.

A flipped object must be found and replaced, a flipped catalogue or identity must either do no harm or
be named by the node that refuses to start with it. An answer that differs from the SHA-256 in its own
header is counted apart: it is what a client can see (D3), and the node will not have looked.
"""
import base64
import hashlib
import http.client
import random
import re
import signal
import time
import urllib.parse

from harness import eventually, request
from nodes import QUICK, Nodes, Violation, wait_until

OPTIONS = (*QUICK, "--scrub-period", "3s", "--scrub-rate", "1G")
FILES = 12
LARGE = 2_500_000
BORDER = 1 << 20
OBJECT_POSITIONS = {"begin": 0, "border, before": BORDER - 1, "border, after": BORDER, "middle": LARGE // 2,
                    "end": LARGE - 1}


def flip(path, byte, bit):
    data = bytearray(path.read_bytes())
    data[byte] ^= 1 << bit
    path.write_bytes(data)


class Rot:
    def __init__(self, directory, seed):
        self.nodes = Nodes(4, OPTIONS, directory)
        self.random = random.Random(seed)
        self.contents = {}
        self.flipped, self.refused_starts, self.seen_by_clients, self.served = 0, 0, 0, 0
        for number in range(FILES):
            self.contents[f"f{number}"] = self.nodes.some_bytes(LARGE if number < 2 else 2_000)
            if self.nodes.write(number % 4 + 1, f"f{number}", self.contents[f"f{number}"]) != "acknowledged":
                raise Violation("a file cannot be stored")
        self.nodes.check_copies(self.contents)

    # ---- Reading ----

    def look(self, number, name, query="", headers=None):
        """One answer, redirects followed, held against what was written."""
        url = self.nodes.file_url(number, name, query)
        for _ in range(5):
            try:
                status, answer, body = request(url, headers=headers, timeout=10)
            except (OSError, http.client.HTTPException):
                return
            if status != 307:
                break
            url = urllib.parse.urljoin(url, answer["Location"])
        if status == 404:
            raise Violation(f"node {number} says that there is no {name}")
        if status not in (200, 206):
            return
        self.served += 1
        begin = int(answer["Content-Range"].split()[1].split("-")[0]) if status == 206 else 0
        if body == self.contents[name][begin:begin + len(body)] and (status == 206 or len(body) == len(self.contents[name])):
            return
        told = re.search(r"sha-256=:([^:]+):", answer["Repr-Digest"] or "")
        if status == 200 and told and base64.b64decode(told[1]) != hashlib.sha256(body).digest():
            self.seen_by_clients += 1
            return
        what = f"bytes {begin} to {begin + len(body)}" if status == 206 else "all"
        raise Violation(f"node {number} served {name}{query} wrong ({what}), and its answer did not tell")

    def look_everywhere(self):
        for name in self.contents:
            for number in self.nodes.numbers():
                if self.nodes.runs(number):
                    self.look(number, name)
                    self.look(number, name, "?via=proxy")

    # ---- Rotting ----

    def objects(self, place, byte):
        """A bit of a large file's copy."""
        name = self.random.choice(["f0", "f1"])
        digest = hashlib.sha256(self.contents[name]).hexdigest()
        number = self.random.choice(sorted(self.nodes.copies_on_disk(digest)))
        path, = (self.nodes.directory(number) / "objects" / digest[:2]).glob(f"{digest}-*")
        flip(path, byte, self.random.randrange(8))
        self.flipped += 1
        self.look(number, name, "?via=local")
        self.look_everywhere()
        eventually(lambda: len(self.nodes.copies_on_disk(digest)) == 3, 40, f"a copy flipped at its {place} is replaced")
        self.look_everywhere()

    def hashes(self, part):
        """A bit of the chunk hashes beside a large file's copy, which is itself intact."""
        digest = hashlib.sha256(self.contents["f0"]).hexdigest()
        number = self.random.choice(sorted(self.nodes.copies_on_disk(digest)))
        path = self.nodes.directory(number) / "objects" / digest[:2] / f"{digest}.chunks"
        right = path.read_bytes()
        flip(path, int(part * (len(right) - 1)), self.random.randrange(8))
        self.flipped += 1
        self.nodes.restart(number)
        self.look(number, "f0", "?via=local")
        self.look_everywhere()
        eventually(lambda: path.exists() and path.read_bytes() == right, 40, "flipped chunk hashes are made again")

    def file(self, name, first, last, gently):
        """A bit of a file of a node that does not run, from the part [first, last) of its length."""
        number = self.random.choice(list(self.nodes.numbers()))
        if gently:
            self.nodes.signal(number, signal.SIGTERM)
            wait_until(lambda: not self.nodes.runs(number), 10)
        self.nodes.kill(number)
        path = self.nodes.directory(number) / name
        size = path.stat().st_size
        low, high = (int(at * size) if isinstance(at, float) else min(at, size) for at in (first, last))
        byte, bit = self.random.randrange(low, max(low + 1, high)), self.random.randrange(8)
        flip(path, byte, bit)
        self.flipped += 1
        self.nodes.start(number)
        try:
            self.start_or_say_why(number, name)
            for file in self.contents:
                self.nodes.check_name(file)
            self.look_everywhere()
            self.nodes.check_listings()
        except AssertionError as error:
            raise Violation(f"{name} of node {number}, byte {byte} of {size}, bit {bit}: {error}") from None

    def start_or_say_why(self, number, name):
        """The node starts, or says what is wrong with which file; it is then moved aside."""
        def decided():
            try:
                return not self.nodes.runs(number) or request(self.nodes.url(number, "/readyz"))[0] == 200
            except (OSError, http.client.HTTPException):
                return False
        if not wait_until(decided, 20):
            raise Violation(f"it does not become ready: {self.nodes.log(number)[-300:]}")
        if self.nodes.runs(number):
            return
        self.refused_starts += 1
        if self.nodes.exit_code(number) != 1 or name.removesuffix("-wal") not in self.nodes.log(number):
            raise Violation(f"it ended with {self.nodes.exit_code(number)} and says {self.nodes.log(number)[-300:]!r}")
        for path in self.nodes.directory(number).glob(name.removesuffix("-wal") + "*"):
            path.rename(path.with_name("aside-" + path.name))
        self.nodes.restart(number)


# A file's name, the part of it, and whether the node ended in good order before.
FILE_PLACES = (("catalogue.sqlite", 0, 100, True), ("catalogue.sqlite", 100, 4096, True),
               ("catalogue.sqlite", 4096, 1.0, True), ("catalogue.sqlite", 0.9, 1.0, True),
               ("catalogue.sqlite-wal", 0, 32, False), ("catalogue.sqlite-wal", 32, 56, False),
               ("catalogue.sqlite-wal", 56, 1.0, False), ("catalogue.sqlite-wal", 0.9, 1.0, False),
               ("node.toml", 0, 1.0, False))


def run_all(minutes, short, seed, only, directory):
    failures, turns, began, trials = [], 0, time.monotonic(), 0
    rot = Rot(directory / "0", seed)
    totals = [0, 0, 0, 0]

    def trial(what, play):
        nonlocal rot, trials
        if only not in what:
            return
        trials += 1
        try:
            play(rot)
        except AssertionError as violation:
            failures.append(f"{what}: {violation}")
            print(failures[-1], flush=True)
            add(rot)
            rot.nodes.close()
            rot = Rot(directory / str(trials), seed + trials)

    def add(ended):
        for at, count in enumerate((ended.flipped, ended.served, ended.seen_by_clients, ended.refused_starts)):
            totals[at] += count
    try:
        while turns < (1 if short else 3) or (not short and time.monotonic() - began < 60 * minutes):
            turns += 1
            for place, byte in OBJECT_POSITIONS.items():
                trial(f"object, {place}", lambda r, p=place, b=byte: r.objects(p, b))
            for part in (0, 0.5, 1):
                trial(f"chunk hashes at {part}", lambda r, p=part: r.hashes(p))
            for name, first, last, gently in FILE_PLACES:
                trial(f"{name} from {first} to {last}",
                      lambda r, n=name, f=first, l=last, g=gently: r.file(n, f, l, g))
    finally:
        add(rot)
        rot.nodes.close()
    print(f"bit rot: {totals[0]} bits flipped, {totals[1]} answers looked at, {totals[2]} of them wrong as their own "
          f"digest told, {totals[3]} starts refused with the reason, {len(failures)} failures")
    return failures
